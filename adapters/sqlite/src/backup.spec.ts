import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { copyDatabases, databasesIn, DataFolder, requireSound, SqliteDatabase, type TableSchema } from "./index.ts";

const things: TableSchema = { name: "things", indexes: [] };
let root: string;
let folder: string;
let to: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "sqlite-backup-"));
  [folder, to] = [join(root, "data"), join(root, "copy")];
  mkdirSync(to);
});
afterEach(() => rmSync(root, { recursive: true }));

const numbersIn = (name: string) => {
  const database = new DatabaseSync(join(to, name), { readOnly: true });
  const rows = database.prepare("SELECT _id FROM things ORDER BY _id").all();
  database.close();
  return rows.map((row) => Number(row["_id"]));
};
const idOf = (n: number) => String(n).padStart(6, "0");

test("copies of two files that are written in turn are of one moment, and dense", async () => {
  const [one, two] = [await SqliteDatabase.open({ folder, name: "one" }), await SqliteDatabase.open({ folder, name: "two" })];
  const [first, second] = [await one.collection(things), await two.collection(things)];
  let isWriting = true;
  const writing = (async () => {
    // Number n is in the second file only after it is in the first.
    for (let n = 0; isWriting; n++) {
      await first.insert({ _id: idOf(n) });
      await second.insert({ _id: idOf(n) });
    }
  })();
  for (let round = 0; round < 5; round++) {
    // The second first: only a common moment keeps it from being behind by more than what is on its way.
    await copyDatabases(folder, ["two.db", "one.db"], to);
    const [ones, twos] = [numbersIn("one.db"), numbersIn("two.db")];
    expect(ones).toEqual(ones.map((_, at) => at));
    expect(twos).toEqual(twos.map((_, at) => at));
    expect(ones.length - twos.length).toBeGreaterThanOrEqual(0);
    expect(ones.length - twos.length).toBeLessThanOrEqual(1);
    expect(readdirSync(to).sort()).toEqual(["one.db", "two.db"]);
    for (const name of readdirSync(to)) rmSync(join(to, name));
  }
  isWriting = false;
  await writing;
  await one.close();
  await two.close();
});

test("the files of a folder are listed, also after a kill, and those of others are not", async () => {
  const one = await SqliteDatabase.open({ folder, name: "one" });
  await (await one.collection(things)).insert({ _id: "a" });
  new DatabaseSync(join(folder, "search.db")).exec("CREATE TABLE words (word)");
  expect(databasesIn(folder)).toEqual(["one.db"]);
  await one.close();
  expect(databasesIn(folder)).toEqual(["one.db"]);
  expect(() => databasesIn(to)).toThrow("holds no store");
  await copyDatabases(folder, ["one.db"], to);
  expect(existsSync(join(to, "one.db"))).toBe(true);
  // Copying leaves the folder such that it can be opened again.
  await (await SqliteDatabase.open({ folder, name: "one" })).close();
  rmSync(join(folder, "one.db"));
  expect(() => databasesIn(folder)).toThrow("one.db is missing");
});

test("a copy of a damaged file is refused", async () => {
  const one = await SqliteDatabase.open({ folder, name: "one" });
  const all = await one.collection({ name: "things", indexes: [{ name: "word", fields: ["word"] }] });
  await all.insertMany(
    Array.from({ length: 2000 }, (_, at) => ({ _id: idOf(at), word: `word ${at}` })),
    true,
  );
  await one.close();
  const file = join(folder, "one.db");
  const bytes = readFileSync(file);
  bytes.fill(0xff, bytes.length - 3000, bytes.length - 2000);
  writeFileSync(file, bytes);
  await expect(copyDatabases(folder, ["one.db"], to)).rejects.toThrow("damaged");
  expect(() => requireSound(join(to, "one.db"))).toThrow("damaged");
});

test("a copy holds no word that was removed; neither does the file, once it is closed after it was scrubbed", async () => {
  let state = Number(process.env["TEST_SEED"] ?? Date.now() % 1_000_000_007) || 1;
  console.log(`TEST_SEED=${state}`);
  const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  const one = await SqliteDatabase.open({ folder, name: "one" });
  const all = await one.collection({ name: "things", indexes: [{ name: "word", fields: ["word"] }] });
  const wordOf = (n: number) => `zq${createHash("sha256").update(String(n)).digest("hex").slice(0, 16)}`;
  const [kept, removed]: [number[], number[]] = [[], []];
  for (let n = 0; n < 20_000;) {
    const changes: Promise<unknown>[] = [];
    for (let count = 0; count < 200; count++) {
      if (kept.length < 500 || random() < 0.55) {
        kept.push(n);
        const text = `${wordOf(n)} `.repeat(1 + Math.floor(random() * random() * 120));
        changes.push(all.insert({ _id: wordOf(n).slice(2), word: wordOf(n++), text }));
      } else {
        const [gone] = kept.splice(Math.floor(random() * kept.length), 1);
        removed.push(gone!);
        changes.push(all.removeMany({ _id: wordOf(gone!).slice(2) }));
      }
    }
    await Promise.all(changes);
  }
  await one.scrub();
  await copyDatabases(folder, ["one.db"], to);
  const leftIn = (file: string) => {
    const words = new Set(readFileSync(file, "latin1").match(/zq[0-9a-f]{16}/g));
    return removed.filter((gone) => words.has(wordOf(gone))).length;
  };
  console.log(`of ${removed.length} removed words the file holds ${leftIn(join(folder, "one.db"))}`);
  expect(leftIn(join(to, "one.db"))).toBe(0);
  await one.close();
  expect(leftIn(join(folder, "one.db"))).toBe(0);
  const again = await SqliteDatabase.open({ folder, name: "one" });
  const found = (await again.collection(things)).find({});
  expect(found.map(({ word }) => word).sort()).toEqual(kept.map(wordOf).sort());
  await again.close();
});

test("a folder whose files are being replaced is refused until that is done", async () => {
  const replacing = DataFolder.claim(folder);
  replacing.beginReplacing("A restore was interrupted.");
  replacing.release();
  expect(() => DataFolder.claim(folder)).toThrow("A restore was interrupted.");
  expect(() => databasesIn(folder)).toThrow("A restore was interrupted.");
  const again = DataFolder.claim(folder, { toReplace: true });
  again.finishReplacing(["one.db"]);
  again.release();
  expect(() => databasesIn(folder)).toThrow("one.db is missing");
  DataFolder.claim(folder).release();
});
