import { v7 as uuid } from "uuid";
import { collection, type Collection, type Database, type Document, type Filter, type FindOptions } from "./collection.ts";

interface Thing extends Document {
  run: string;
  at?: number | string;
  /** `run:word`, so that the runs of a suite keep apart. */
  words?: string[];
  inside?: { list: { n: number }[] };
}

const things = collection<Thing>("things", [
  { name: "at", fields: ["at"], carries: "ranges" },
  { name: "words", fields: ["words"], array: true, sparse: true, carries: "things by each of their words" },
  { name: "run", fields: ["run", "at"], carries: "a compound key that is not unique" },
]);

/** What the port promises on any database. */
export function collectionSuite(open: () => Promise<Database> | Database): void {
  let all: Collection<Thing>;
  let run: string;
  beforeAll(async () => {
    all = await (await open()).collection(things);
  });
  beforeEach(() => {
    run = uuid();
  });

  const id = (n: number) => `${run}:${n}`;
  const put = (...some: Omit<Thing, "run">[]) =>
    all.insertMany(
      some.map((thing) => ({ ...thing, run })),
      true,
    );
  const ids = async (filter: Filter<Thing>, options?: FindOptions<Thing>) =>
    (await all.find(filter, options)).map(({ _id }) => Number(_id.slice(run.length + 1)));

  test("a range of _id comes in order, from either end, up to a limit", async () => {
    await put(...[4, 2, 5, 1, 3].map((n) => ({ _id: id(n) })));
    const range = { _id: { $gt: id(1), $lte: id(5) } };
    expect(await ids(range, { sort: { _id: 1 } })).toEqual([2, 3, 4, 5]);
    expect(await ids(range, { sort: { _id: -1 } })).toEqual([5, 4, 3, 2]);
    expect(await ids(range, { sort: { _id: 1 }, limit: 2 })).toEqual([2, 3]);
    expect(await ids(range, { sort: { _id: -1 }, limit: 2 })).toEqual([5, 4]);
    expect(await ids({ _id: { $gte: id(6), $lt: id(9) } }, { sort: { _id: 1 } })).toEqual([]);
  });

  test("a range holds values of its own type alone", async () => {
    const base = Date.now() + Math.random();
    await put({ _id: id(1), at: base }, { _id: id(2), at: base + 1 }, { _id: id(3) }, { _id: id(4), at: `${run}` });
    expect(await ids({ at: { $gte: base, $lte: base + 1 } }, { sort: { at: 1 } })).toEqual([1, 2]);
    const numbers = await all.find({ at: { $gte: base } }, { sort: { at: 1 } });
    expect(numbers.every(({ at }) => typeof at === "number")).toBe(true);
    const strings = await all.find({ at: { $lte: `${run}` } }, { sort: { at: 1 } });
    expect(strings.every(({ at }) => typeof at === "string")).toBe(true);
    expect(strings.at(-1)!._id).toBe(id(4));
  });

  test("what is there of many ids comes once each", async () => {
    await put({ _id: id(1) }, { _id: id(2) });
    expect((await ids({ _id: { $in: [id(2), id(1), id(2), id(7)] } })).sort()).toEqual([1, 2]);
    expect(await ids({ _id: { $in: [id(2), id(1)] } }, { sort: { _id: 1 } })).toEqual([1, 2]);
    expect(await ids({ _id: { $in: [] } })).toEqual([]);
  });

  test("what matches is counted, up to a limit", async () => {
    expect(await all.count({ run }, 10)).toBe(0);
    await put(...[1, 2, 3].map((n) => ({ _id: id(n), at: n % 2 })));
    expect(await all.count({ run }, 10)).toBe(3);
    expect(await all.count({ run, at: 1 }, 10)).toBe(2);
    expect(await all.count({ run }, 2)).toBe(2);
  });

  test("documents are found by each element of an array that an index is on, until it is theirs no more", async () => {
    const [red, blue, dry] = ["red", "blue", "dry"].map((word) => `${run}:${word}`) as [string, string, string];
    await put({ _id: id(1), words: [red, blue] }, { _id: id(2), words: [blue] }, { _id: id(3), words: [] }, { _id: id(4) });
    expect(await ids({ words: red })).toEqual([1]);
    expect((await ids({ words: blue })).sort()).toEqual([1, 2]);
    expect(await ids({ words: dry })).toEqual([]);
    // One that has both is found once.
    expect((await ids({ words: { $in: [red, blue] } })).sort()).toEqual([1, 2]);
    expect(await ids({ words: blue }, { sort: { _id: -1 }, limit: 1 })).toEqual([2]);
    expect(await ids({ words: blue, _id: id(2) })).toEqual([2]);

    await all.updateOne({ _id: id(1) }, { $set: { words: [dry] } });
    expect(await ids({ words: red })).toEqual([]);
    expect(await ids({ words: dry })).toEqual([1]);
    await all.replaceOne({ _id: id(2) }, { _id: id(2), run });
    expect(await ids({ words: blue })).toEqual([]);
    await all.removeMany({ words: dry });
    expect(await ids({ _id: id(1) })).toEqual([]);
  });

  test("many documents have one key of an index on two fields that is not unique", async () => {
    await put({ _id: id(1), at: 1 }, { _id: id(2), at: 1 }, { _id: id(3), at: 2 });
    expect((await ids({ run, at: 1 })).sort()).toEqual([1, 2]);
    expect((await ids({ run, at: { $lt: 2 } })).sort()).toEqual([1, 2]);
  });

  test("whoever reads a document may change it, down to its depths", async () => {
    await put({ _id: id(1), at: 1, inside: { list: [{ n: 1 }] }, words: [`${run}:w`] });
    const ways: [Filter<Thing>, FindOptions<Thing>?][] = [
      [{ _id: id(1) }],
      [{ _id: { $in: [id(1)] } }],
      [{ _id: { $gte: id(1), $lte: id(1) } }, { sort: { _id: 1 } }],
      [{ words: `${run}:w` }],
    ];
    for (const [filter, options] of [...ways, ways[0]!]) {
      const [read] = await all.find(filter, options);
      expect(read).toEqual({ _id: id(1), run, at: 1, inside: { list: [{ n: 1 }] }, words: [`${run}:w`] });
      read!.inside!.list[0]!.n = 2;
      read!.words!.push("more");
      read!.at = 7;
    }
  });

  test("an element is added to the end of an array, which is made where there is none, by the write that sets the rest", async () => {
    await put({ _id: id(1) }, { _id: id(2), at: 1 });
    expect(await all.updateOne({ _id: id(1) }, { $push: { words: `${run}:a` } })).toMatchObject({ words: [`${run}:a`] });
    const changed = await all.updateOne(
      { _id: id(1) },
      { $push: { words: `${run}:b` }, $set: { at: 7 }, $unset: { inside: true } },
    );
    expect(changed).toEqual({ _id: id(1), run, at: 7, words: [`${run}:a`, `${run}:b`] });
    expect(await all.findOne({ _id: id(1) })).toEqual(changed);
    expect(await ids({ words: `${run}:b` })).toEqual([1]);
    // Where the filter does not hold nothing is done, neither the one nor the other.
    expect(await all.updateOne({ _id: id(2), at: 2 }, { $push: { words: `${run}:c` }, $set: { at: 3 } })).toBeNull();
    expect(await all.findOne({ _id: id(2) })).toEqual({ _id: id(2), run, at: 1 });
  });

  test("of many elements that are added at once none is lost", async () => {
    await put({ _id: id(1) });
    const added = Array.from({ length: 50 }, (_, at) => `${run}:${at}`);
    await Promise.all(added.map((word) => all.updateOne({ _id: id(1) }, { $push: { words: word }, $set: { at: 1 } })));
    expect((await all.findOne({ _id: id(1) }))!.words!.toSorted()).toEqual(added.toSorted());
  });

  test("an array is removed only while nothing was added to it since it was read", async () => {
    await put({ _id: id(1) });
    await all.updateOne({ _id: id(1) }, { $push: { words: `${run}:a` }, $set: { at: 1 } });
    await all.updateOne({ _id: id(1) }, { $push: { words: `${run}:b` }, $set: { at: 2 } });
    expect(await all.updateOne({ _id: id(1), at: 1 }, { $unset: { words: true, at: true } })).toBeNull();
    expect((await all.findOne({ _id: id(1) }))!.words).toHaveLength(2);
    expect(await all.updateOne({ _id: id(1), at: 2 }, { $unset: { words: true, at: true } })).toEqual({ _id: id(1), run });
    // And is made anew.
    expect(await all.updateOne({ _id: id(1) }, { $push: { words: `${run}:c` } })).toMatchObject({ words: [`${run}:c`] });
  });
}
