import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { matches } from "./matching.ts";
import { joinNumbered } from "./values.ts";
import { ScanRefused, SqliteDatabase, UniqueConflict, type SqliteDocument, type TableSchema } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "sqlite-"));
afterAll(() => rmSync(folder, { recursive: true }));

const things: TableSchema = {
  name: "things",
  indexes: [
    { name: "at", fields: ["at"] },
    { name: "pair", fields: ["kind", "key"], unique: true, sparse: true },
    { name: "words", fields: ["words"], array: true },
  ],
};
const log: TableSchema = {
  name: "log",
  indexes: [
    { name: "key", fields: ["chat", "key"], unique: true },
    { name: "seq", fields: ["seqKey"], sparse: true },
    { name: "message", fields: ["messageId"], sparse: true },
  ],
  compact: {
    columns: ["rev", "seq", "type"],
    packed: ["chat", "key"],
    copies: { messageId: ["body", "id"] },
    numbered: { _id: { of: "chat", number: "rev" }, seqKey: { of: "chat", number: "seq", risesWith: "_id" } },
  },
};
const ids = (documents: readonly SqliteDocument[]) => documents.map(({ _id }) => _id);
let opened = 0;

describe.each(["in a file", "in memory"])("%s", (where) => {
  let database: SqliteDatabase;
  beforeEach(async () => {
    database = await SqliteDatabase.open({
      name: `store${++opened}`,
      refuseScans: true,
      ...(where === "in a file" ? { folder } : {}),
    });
  });
  afterEach(() => database.close());

  test("whatever JSON can say comes back as it was", async () => {
    const all = await database.collection(things);
    let n = 0;
    const property = fc.asyncProperty(
      fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue()),
      fc.string({ unit: "binary" }),
      async (data, id) => {
        const document = { ...(JSON.parse(JSON.stringify(data)) as object), _id: `${++n}${id}`.toWellFormed() };
        await all.insert(document);
        expect(all.find({ _id: document._id })).toEqual([document]);
      },
    );
    await fc.assert(property, { numRuns: 200 });
  });

  test("U+0000, U+2028 and astral characters are kept in keys, and found", async () => {
    const all = await database.collection(things);
    const strange = "a\0b\u2028c\u{1F600}\uFEFF\uFFFF";
    await all.insert({ _id: strange, kind: strange, key: strange, words: [strange] });
    for (const filter of [{ _id: strange }, { kind: strange, key: strange }, { words: strange }, { _id: { $in: [strange] } }])
      expect(ids(all.find(filter))).toEqual([strange]);
    expect(all.find({ _id: "a" })).toEqual([]);
    await expect(all.insert({ _id: "\uD800" })).rejects.toThrow(/lone surrogate/);
  });

  test("a filter finds what a look at each document finds", async () => {
    const value = fc.oneof(
      fc.integer({ min: -3, max: 3 }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom("", "a", "b"),
      fc.boolean(),
      fc.constant(null),
      fc.constant(undefined),
    );
    const scalar = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom("", "a", "b"));
    const condition = fc.oneof(
      fc.oneof(scalar, fc.boolean(), fc.constant(null)),
      fc.record({ $in: fc.array(fc.oneof(scalar, fc.boolean(), fc.constant(null)), { maxLength: 5 }) }),
      fc.record({ $gt: scalar, $lte: scalar }, { requiredKeys: [], noNullPrototype: true }),
      fc.record({ $gte: scalar, $lt: scalar }, { requiredKeys: [], noNullPrototype: true }),
      fc.record({ $ne: fc.oneof(scalar, fc.boolean()) }),
      fc.record({ $exists: fc.boolean() }),
    );
    // The field `free` has no column.
    const free = await SqliteDatabase.open({ name: "free" });
    let n = 0;
    const property = fc.asyncProperty(
      fc.array(fc.tuple(value, value), { maxLength: 12 }),
      condition,
      condition,
      async (values, at, other) => {
        const all = await free.collection({ name: `t${++n}`, indexes: [{ name: "at", fields: ["at"] }] });
        const documents = values.map(
          ([at, free], i) => JSON.parse(JSON.stringify({ _id: String(i), at, free })) as SqliteDocument,
        );
        await all.insertMany(documents, true);
        const filter = { at, free: other };
        const expected = documents.filter((document) => matches(document, filter));
        expect(ids(all.find(filter)).sort()).toEqual(ids(expected).sort());
        expect(all.count(filter, 100)).toBe(expected.length);
        expect(ids(all.find({ at })).sort()).toEqual(ids(documents.filter((document) => matches(document, { at }))).sort());
        expect(await all.removeMany(filter)).toBe(expected.length);
        expect(all.count({}, 100)).toBe(documents.length - expected.length);
      },
    );
    await fc.assert(property, { numRuns: 300 });
    await free.close();
  });

  test("a unique index refuses the second, by its name, and only it", async () => {
    const all = await database.collection(things);
    await all.insertMany(
      [{ _id: "1", kind: "k", key: "a" }, { _id: "2", kind: "k", key: "b" }, { _id: "3" }, { _id: "4" }],
      true,
    );
    await expect(all.insert({ _id: "1" })).rejects.toMatchObject({ index: "_id" });
    await expect(all.insert({ _id: "5", kind: "k", key: "a" })).rejects.toMatchObject({ index: "pair" });
    await expect(all.updateOne({ _id: "2" }, { $set: { key: "a" } })).rejects.toThrow(UniqueConflict);
    const more = [{ _id: "6" }, { _id: "1" }, { _id: "7" }];
    expect(await all.insertMany(more, true)).toEqual([1, "_id", 0]);
    expect(await all.insertMany(more, false)).toEqual(["_id", "_id", 1]);
    expect(all.count({}, 100)).toBe(6);
  });

  test("changes of the same turn are all done, each by itself", async () => {
    const all = await database.collection(things);
    await all.insert({ _id: "1", at: 0 });
    const asked = Array.from({ length: 50 }, (_, n) => all.updateOne({ _id: "1", at: n }, { $inc: { at: 1 } }));
    const refused = all.insert({ _id: "1" });
    const added = all.insert({ _id: "2" });
    await expect(refused).rejects.toThrow(UniqueConflict);
    await added;
    await Promise.all(asked);
    expect(all.find({ _id: { $in: ["1", "2"] } }, { sort: { _id: 1 } })).toEqual([{ _id: "1", at: 50 }, { _id: "2" }]);
  });

  test("a query that no index serves is refused in tests", async () => {
    const all = await database.collection(things);
    expect(() => all.find({ other: 1 })).toThrow(ScanRefused);
    expect(() => all.find({ at: { $gt: 1 } }, { sort: { _id: 1 }, limit: 1 })).toThrow(ScanRefused);
    await expect(all.removeMany({ key: "a" })).rejects.toThrow(/no index serves/);
    expect(all.find({})).toEqual([]);
    expect(all.find({ at: 1, other: 2 })).toEqual([]);
  });

  describe("a compact table", () => {
    const uuid = "01932b7c-8d3e-7c00-8000-0000000000ab";
    const entry = (chat: string, rev: number, seq: number, isMessage: boolean) => ({
      _id: joinNumbered(chat, rev),
      chat,
      rev,
      seq,
      type: isMessage ? "sent" : "edited",
      key: isMessage ? `m:${uuid}:${chat}:${rev}` : `e:${rev}`,
      ...(isMessage
        ? {
            seqKey: joinNumbered(chat, seq),
            messageId: `${uuid.slice(0, -6)}${String(rev).padStart(6, "0")}`,
            body: { id: `${uuid.slice(0, -6)}${String(rev).padStart(6, "0")}` },
          }
        : { body: {} }),
    });

    test("documents come back whole, however they are asked for", async () => {
      const all = await database.collection(log);
      const chats = [uuid, "not a uuid", `${uuid}:twice:${uuid}`, "ÿ\0"];
      const entries = chats.flatMap((chat, at) => [
        entry(chat, 1, 0, false),
        entry(chat, 2, 1, true),
        { ...entry(chat, 3, 1, false), extra: [null, { at }], key: null },
      ]);
      expect(await all.insertMany(entries, true)).toEqual(entries.map(() => 1));
      for (const one of entries) expect(all.find({ _id: one._id })).toEqual([one]);
      expect(all.find({ _id: { $in: ids(entries) } })).toHaveLength(entries.length);
      expect(all.find({ chat: uuid, key: entries[1]!.key })).toEqual([entries[1]]);
      const walked: string[] = [];
      for (let last = ""; ; last = walked.at(-1)!) {
        const page = all.find({ _id: { $gt: last } }, { sort: { _id: 1 }, limit: 2 });
        walked.push(...ids(page));
        if (page.length < 2) break;
      }
      expect(walked.toSorted()).toEqual(ids(entries).sort());
      expect(all.find({ messageId: { $gt: "" } })).toHaveLength(chats.length);
      expect(
        await all.replaceOne(
          { _id: entries[1]!._id, key: entries[1]!.key },
          {
            ...entries[1]!,
            body: { id: entries[1]!.body.id, erased: true },
          },
        ),
      ).toBe(true);
      expect(all.find({ _id: entries[1]!._id })[0]!["body"]).toMatchObject({ erased: true });
      await expect(all.insert(entry(uuid, 1, 5, true))).rejects.toMatchObject({ index: "_id" });
      await expect(all.insert({ ...entry(uuid, 9, 5, true), key: entries[1]!.key })).rejects.toMatchObject({ index: "key" });
    });

    test("a range of a number that rises with another is found by bisection, among any mixture", async () => {
      const all = await database.collection(log);
      let chats = 0;
      const property = fc.asyncProperty(
        fc.array(fc.oneof({ weight: 1, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }), {
          maxLength: 60,
        }),
        fc.nat(8),
        fc.nat(40),
        fc.nat(40),
        async (kinds, gap, one, other) => {
          const chat = `c${++chats}`;
          let [rev, seq] = [0, 0];
          const entries = kinds.flatMap((isMessage) => {
            if (isMessage) return [entry(chat, ++rev, ++seq, true)];
            return Array.from({ length: gap }, () => entry(chat, ++rev, seq, false));
          });
          await all.insertMany(entries, true);
          const messages = entries.filter((e) => "seqKey" in e);
          const [from, to] = [Math.min(one, other), Math.max(one, other)];
          const wanted = messages.filter((m) => m.seq >= from && m.seq <= to);
          const range = { seqKey: { $gte: joinNumbered(chat, from), $lte: joinNumbered(chat, to) } };
          expect(all.find(range, { sort: { seqKey: 1 } })).toEqual(wanted);
          expect(all.find(range, { sort: { seqKey: -1 }, limit: 3 })).toEqual(wanted.toReversed().slice(0, 3));
          const places = [from, to, 99].map((n) => joinNumbered(chat, n));
          expect(ids(all.find({ seqKey: { $in: places } })).sort()).toEqual(
            ids(messages.filter((m) => m.seq === from || m.seq === to)).sort(),
          );
        },
      );
      await fc.assert(property, { numRuns: 150 });
    });

    test("few messages among very many other entries are looked up one by one", async () => {
      const all = await database.collection(log);
      await all.insertMany(
        [
          entry("c", 1, 1, true),
          ...Array.from({ length: 5000 }, (_, n) => entry("c", n + 2, 1, false)),
          entry("c", 5002, 2, true),
        ],
        true,
      );
      const range = { seqKey: { $gte: joinNumbered("c", 1), $lte: joinNumbered("c", 2) } };
      expect(all.find(range, { sort: { seqKey: 1 } }).map(({ rev }) => rev)).toEqual([1, 5002]);
    });
  });
});

test("a reader of another process delays emptying the log, and no change", async () => {
  const database = await SqliteDatabase.open({ folder, name: "read" });
  const all = await database.collection(things);
  await all.insert({ _id: "1" });
  const other = new DatabaseSync(join(folder, "read.db"), { readOnly: true });
  other.exec("BEGIN; SELECT count(*) FROM things");
  await all.insert({ _id: "2" });
  const scrubbed = database.scrub();
  for (let n = 3; n < 20; n++) {
    const asked = Date.now();
    await all.insert({ _id: String(n) });
    // SQLite itself would wait for the reader for seconds.
    expect(Date.now() - asked).toBeLessThan(2000);
  }
  other.close();
  await scrubbed;
  expect(statSync(join(folder, "read.db-wal")).size).toBe(0);
  await database.close();
});
