import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { collectionSuite } from "./collection.suite.ts";
import { collection, Conflict, Unavailable, type Database, type Document } from "./collection.ts";
import { openTestStore } from "./testing.ts";

interface Line extends Document {
  chat: string;
  key: string;
  text: string;
}
const lines = collection<Line>("lines", [
  { name: "key", fields: ["key", "chat"], unique: true, carries: "a key is used once in a chat" },
]);
const line = (n: number): Line => ({ _id: `line:${n}`, chat: "c", key: `k${n}`, text: "text" });

const folder = mkdtempSync(join(tmpdir(), "confab-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("in a file", () => {
  let database: Database | undefined;
  afterAll(() => database?.close());
  collectionSuite(async () => {
    await database?.close();
    return (database = openTestStore("files", folder));
  });
});

describe("in memory", () => {
  collectionSuite(() => openTestStore());
});

test("a refused insert says which index refused it, alone and among others", async () => {
  const all = await openTestStore().collection(lines);
  await all.insert(line(1));
  await expect(all.insert(line(1))).rejects.toMatchObject({ index: "_id" });
  await expect(all.insert({ ...line(2), key: "k1" })).rejects.toThrow(Conflict);
  const outcomes = await all.insertMany([line(2), { ...line(3), key: "k1" }, line(4)], true);
  expect(outcomes).toEqual(["stored", expect.objectContaining({ index: "key" }), "untried"]);
});

test("a store that is closed is unavailable, for reads and writes", async () => {
  const database = openTestStore("closed", folder);
  const all = await database.collection(lines);
  await all.insert(line(1));
  await database.close();
  await expect(all.insert(line(2))).rejects.toThrow(Unavailable);
  await expect(all.find({ _id: "line:1" })).rejects.toThrow(Unavailable);
});

test("data of a version before 0.1.0 is refused in one sentence", async () => {
  const old = join(folder, "old");
  mkdirSync(join(old, "chat"), { recursive: true });
  writeFileSync(join(old, "chat", "entries.db"), '{"_id":"x"}\n');
  const refused = openTestStore("chat", old).collection(lines);
  await expect(refused).rejects.toThrow(`${join(old, "chat")} was written by a version before 0.1.0`);
});
