import { allEntries, outcome, outcomes, times, useNodes, users } from "../testing.ts";

const nodes = useNodes({ MAX_PINS: "3" });
const { as, group, direct, send } = nodes;

let ann: string, bob: string, chatId: string, ids: string[];
beforeEach(async () => {
  [ann, bob] = users(2) as [string, string];
  chatId = (await group([ann, bob])).id;
  ids = (await Promise.all(times(5, (at) => send(ann, chatId, `${at}`)))).map(({ id }) => id);
});

const pin = (messageId: string, by = ann) => as(by, "chat.pin.add", { chatId, messageId });
const unpin = (messageId: string, by = ann) => as(by, "chat.pin.remove", { chatId, messageId });
const pinned = async (userId = bob) => {
  const { items } = await as(userId, "chat.pin.list", { chatId });
  const { pins } = await as(userId, "chat.chat.get", { chatId });
  expect(pins).toEqual(items.map(({ id, seq }) => ({ id, seq })));
  expect(items.every((message) => message.pinned)).toBe(true);
  return items.map(({ id }) => id);
};

test("the latest pin is last, and a message pinned anew comes last again", async () => {
  const [a, b, c] = ids as [string, string, string];
  await pin(b);
  await pin(a);
  await pin(c);
  expect(await pinned()).toEqual([b, a, c]);
  await unpin(b);
  expect(await pinned()).toEqual([a, c]);
  await pin(b);
  expect(await pinned()).toEqual([a, c, b]);
});

test("a pin and a pin taken away, asked for again, is one entry", async () => {
  await Promise.all(times(6, () => pin(ids[0]!)));
  await Promise.all(times(6, () => unpin(ids[0]!)));
  const types = (await allEntries(nodes, ann, chatId)).map(({ type }) => type).filter((type) => type.startsWith("pin"));
  expect(types).toEqual(["pin.added", "pin.removed"]);
});

test("no more than so many, also at once on two nodes", async () => {
  const ended = await outcomes(ids.map((id) => pin(id)));
  expect(ended).toEqual(["chat.too_many_pins", "chat.too_many_pins", "done", "done", "done"]);
  expect(await pinned()).toHaveLength(3);
});

test("in a group for admins, in a direct chat for both", async () => {
  expect(await outcome(pin(ids[0]!, bob))).toBe("chat.not_allowed");
  await pin(ids[0]!);
  expect(await outcome(unpin(ids[0]!, bob))).toBe("chat.not_allowed");
  const { id } = await direct(ann, bob);
  const said = await send(ann, id);
  expect(await outcome(as(bob, "chat.pin.add", { chatId: id, messageId: said.id }))).toBe("done");
  expect(await outcome(as(ann, "chat.pin.remove", { chatId: id, messageId: said.id }))).toBe("done");
});
