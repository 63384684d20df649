import { v7 as uuid } from "uuid";
import { newRules } from "./actions/chats.ts";
import { emptyState, fold } from "./fold.ts";
import { storeState } from "./snapshots.ts";
import { place, type StoredEntryOf } from "./store/documents.ts";
import { Client, fresh } from "./testing.client.ts";
import { times, useNodes, users, type TestNode } from "./testing.ts";

const nodes = useNodes();
const { send, as } = nodes;

/** What a node asked of the store meanwhile. */
async function asked(node: TestNode, act: () => Promise<unknown>): Promise<Record<string, number>> {
  node.access.counts.clear();
  await act();
  return Object.fromEntries(node.access.counts);
}

async function inChats(count: number) {
  const [ann, bob] = users(2) as [string, string];
  const members = [
    { userId: ann, role: "owner" as const },
    { userId: bob, role: "member" as const },
  ];
  const ids = times(count, () => uuid());
  // As they lie in the store long after; opening so many one by one would take its time.
  const entries = ids.map((chatId): StoredEntryOf<"chat.created"> => {
    const body = { type: "group" as const, title: null, data: "{}", ...newRules, members };
    return {
      _id: place(chatId, 1),
      chatId,
      rev: 1,
      seq: 0,
      key: "chat.created",
      by: ann,
      at: Date.now(),
      type: "chat.created",
      body,
    };
  });
  await nodes.store.append(entries, false);
  for (const entry of entries) {
    const state = emptyState(entry.chatId);
    fold(state, entry);
    await nodes.store.keepState(storeState(state, Date.now()));
    await nodes.store.expectMembers(entry.chatId, [ann, bob]);
  }
  await Promise.all(ids.slice(0, 5).map((id) => send(ann, id, "x".repeat(8000))));
  await nodes.settle();
  const client = new Client(bob);
  while (await client.page(nodes.one));
  const { userRev, chats } = client.known;
  const known = { userRev, chats: Object.fromEntries([...chats].map(([chatId, { rev }]) => [chatId, rev])) };
  expect(Object.keys(known.chats)).toHaveLength(count);
  return { ann, bob, ids, known };
}

test("G4: of 500 chats one changed costs three looks at once, as of ten, and answers what changed", async () => {
  const bill = async (count: number) => {
    const { ann, bob, ids, known } = await inChats(count);
    for (const node of nodes.all) await node.as(bob, "chat.chat.get", { chatId: ids[7]! });
    await nodes.one.as(ann, "chat.message.send", { chatId: ids[7]!, clientMessageId: "n", text: "news" });
    let bytes = 0;
    const pull = (node: TestNode) => async () => {
      const answer = await node.as(bob, "chat.sync.pull", known);
      expect(answer.more).toBe(false);
      expect(answer.user).toEqual([]);
      expect(answer.chats.map(({ chatId, entries }) => [chatId, entries.length])).toEqual([[ids[7], 1]]);
      bytes = JSON.stringify(answer).length;
    };
    const here = await asked(nodes.one, pull(nodes.one));
    // Another node reads the list of chats and what it has not heard of, and knows them then.
    const there = await asked(nodes.two, pull(nodes.two));
    const again = await asked(nodes.two, pull(nodes.two));
    // Whoever has just started reads the states that are kept, and no log but that of the chat that changed.
    await nodes.two.restart();
    const anew = await asked(nodes.two, pull(nodes.two));
    expect(bytes).toBeLessThan(10_000);
    return { here, there, again, anew };
  };
  const ofMany = await bill(500);
  expect(ofMany.here).toEqual({ userLogOf: 1, membershipsOf: 1, chatsBeyond: 1 });
  // Of states that come from the store it looks in the same read whether the log reaches them.
  const reads = { userLogOf: 1, chatsPerhapsOf: 1, entriesAt: 1, entriesAfter: 1 };
  const asNew = { ...reads, statesOf: expect.any(Number) as number };
  expect(ofMany.there).toEqual(asNew);
  expect(ofMany.again).toEqual(ofMany.here);
  expect(ofMany.anew).toEqual(asNew);
  expect(await bill(10)).toEqual(ofMany);
});

test("many who come back at once share the looks at the logs", async () => {
  const { bob, known } = await inChats(30);
  const pull = () => nodes.one.as(bob, "chat.sync.pull", known);
  const bill = await asked(nodes.one, () => Promise.all(times(100, pull)));
  expect(bill).toEqual({ userLogOf: 100, membershipsOf: 100, chatsBeyond: expect.any(Number) as number });
  expect(bill["chatsBeyond"]).toBeLessThan(10);
});

test("G2: a page is one range of messages and one look at the end of the log, which many share", async () => {
  const [ann, bob] = users(2) as [string, string];
  const { id: chatId } = await nodes.one.as(ann, "chat.chat.create", { type: "group", memberIds: [bob] });
  await Promise.all(times(30, (at) => send(ann, chatId, `${at}`)));
  const list = (before?: number) => nodes.two.as(bob, "chat.message.list", { chatId, limit: 10, before });
  await list();
  expect(await asked(nodes.two, () => list())).toEqual({ messagesBetween: 1, chatsBeyond: 1 });
  expect(await asked(nodes.two, () => list(15))).toEqual({ messagesBetween: 1, chatsBeyond: 1 });
  const bill = await asked(nodes.two, () => Promise.all(times(50, () => list())));
  expect(bill).toEqual({ messagesBetween: 50, chatsBeyond: expect.any(Number) as number });
  expect(bill["chatsBeyond"]).toBeLessThan(5);
  // What was said through another node is on it, and was not in the first reading.
  await nodes.one.as(ann, "chat.message.send", { chatId, clientMessageId: "new", text: "new" });
  expect((await list()).items.at(-1)).toMatchObject({ seq: 31, text: "new" });
  expect(await asked(nodes.two, () => list())).toEqual({ messagesBetween: 1, chatsBeyond: 1 });
  await nodes.one.as(ann, "chat.member.remove", { chatId, userId: bob });
  await expect(list()).rejects.toMatchObject({ type: "chat.not_found" });
});

test("nothing changed costs no range at all", async () => {
  const { bob, known } = await inChats(60);
  const bill = await asked(nodes.one, async () => {
    expect(await nodes.one.as(bob, "chat.sync.pull", known)).toMatchObject({ chats: [], user: [], more: false });
  });
  expect(bill["entriesAfter"]).toBeUndefined();
});

test("a list, and catching up from nothing, ask as often for many chats as for few, but for the chats that they show", async () => {
  const few = await inChats(3);
  const many = await inChats(60);
  const list = (bob: string) => asked(nodes.one, () => nodes.one.as(bob, "chat.chat.list", { limit: 3 }));
  expect(await list(many.bob)).toEqual(await list(few.bob));
  const page = (bob: string) => asked(nodes.one, () => nodes.one.as(bob, "chat.sync.pull", { limit: 3 }));
  expect((await page(many.bob))["entriesAfter"]).toBeUndefined();
});

test("a warm send reads nothing, and many at once share a write", async () => {
  const [ann, bob] = users(2) as [string, string];
  const { id: chatId } = await nodes.one.as(ann, "chat.chat.create", { type: "group", memberIds: [bob] });
  const say = (at: number) =>
    nodes.one.as(at % 2 ? ann : bob, "chat.message.send", { chatId, clientMessageId: `n${at}`, text: "a" });
  await say(0);
  const bill = await asked(nodes.one, () => Promise.all(times(100, (at) => say(at + 1))));
  expect(Object.keys(bill)).toEqual(["append"]);
  expect(bill["append"]).toBeLessThan(6);
  // So do reactions, but that each looks at its message.
  const { message } = await say(0);
  const react = (at: number) =>
    nodes.one.as(at % 2 ? ann : bob, "chat.reaction.add", { chatId, messageId: message.id, emoji: ["👍", "🎉", "❤️"][at % 3]! });
  const reacted = await asked(nodes.one, () => Promise.all(times(6, react)));
  expect(reacted["append"]).toBeLessThan(4);
});

test("a receipt is one read and one write, but in a store that other nodes write to, where it looks how far the chats are", async () => {
  const { bob, ids } = await inChats(20);
  const read = Object.fromEntries(ids.slice(0, 5).map((id) => [id, 1]));
  const bill = await asked(nodes.one, () => nodes.one.as(bob, "chat.receipt.move", { read }));
  expect(bill["advanceUserLog"]).toBe(1);
  expect(bill["entriesAfter"]).toBeUndefined();
  expect(bill["chatsBeyond"]).toBe(1);
  expect((await fresh(nodes.one, bob)).known.chats.get(ids[0]!)!.chat.me.readSeq).toBe(1);
  expect((await as(bob, "chat.receipt.move", { read })).chats[ids[1]!]).toMatchObject({ readSeq: 1 });
});
