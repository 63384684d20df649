import fs, { appendFileSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import fc from "fast-check";
import type { Service } from "moleculer";
import { collection, Conflict, Unavailable, type Collection, type Database, type Document } from "./collection.ts";
import { collectionSuite } from "./collection.suite.ts";
import { openNedb } from "./nedb.ts";

interface Line extends Document {
  chat: string;
  key: string;
  n: number;
  text: string;
}
const lines = collection<Line>("lines", [
  { name: "key", fields: ["key", "chat"], unique: true, carries: "a key is used once in a chat" },
  { name: "n", fields: ["n"], carries: "ranges" },
]);
const line = (n: number): Line => ({
  _id: `line:${String(n).padStart(6, "0")}`,
  chat: "c",
  key: `k${n}`,
  n,
  text: "x".repeat(200),
});
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

const folder = mkdtempSync(join(tmpdir(), "confab-"));
afterAll(() => rmSync(folder, { recursive: true }));
let opened = 0;
const serviceOf = (name: string) => ({ name, broker: {}, logger: console }) as unknown as Service;

describe("in files", () => {
  let database: Database | undefined;
  afterAll(() => database?.close());
  collectionSuite(async () => {
    await database?.close();
    return (database = openNedb(serviceOf("files"), folder));
  });
});

describe("in memory", () => {
  collectionSuite(() => openNedb(serviceOf("memory"), "memory"));
});

test("a range is what a look at every document finds, whatever came and went before", async () => {
  const things = collection<{ _id: string; at?: number | string }>("things", [{ name: "at", fields: ["at"], carries: "ranges" }]);
  const value = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constantFrom("a", "b", "c"), fc.constant(undefined));
  const range = fc.record(
    { $gt: fc.nat(20), $gte: fc.nat(20), $lt: fc.nat(20), $lte: fc.nat(20) },
    { requiredKeys: [], noNullPrototype: true },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(value, { maxLength: 40 }), fc.array(fc.nat(39)), range, async (values, gone, bounds) => {
      const all = await openNedb(serviceOf("random"), "memory").collection(things);
      const documents = values.map((at, i) => ({ _id: `${i}`, ...(at === undefined ? {} : { at }) }));
      await all.insertMany(documents, true);
      await all.removeMany({ _id: { $in: gone.map(String) } });
      const { $gt = -1, $gte = -1, $lt = 99, $lte = 99 } = bounds;
      const expected = documents
        .filter(({ _id, at }) => !gone.includes(Number(_id)) && typeof at === "number")
        .map(({ at }) => at as number)
        .filter((at) => at > $gt && at >= $gte && at < $lt && at <= $lte)
        .sort((a, b) => a - b);
      if (Object.keys(bounds).length === 0) return;
      const found = (order: 1 | -1) => all.find({ at: bounds }, { sort: { at: order } }).then((some) => some.map(({ at }) => at));
      expect(await found(1)).toEqual(expected);
      expect(await found(-1)).toEqual(expected.toReversed());
    }),
    { numRuns: 200 },
  );
});

describe("the file of a collection", () => {
  let name: string;
  let database: Database;
  let store: Collection<Line>;
  const open = async () => {
    database = openNedb(serviceOf(name), folder);
    store = await database.collection(lines);
  };
  const reopen = async () => {
    await database.close();
    await open();
  };
  const file = () => join(folder, name, "lines.db");
  const stored = async () => (await store.find({ n: { $gte: 0 } }, { sort: { n: 1 } })).map(({ n }) => n);
  /** Where the descriptors of this process lead, of those that lead to the file or to one that had its name. */
  const descriptors = () =>
    readdirSync("/proc/self/fd").flatMap((fd) => {
      try {
        const target = readlinkSync(`/proc/self/fd/${fd}`);
        return target.startsWith(file()) ? [target] : [];
      } catch {
        return [];
      }
    });
  /** Lets the next write take half of its bytes and refuses the rest; then there is room again. */
  const fillOnce = () => {
    const write = fs.writeSync;
    jest
      .spyOn(fs, "writeSync")
      .mockImplementationOnce(((fd: number, bytes: Buffer) => write(fd, bytes, 0, Math.floor(bytes.length / 2))) as never)
      .mockImplementationOnce(() => {
        throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
      });
  };

  beforeEach(async () => {
    name = `store${++opened}`;
    await open();
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await database.close();
  });

  test("G1: what is acknowledged is in the file by then, line by line, for its owner alone", async () => {
    for (const n of upTo(3)) {
      await store.insert(line(n));
      expect(readFileSync(file(), "utf8").trimEnd().split("\n").at(-1)).toBe(JSON.stringify(line(n)));
    }
    expect(statSync(file()).mode & 0o777).toBe(0o600);
  });

  test("G1: a disk that takes half a line acknowledges nothing, shows nothing of it, and goes on when there is room", async () => {
    await store.insertMany([line(1), line(2)], true);
    fillOnce();
    const failed = store.insert(line(3));
    const next = store.insert(line(4));
    await expect(failed).rejects.toThrow(Unavailable);
    await expect(next).rejects.toThrow(Unavailable);
    // Once half a line is there, nothing goes behind it.
    const whole = `${JSON.stringify(line(3))}\n`;
    expect(readFileSync(file(), "utf8").split("\n").at(-1)).toBe(whole.slice(0, Math.floor(whole.length / 2)));
    expect(await stored()).toEqual([1, 2]);
    expect(await store.insertMany([line(3)], false)).toEqual(["stored"]);
    await reopen();
    expect(await stored()).toEqual([1, 2, 3]);
  });

  test("a write that the system takes in parts is whole", async () => {
    const write = fs.writeSync;
    jest
      .spyOn(fs, "writeSync")
      .mockImplementation(((fd: number, bytes: Buffer, at: number) =>
        write(fd, bytes, at, Math.min(7, bytes.length - at))) as never);
    await store.insertMany(upTo(3).map(line), true);
    await reopen();
    expect(await stored()).toEqual([1, 2, 3]);
  });

  test("half a line that a killed process left is cut off, and the next line is whole", async () => {
    await store.insert(line(1));
    await database.close();
    appendFileSync(file(), JSON.stringify(line(2)).slice(0, 50));
    await open();
    await store.insert(line(2));
    await reopen();
    expect(await stored()).toEqual([1, 2]);
  });

  test("G1: the file is written anew while others append, and nothing of theirs goes to the old one", async () => {
    await store.insert(line(0));
    const before = statSync(file()).ino;
    let n = 0;
    let more = true;
    const appending = (async () => {
      for (; more; await pause(2)) await store.insert(line(++n));
    })();
    // Every change leaves a line that holds no more.
    let version = 0;
    while (statSync(file()).ino === before) {
      await Promise.all(upTo(50).map(() => store.updateOne({ _id: line(0)._id }, { $set: { text: `version ${++version}` } })));
    }
    const compacted = n;
    while (n < compacted + 5) await pause(5);
    more = false;
    await appending;
    expect(descriptors()).toEqual([file()]);
    await reopen();
    expect(await stored()).toEqual([0, ...upTo(n)]);
    expect((await store.findOne({ n: 0 }))!.text).toBe(`version ${version}`);
  });

  test("what was removed or changed is gone from the file once it is scrubbed, and what is there stays", async () => {
    await store.insertMany([line(1), line(2), { ...line(3), text: "a removed word" }], true);
    await store.updateOne({ n: 1 }, { $set: { text: "a replaced word" } });
    await store.updateOne({ n: 1 }, { $set: { text: "the last" } });
    await store.removeMany({ n: 3 });
    expect(readFileSync(file(), "utf8")).toMatch(/a removed word[^]*a replaced word/);
    const [, inserted] = await Promise.all([database.scrub(), store.insert(line(4))]);
    expect(inserted).toBeUndefined();
    expect(readFileSync(file(), "utf8")).not.toMatch(/a removed word|a replaced word/);
    await reopen();
    expect(await stored()).toEqual([1, 2, 4]);
  });

  test("a closed store holds its file no longer, has done what it was asked before, and does no more", async () => {
    await store.insert(line(1));
    expect(descriptors()).toHaveLength(1);
    const last = upTo(20).map((n) => store.insert(line(1 + n)));
    const closing = database.close();
    await expect(store.insert(line(30))).rejects.toThrow(Unavailable);
    await expect(store.find({})).rejects.toThrow(Unavailable);
    await Promise.all([...last, closing]);
    expect(descriptors()).toEqual([]);
    await open();
    expect(await stored()).toEqual(upTo(21));
    expect(descriptors()).toEqual([]);
  });

  test("a key of two fields is unique after a restart too, and told by its index", async () => {
    await store.insertMany(upTo(50).map(line), true);
    for (let restarts = 0; restarts < 2; restarts++) {
      const refused = await store.insert({ ...line(60), key: "k7" }).catch((err: unknown) => err);
      expect(refused).toBeInstanceOf(Conflict);
      expect(refused).toMatchObject({ index: "key" });
      await store.insert({ ...line(60), key: "k7", chat: "other" });
      expect((await store.findOne({ chat: "c", key: "k7" }))!.n).toBe(7);
      expect((await store.findOne({ chat: "other", key: "k7" }))!.n).toBe(60);
      await store.removeMany({ n: 60 });
      await reopen();
    }
  });
});
