import { setTimeout as pause } from "node:timers/promises";
import { v7 as uuid } from "uuid";
import { outcome, outcomes, passTime, times, useNodes, users, type TestNode } from "./testing.ts";

const nodes = useNodes();
const { as, group, direct, send } = nodes;
afterEach(() => jest.restoreAllMocks());

let ann: string, bob: string, eve: string;
beforeEach(() => {
  [ann, bob, eve] = users(3) as [string, string, string];
});

const block = (by: string, userId: string) => as(by, "chat.block.add", { userId });
const unblock = (by: string, userId: string) => as(by, "chat.block.remove", { userId });
/** More than the second passes for which a look is believed. */
const aWhile = async () => {
  passTime(1.1);
  // A cache looks at the clock once in a millisecond.
  await pause(5);
};

/** Whatever one can write in a chat, by its word. */
const writes = (by: string, chatId: string, own: string, others: string, via: { as: TestNode["as"] } = nodes) => ({
  send: () => via.as(by, "chat.message.send", { chatId, clientMessageId: uuid(), text: "hello" }),
  edit: () => via.as(by, "chat.message.edit", { chatId, messageId: own, text: uuid() }),
  react: () => via.as(by, "chat.reaction.add", { chatId, messageId: others, emoji: "👍" }),
  unreact: () => via.as(by, "chat.reaction.remove", { chatId, messageId: others, emoji: "👍" }),
  pin: () => via.as(by, "chat.pin.add", { chatId, messageId: others }),
  unpin: () => via.as(by, "chat.pin.remove", { chatId, messageId: others }),
});
const all = async (acts: Record<string, () => Promise<unknown>>) => {
  const ended: Record<string, string> = {};
  for (const [name, act] of Object.entries(acts)) ended[name] = await outcome(act());
  return ended;
};
const every = (acts: object, word: string) => Object.fromEntries(Object.keys(acts).map((name) => [name, word]));

test("a blocked person opens no direct chat, and whoever blocks does", async () => {
  await block(ann, bob);
  expect(await outcome(direct(bob, ann))).toBe("chat.blocked");
  expect((await as(ann, "chat.chat.list", {})).items).toEqual([]);
  expect(await outcome(direct(ann, bob))).toBe("done");
  // Then it is there, and opening it again is looking at it.
  expect(await outcome(direct(bob, ann))).toBe("done");
});

test("nor writes in one, while whoever blocks does; and reads, takes back and leaves a mark still", async () => {
  const { id } = await direct(ann, bob);
  const [anns, bobs] = [(await send(ann, id)).id, (await send(bob, id)).id];
  const [asBob, asAnn] = [writes(bob, id, bobs, anns), writes(ann, id, anns, bobs)];
  expect(await all(asBob)).toEqual(every(asBob, "done"));
  await block(ann, bob);
  await aWhile();
  expect(await all(asBob)).toEqual(every(asBob, "chat.blocked"));
  expect(await all(asAnn)).toEqual(every(asAnn, "done"));
  expect((await as(bob, "chat.message.list", { chatId: id })).items).toHaveLength(4);
  expect(await outcome(as(bob, "chat.message.delete", { chatId: id, messageId: bobs }))).toBe("done");
  expect(await outcome(as(bob, "chat.receipt.move", { read: { [id]: 2 } }))).toBe("done");
  expect(await as("", "chat.typing.check", { chatId: id, userId: bob })).toMatchObject({ shown: false });
  expect(await as("", "chat.typing.check", { chatId: id, userId: ann })).toMatchObject({ shown: true });
  await unblock(ann, bob);
  await aWhile();
  const again = { send: () => send(bob, id) };
  expect(await all(again)).toEqual({ send: "done" });
});

test("in groups nothing changes", async () => {
  const { id } = await group([ann, bob, eve]);
  const [anns, bobs] = [(await send(ann, id)).id, (await send(bob, id)).id];
  await as(ann, "chat.member.change", { chatId: id, userId: bob, role: "admin" });
  await Promise.all([block(ann, bob), block(eve, bob)]);
  await aWhile();
  const asBob = writes(bob, id, bobs, anns);
  expect(await all(asBob)).toEqual(every(asBob, "done"));
  expect(await as("", "chat.typing.check", { chatId: id, userId: bob })).toMatchObject({ shown: true });
});

test("a block takes hold at once where it was asked for, and within a second on another node", async () => {
  const { one, two } = nodes;
  const { id } = await direct(ann, bob);
  const sends = (node: TestNode) => outcome(writes(bob, id, "", "", node).send());
  for (const node of nodes.all) expect(await sends(node)).toBe("done");
  await one.as(ann, "chat.block.add", { userId: bob });
  expect(await sends(one)).toBe("chat.blocked");
  await aWhile();
  expect(await sends(two)).toBe("chat.blocked");
  await two.as(ann, "chat.block.remove", { userId: bob });
  expect(await sends(two)).toBe("done");
  await aWhile();
  expect(await sends(one)).toBe("done");
});

test("a look that began before the block is not believed after it", async () => {
  const { one } = nodes;
  const { id } = await direct(ann, bob);
  let release = () => {};
  const restore = one.access.intercept("userLogOf", async (proceed) => {
    restore();
    const found = await proceed();
    await new Promise<void>((resolve) => (release = resolve));
    return found;
  });
  const first = one.as(bob, "chat.message.send", { chatId: id, clientMessageId: "a", text: "hello" });
  await pause(5);
  await one.as(ann, "chat.block.add", { userId: bob });
  release();
  await first;
  expect(await outcome(one.as(bob, "chat.message.send", { chatId: id, clientMessageId: "b", text: "hello" }))).toBe(
    "chat.blocked",
  );
});

test("asked for again it is one entry, and the list says who", async () => {
  const before = (await as(ann, "chat.sync.pull", {})).userRev;
  await Promise.all(times(6, () => block(ann, bob)));
  await block(ann, eve);
  expect((await as(ann, "chat.sync.pull", {})).userRev).toBe(before + 2);
  expect((await as(ann, "chat.block.list", {})).items.map(({ userId }) => userId)).toEqual([bob, eve]);
  await Promise.all(times(6, () => unblock(ann, bob)));
  expect((await as(ann, "chat.block.list", {})).items.map(({ userId }) => userId)).toEqual([eve]);
  expect((await as(bob, "chat.block.list", {})).items).toEqual([]);
  expect(await outcomes([block(ann, nodes.stranger())])).toEqual(["chat.unknown_user"]);
});

test("who is blocked does not see whether the other is online, nor does who shares no chat, or is not to", async () => {
  await group([ann, bob, eve]);
  const [zoe] = users(1) as [string];
  const seen = async (viewer: string) =>
    (await as("", "chat.presence.visible", { userId: viewer, userIds: [ann, bob, eve, zoe] })).userIds.sort();
  expect(await seen(bob)).toEqual([ann, bob, eve].sort());
  expect(await seen(zoe)).toEqual([zoe]);
  await block(ann, bob);
  await as(eve, "chat.preference.change", { presence: false });
  expect(await seen(bob)).toEqual([bob]);
  expect(await seen(ann)).toEqual([ann, bob].sort());
});
