import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { searchSuite } from "../search.suite.ts";
import { FtsSearch, type FtsOptions } from "./fts.search.ts";

const emptyLog = { messagesBefore: () => Promise.resolve([]), hasMessage: () => Promise.resolve(true) };
const quiet = { info() {}, warn() {} };
const opened: FtsSearch[] = [];
const folders: string[] = [];
const newFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), "confab-search-"));
  folders.push(folder);
  return folder;
};
async function open(options: Partial<FtsOptions>): Promise<FtsSearch> {
  const search = await FtsSearch.open({ folder: "memory", epoch: "one", log: emptyLog, logger: quiet, ...options });
  opened.push(search);
  return search;
}
afterAll(async () => {
  await Promise.all(opened.map((search) => search.close()));
  for (const folder of folders) rmSync(folder, { recursive: true });
});

describe("in memory", () => searchSuite(() => open({})));
describe("in a file, by a worker", () => searchSuite(() => open({ folder: newFolder() })));
describe("in many small eras, without comparing message by message", () =>
  searchSuite(() => open({ sizes: { era: 16, block: 4 }, limits: { scan: 0, cpuMs: Infinity } })));
describe("in large eras, without comparing message by message", () =>
  searchSuite(() => open({ limits: { scan: 0, cpuMs: Infinity } })));
