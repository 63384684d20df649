import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DataFolder, makeFolder } from "./folder.ts";
import { SqliteDatabase, type SqliteDocument } from "./index.ts";

let ground: string;
let folder: string;
beforeEach(() => {
  ground = mkdtempSync(join(tmpdir(), "sqlite-folder-"));
  folder = join(ground, "data");
});
afterEach(() => rmSync(ground, { recursive: true }));

const file = () => join(folder, "store.db");
const open = () => SqliteDatabase.open({ folder, name: "store" });

/** Opens the store, inserts a document and closes it; answers what is in it then. */
async function use(_id: string): Promise<SqliteDocument[]> {
  const database = await open();
  try {
    const things = await database.collection({ name: "things", indexes: [] });
    await things.insert({ _id });
    return things.find({ _id: { $in: ["a", "b"] } }, { sort: { _id: 1 } });
  } finally {
    await database.close();
  }
}

test("a folder is created for this user alone, below folders that are missing too", () => {
  folder = join(ground, "some", "where", "data");
  makeFolder(folder);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  makeFolder(folder);
});

test.each([
  ["where nothing can be created", () => "/proc/confab/data"],
  ["below a file", () => (writeFileSync(join(ground, "file"), ""), join(ground, "file", "data"))],
])("a folder %s is refused at once", (_, path) => {
  expect(() => DataFolder.claim(path())).toThrow(/cannot be created or read .* choose another folder/);
});

test("a file that was being created when its process ended is opened", async () => {
  const claimed = DataFolder.claim(folder);
  claimed.prepare("store.db");
  claimed.release();
  for (const left of [undefined, ""]) {
    if (left !== undefined) writeFileSync(file(), left);
    const again = DataFolder.claim(folder);
    expect(again.prepare("store.db")).toBe(file());
    again.release();
  }
  expect(await use("a")).toEqual([{ _id: "a" }]);
  expect(await use("b")).toEqual([{ _id: "a" }, { _id: "b" }]);
});

test.each<[string, () => void, RegExp]>([
  ["missing", () => rmSync(file()), /store\.db is missing\. Restore it from a backup/],
  ["empty", () => truncateSync(file(), 0), /store\.db is empty\. Restore it from a backup/],
  ["not listed", () => rmSync(join(folder, "owner.db")), /store\.db is not listed in .*owner\.db\. Restore the whole folder/],
])("a file that is %s is refused", async (_, damage, message) => {
  await use("a");
  damage();
  await expect(open()).rejects.toThrow(message);
});

test("a log that is missing after a crash is noticed", async () => {
  const database = await open();
  await database.close();
  expect(existsSync(`${file()}-wal`)).toBe(false);
  // As after SIGKILL: the file is listed as open, and its log is gone.
  const claimed = DataFolder.claim(folder);
  claimed.markOpen("store.db");
  claimed.release();
  await expect(open()).rejects.toThrow(/store\.db-wal is missing: the last changes/);
});

test("only the owner of the process can read the files", async () => {
  const database = await open();
  const modes = readdirSync(folder).map((name) => [name, statSync(join(folder, name)).mode & 0o777]);
  expect(modes).toEqual(modes.map(([name]) => [name, 0o600]));
  expect(modes.map(([name]) => name)).toEqual(expect.arrayContaining(["owner.db", "store.db", "store.db-wal"]));
  await database.close();
});
