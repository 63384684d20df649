import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { follows, type Found, type Hit, type Said } from "../index.ts";
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
  const search = FtsSearch.open({ folder: "memory", epoch: "one", log: emptyLog, logger: quiet, ...options });
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

test("law: in whatever order messages arrive and however often a search ends early, all are found once, the latest first", async () => {
  const words = ["common", "seldom", "commune"];
  const message = fc.record({
    chat: fc.nat(6),
    wait: fc.nat(30),
    words: fc.subarray(words),
    by: fc.constantFrom("ann", "bob"),
    /** Messages that come before it although they are sent after it. */
    late: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(60) }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(message, { minLength: 1, maxLength: 120 }),
      fc.constantFrom(...words, "com", "s"),
      fc.record({
        limit: fc.integer({ min: 1, max: 9 }),
        perBatch: fc.integer({ min: 1, max: 20 }),
        chats: fc.integer({ min: 1, max: 7 }),
      }),
      fc.record({ by: fc.constant("ann"), before: fc.nat(2000), after: fc.nat(1500) }, { requiredKeys: [] }),
      async (made, wanted, { limit, perBatch, chats }, filters) => {
        const search = FtsSearch.open({
          ...{ folder: "memory", epoch: "one", log: emptyLog, logger: quiet },
          ...{ sizes: { era: 8, block: 2 }, limits: { scan: 0, cpuMs: 0 } },
        });
        let now = 0;
        const lastSeqs = new Map<number, number>();
        const all = made.map(({ chat, wait, words, by }): Said => {
          const seq = (lastSeqs.get(chat) ?? 0) + 1;
          lastSeqs.set(chat, seq);
          return { chatId: `chat${chat}`, seq, rev: seq, by, at: (now += wait), text: words.join(" ") };
        });
        const arriving = all
          .map((said, at) => ({ said, place: at + made[at]!.late }))
          .sort((a, b) => a.place - b.place)
          .map(({ said }) => said);
        for (let at = 0; at < arriving.length; at += perBatch) await search.put(arriving.slice(at, at + perBatch));
        const isWanted = ({ text, by, at, chatId }: Said) =>
          text.split(" ").some((word) => (words.includes(wanted) ? word === wanted : word.startsWith(wanted))) &&
          by === (filters.by ?? by) &&
          at < (filters.before ?? Infinity) &&
          at > (filters.after ?? -1) &&
          Number(chatId.slice(4)) < chats;
        const expected = all.filter(isWanted).map(({ chatId, seq, at }): Hit => ({ chatId, seq, at }));
        const found: Hit[] = [];
        let since: Hit | undefined;
        do {
          const { hits, next }: Found = await search.find({
            chats: Array.from({ length: chats }, (_, chat) => ({
              chatId: `chat${chat}`,
              seqs: [{ from: 1, to: 200 }],
              latest: now,
            })),
            ...(words.includes(wanted) ? { words: [wanted], beginnings: [] } : { words: [], beginnings: [wanted] }),
            ...{ ...filters, limit, since },
          });
          found.push(...hits);
          since = next;
        } while (since);
        await search.close();
        expect(found).toEqual(expected.sort((a, b) => (follows(a, b) ? 1 : -1)));
      },
    ),
    { numRuns: 200 },
  );
}, 120_000);
