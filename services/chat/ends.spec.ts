import { LogEnds } from "./ends.ts";
import { later, times } from "./testing.ts";

/** A store in which some logs go on, and which answers each look when it is told to. */
function openLooks(goOn: ReadonlyMap<string, number>) {
  const looks: { revs: ReadonlyMap<string, number>; answer: () => void; fail: (err: unknown) => void }[] = [];
  const chatsBeyond = (revs: ReadonlyMap<string, number>) =>
    new Promise<string[]>((resolve, reject) => {
      // As the store is when it is asked.
      const found = [...revs].filter(([chatId, rev]) => (goOn.get(chatId) ?? 0) > rev).map(([chatId]) => chatId);
      looks.push({ revs: new Map(revs), answer: () => resolve(found), fail: reject });
    });
  return { looks, ends: new LogEnds({ chatsBeyond }) };
}
const turns = async (count = 3) => {
  for (let at = 0; at < count; at++) await new Promise((resolve) => setImmediate(resolve));
};

test("what is asked within one turn is one look, and each call is answered for its own chats", async () => {
  const { looks, ends } = openLooks(new Map([["b", 5]]));
  const asked = [
    ends.beyond(new Map([["a", 1]])),
    ends.isBeyond("b", 4),
    ends.beyond(new Map([...times(400, (at) => [`other ${at}`, 1] as const), ["b", 4]])),
    ends.isBeyond("a", 1),
  ];
  await turns();
  expect(looks).toHaveLength(1);
  looks[0]!.answer();
  expect(await Promise.all(asked)).toEqual([[], true, ["b"], false]);
});

test("G2: no call joins a look that has begun", async () => {
  const goOn = new Map<string, number>();
  const { looks, ends } = openLooks(goOn);
  const early = ends.isBeyond("a", 1);
  await turns();
  // Another node appends, and a client that has seen it asks.
  goOn.set("a", 2);
  const late = ends.isBeyond("a", 1);
  await turns();
  for (const look of looks) look.answer();
  expect([await early, await late]).toEqual([false, true]);
});

test("while two looks are in flight, all other calls share the next one, up to a thousand chats", async () => {
  const { looks, ends } = openLooks(new Map());
  const asked = times(2, (at) => ends.isBeyond(`first ${at}`, 1));
  await turns();
  asked.push(ends.isBeyond("second", 1));
  await turns();
  expect(looks).toHaveLength(2);
  for (let at = 0; at < 1500; at++) {
    asked.push(ends.isBeyond(`third ${at}`, 1));
    if (at % 100 === 0) await turns();
  }
  expect(looks).toHaveLength(2);
  looks[0]!.answer();
  looks[1]!.answer();
  await turns();
  expect(looks.map(({ revs }) => revs.size)).toEqual([2, 1, 1000, 500]);
  for (const look of looks) look.answer();
  expect(await Promise.all(asked)).toEqual(times(asked.length, () => false));
});

test("a look that fails fails for those who share it, and the next one begins", async () => {
  const { looks, ends } = openLooks(new Map());
  const asked = times(2, () => ends.isBeyond("a", 1));
  await turns();
  const next = ends.isBeyond("a", 1);
  looks[0]!.fail(new Error("not now"));
  for (const one of asked) await expect(one).rejects.toThrow("not now");
  await turns();
  looks[1]!.answer();
  expect(await next).toBe(false);
});

test("a look that hangs holds up the others for no more than a second", async () => {
  const { looks, ends } = openLooks(new Map());
  const { done, now } = later();
  for (let at = 0; at < 2; at++) {
    void ends.isBeyond(`hangs ${at}`, 1);
    await turns();
  }
  const next = ends.isBeyond("a", 1).then(now);
  const began = performance.now();
  while (looks.length < 3 && performance.now() - began < 10_000) await turns();
  looks[2]!.answer();
  await Promise.all([done, next]);
});
