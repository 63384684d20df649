import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Entry } from "@confab/contracts";
import fc from "fast-check";
import { Fanout } from "./fanout.ts";

const entry = (rev: number) => ({ chatId: "c", rev }) as Entry;
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function open(log: number[] = []) {
  const got: number[] = [];
  const fetched: number[] = [];
  const errors: unknown[] = [];
  const fanout = new Fanout<Entry>({
    placeOf: ({ rev }) => rev,
    deliver: (_chatId, { rev }) => got.push(rev),
    fetch: (_chatId, after) => {
      fetched.push(after);
      return Promise.resolve({ entries: log.filter((rev) => rev > after).map(entry) });
    },
    onError: (err) => errors.push(err),
  });
  fanout.follow("c", 0);
  return { fanout, got, fetched, errors };
}

test("entries that come in order are delivered at once, without a look at the log", () => {
  const { fanout, got, fetched } = open();
  fanout.receive("c", [entry(1), entry(2)]);
  fanout.receive("c", [entry(3)]);
  expect(got).toEqual([1, 2, 3]);
  expect(fetched).toEqual([]);
});

test("a repeat is delivered once", () => {
  const { fanout, got } = open();
  for (let i = 0; i < 3; i++) fanout.receive("c", [entry(1), entry(2)]);
  expect(got).toEqual([1, 2]);
});

test("an entry before its turn waits for the one before it", () => {
  const { fanout, got } = open();
  fanout.receive("c", [entry(2)]);
  expect(got).toEqual([]);
  fanout.receive("c", [entry(1)]);
  expect(got).toEqual([1, 2]);
});

test("what is lost is read from the log, and then it goes on", async () => {
  const { fanout, got, fetched } = open(upTo(5));
  fanout.receive("c", [entry(1)]);
  fanout.receive("c", [entry(5)]);
  await pause(80);
  expect(got).toEqual([1, 2, 3, 4, 5]);
  expect(fetched).toEqual([1]);
});

test("a log that does not answer is asked again", async () => {
  const got: number[] = [];
  let asked = 0;
  const fanout = new Fanout<Entry>({
    placeOf: ({ rev }) => rev,
    deliver: (_chatId, { rev }) => got.push(rev),
    fetch: () => (++asked < 3 ? Promise.reject(new Error("away")) : Promise.resolve({ entries: [entry(1)] })),
    onError: () => {},
  });
  fanout.follow("c", 0);
  fanout.receive("c", [entry(2)]);
  await pause(500);
  expect(got).toEqual([1, 2]);
});

test("a look that is asked for while the log is being read is a look of its own", async () => {
  const log = [1, 3];
  const got: number[] = [];
  let answer: (() => void) | undefined;
  const fanout = new Fanout<Entry>({
    placeOf: ({ rev }) => rev,
    deliver: (_chatId, { rev }) => got.push(rev),
    fetch: async (_chatId, after) => {
      const read = log.filter((rev) => rev > after).map(entry);
      await new Promise<void>((resolve) => (answer = resolve));
      return { entries: read };
    },
    onError: () => {},
  });
  fanout.follow("c", 0);
  fanout.receive("c", [entry(3)]);
  await pause(60);
  // The reading under way has not seen these; nothing else tells of 4.
  log.splice(0, log.length, 1, 2, 3, 4);
  void fanout.catchUp("c");
  for (let i = 0; i < 5; i++) {
    answer?.();
    await pause(60);
  }
  expect(got).toEqual([1, 2, 3, 4]);
});

test("a look at the log goes on while its pages bring something", async () => {
  const got: number[] = [];
  const fanout = new Fanout<Entry>({
    placeOf: ({ rev }) => rev,
    deliver: (_chatId, { rev }) => got.push(rev),
    fetch: (_chatId, after) =>
      Promise.resolve({
        entries: upTo(5)
          .slice(after, after + 2)
          .map(entry),
      }),
    onError: () => {},
  });
  fanout.follow("c", 0);
  await fanout.catchUp("c");
  expect(got).toEqual([1, 2, 3, 4, 5]);
});

test("a chat that nobody here follows costs nothing", async () => {
  const { fanout, got, fetched } = open();
  fanout.receive("other", [entry(7)]);
  fanout.unfollow("c");
  fanout.receive("c", [entry(1)]);
  await pause(60);
  expect([got, fetched]).toEqual([[], []]);
});

test("following again does not go back", () => {
  const { fanout, got } = open();
  fanout.receive("c", [entry(1), entry(2)]);
  fanout.follow("c", 0);
  fanout.receive("c", [entry(2), entry(3)]);
  expect(got).toEqual([1, 2, 3]);
});

test("whoever waits for a place hears when it has been given, and when it cannot be", async () => {
  const { fanout, got } = open(upTo(3));
  const reached = fanout.reach("c", 3).then((isReached) => [isReached, [...got]]);
  await expect(reached).resolves.toEqual([true, [1, 2, 3]]);
  await expect(fanout.reach("c", 2)).resolves.toBe(true);
  await expect(fanout.reach("c", 4, 100)).resolves.toBe(false);
  await expect(fanout.reach("other", 1)).resolves.toBe(false);
  const left = fanout.reach("c", 9, 60_000);
  fanout.unfollow("c");
  await expect(left).resolves.toBe(false);
});

test("of a log with gaps what was read is all there is up to where it was read", async () => {
  const got: number[] = [];
  const reads: number[] = [];
  const fanout = new Fanout<number>({
    placeOf: (place) => place,
    deliver: (_id, place) => got.push(place),
    fetch: (_id, after) => {
      reads.push(after);
      return Promise.resolve({ entries: [4, 6].filter((place) => place > after), upTo: 7 });
    },
    onError: () => {},
  });
  fanout.follow("u", 1);
  fanout.receive("u", [2]);
  // 3 and 4 are lost, and of 3, 5 and 7 nothing is kept.
  fanout.receive("u", [5]);
  await pause(80);
  expect([got, fanout.at("u")]).toEqual([[2, 4, 6], 7]);
  fanout.receive("u", [6, 7, 8]);
  expect(got).toEqual([2, 4, 6, 8]);
  expect(reads).toEqual([2]);
});

test("of what comes before its turn only so much is kept, and nothing of it is lost", async () => {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  const revs = upTo(400);
  const { fanout, got } = open(revs);
  const held = revs.slice(1).map((rev) => {
    const early = entry(rev);
    fanout.receive("c", [early]);
    return new WeakRef(early);
  });
  // What is referred to weakly is let go of only in another turn of the loop.
  await pause(1);
  gc();
  expect(held.filter((ref) => ref.deref() !== undefined).length).toBeLessThanOrEqual(100);
  expect(got).toEqual([]);
  await pause(100);
  expect(got).toEqual(revs);
});

test("whatever is swapped, lost or repeated: each once, in order, to the last that arrived", async () => {
  const schedule = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(schedule, async (revs) => {
      const { fanout, got } = open(upTo(30));
      for (const rev of revs) fanout.receive("c", [entry(rev)]);
      await pause(60);
      const last = Math.max(...revs);
      expect(got).toEqual(upTo(got.length));
      expect(got.length).toBeGreaterThanOrEqual(last);
    }),
    { numRuns: 25 },
  );
});
