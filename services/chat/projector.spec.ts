import { v7 as uuid } from "uuid";
import { applyChange, isChange, type Changes } from "./changes.ts";
import { emptyState, fold } from "./fold.ts";
import { storeState } from "./snapshots.ts";
import { mentionsId } from "./store/projections.ts";
import { fresh } from "./testing.client.ts";
import { allEntries, later, outcome, passTime, times, useNodes, users, type TestNode } from "./testing.ts";

const nodes = useNodes({}, 3);
const { as, group, send } = nodes;
afterEach(() => jest.restoreAllMocks());

let ann: string, bob: string, eve: string;
beforeEach(() => {
  [ann, bob, eve] = users(3) as [string, string, string];
});

const noted = async (userId: string, chatId: string) =>
  (await nodes.one.service.userLog.notes(userId, [chatId])).get(chatId)?.member;

describe("G7: a node that dies between an entry and what is derived from it leaves nothing wrong to see", () => {
  async function scene() {
    const { id: chatId } = await group([ann, bob]);
    const { id: messageId } = await send(ann, chatId, "one");
    await as(ann, "chat.reaction.add", { chatId, messageId, emoji: "👍" });
    await as(ann, "chat.pin.add", { chatId, messageId });
    await nodes.settle();
    return { chatId, messageId };
  }
  type Scene = Awaited<ReturnType<typeof scene>>;
  type Change = (node: TestNode, scene: Scene) => Promise<unknown>;

  const rows: [string, Change, object][] = [
    [
      "an edit",
      (node, on) => node.as(ann, "chat.message.edit", { ...on, text: "two", data: { a: 1 } }),
      { text: "two", data: { a: 1 }, rev: 5, pinned: true },
    ],
    [
      "a deletion",
      (node, on) => node.as(ann, "chat.message.delete", on),
      { text: "", rev: 5, reactions: [], pinned: false, deletedAt: expect.any(String) as unknown },
    ],
    [
      "a reaction",
      (node, on) => node.as(bob, "chat.reaction.add", { ...on, emoji: "👍" }),
      { reactions: [{ emoji: "👍", count: 2, mine: true }], rev: 5 },
    ],
    [
      "a reaction taken back",
      (node, on) => node.as(ann, "chat.reaction.remove", { ...on, emoji: "👍" }),
      { reactions: [], rev: 5 },
    ],
    ["a pin taken away", (node, on) => node.as(ann, "chat.pin.remove", on), { pinned: false, rev: 5 }],
  ];

  test.each(rows)("%s", async (_name, change, expected) => {
    const on = await scene();
    const { three } = nodes;
    three.dieAfterAppend();
    await expect(change(three, on)).rejects.toThrow("killed");
    await three.restart();
    // One that knows nothing, and those that knew the chat before.
    for (const node of [three, nodes.one, nodes.two]) {
      const { message } = await node.as(bob, "chat.message.get", on);
      expect(message).toMatchObject(expected);
      expect((await node.as(bob, "chat.message.list", { chatId: on.chatId })).items).toEqual([message]);
      const chat = await node.as(bob, "chat.chat.get", { chatId: on.chatId });
      expect(chat.lastMessage).toEqual(message);
      expect(chat.pins.length).toBe(message.pinned ? 1 : 0);
      expect((await node.as(bob, "chat.pin.list", { chatId: on.chatId })).items).toEqual(message.pinned ? [message] : []);
      expect((await fresh(node, bob)).view().chats[0]![1].messages).toEqual([message]);
    }
    await three.settle();
    expect(await nodes.store.changesAt(on.chatId, [1])).toMatchObject([{ rev: 5 }]);
  });

  test("the words of a deleted message, which the next node takes out of its entries", async () => {
    const on = await scene();
    await as(ann, "chat.message.edit", { ...on, text: "secret" });
    await nodes.settle();
    const { three } = nodes;
    three.dieAfterAppend();
    await expect(three.as(ann, "chat.message.delete", on)).rejects.toThrow("killed");
    await three.restart();
    expect(JSON.stringify(await nodes.store.entriesAfter(on.chatId, 0, 100))).toContain("secret");
    expect(JSON.stringify(await allEntries(nodes, bob, on.chatId))).not.toContain("secret");
    const range = await as("", "chat.entry.range", { chatId: on.chatId, after: 0, limit: 100 });
    expect(JSON.stringify(range)).not.toContain("secret");
    await nodes.settle();
    expect(JSON.stringify(await nodes.store.entriesAfter(on.chatId, 0, 100))).not.toContain("secret");
    expect(JSON.stringify(await nodes.store.statesOf([on.chatId]))).not.toContain("secret");
    expect(JSON.stringify(await nodes.store.changesAt(on.chatId, [1]))).not.toContain("secret");
  });

  test.each([
    ["who came", true, (node: TestNode, chatId: string) => node.as(ann, "chat.member.add", { chatId, userIds: [eve] })],
    ["who left", false, (node: TestNode, chatId: string) => node.as(bob, "chat.member.remove", { chatId, userId: bob })],
    ["whose chat was deleted", false, (node: TestNode, chatId: string) => node.as(ann, "chat.chat.delete", { chatId })],
  ])("the own log of somebody %s", async (_name, isMember, change) => {
    const { chatId } = await scene();
    const whose = isMember ? eve : bob;
    const { three } = nodes;
    three.dieAfterAppend();
    await expect(change(three, chatId)).rejects.toThrow("killed");
    await three.restart();
    expect(await noted(whose, chatId)).toBe(isMember ? undefined : true);
    // Whoever has to do with the chat next tells it.
    await outcome(nodes.one.as(whose, "chat.chat.get", { chatId }));
    await nodes.one.settle();
    expect(await noted(whose, chatId)).toBe(isMember);
  });
});

test("two nodes that store projections at once, of the same and of later entries, end with what the log says", async () => {
  [nodes.one, nodes.two].forEach(({ access }) => (access.jitter = 4));
  const { id: chatId } = await group([ann, bob, eve]);
  const whom = [[bob], [bob, eve], [], "all" as const];
  const ids = (await Promise.all(whom.map((mentions, at) => send(ann, chatId, `${at}`, { mentions })))).map(({ id }) => id);
  for (let round = 0; round < 12; round++) {
    const changes = times(6, (at) => {
      const by = [ann, bob, eve][(at + round) % 3]!;
      const messageId = ids[(at * round) % 4]!;
      const emoji = ["👍", "🎉"][round % 2]!;
      const kinds = [
        () => as(ann, "chat.message.edit", { chatId, messageId, text: `${round}.${at}`, mentions: whom[(at + round) % 4]! }),
        () => as(by, "chat.reaction.add", { chatId, messageId, emoji }),
        () => as(by, "chat.reaction.remove", { chatId, messageId, emoji }),
        () => as(ann, round % 4 ? "chat.pin.add" : "chat.pin.remove", { chatId, messageId }),
        ...(round === 9 ? [() => as(ann, "chat.message.delete", { chatId, messageId })] : []),
      ];
      return outcome(kinds[(at + round) % kinds.length]!());
    });
    await Promise.all([...changes, nodes.one.settle(), nodes.two.settle()]);
  }
  [nodes.one, nodes.two].forEach(({ access }) => (access.jitter = 0));
  await nodes.settle();

  const entries = await nodes.store.entriesAfter(chatId, 0, 1000);
  const expected = new Map<number, Changes>();
  const state = emptyState(chatId);
  for (const entry of entries) {
    fold(state, entry);
    if (isChange(entry)) expected.set(entry.body.seq, applyChange(expected.get(entry.body.seq), entry));
  }
  expect([...expected.values()].some(({ deletedAt }) => deletedAt)).toBe(true);
  const stored = await nodes.store.changesAt(chatId, [...expected.keys()]);
  const bySeq = (a: Changes, b: Changes) => a.seq - b.seq;
  expect(stored.sort(bySeq)).toEqual([...expected.values()].sort(bySeq));
  const [kept] = await nodes.store.statesOf([chatId]);
  // A bound, which a deleted message may have moved whose words are gone from the log by now.
  expect(kept).toEqual({ ...storeState(state, kept!.keptAt), mentionedTo: expect.any(Number) as number });
  const mentions = new Map<string, number[]>();
  for (const entry of entries.filter((one) => one.type === "message.sent").sort((a, b) => a.seq - b.seq)) {
    const changes = expected.get(entry.seq);
    const last = changes?.edited?.mentions ?? entry.body.mentions ?? [];
    for (const one of changes?.deletedAt ? [] : [last].flat()) mentions.set(one, [...(mentions.get(one) ?? []), entry.seq]);
  }
  for (const one of [ann, bob, eve, "all"])
    expect((await nodes.store.mentionsOf([mentionsId(chatId, one)]))[0]?.seqs ?? []).toEqual(mentions.get(one) ?? []);
  const deleted = [...expected.values()].filter(({ deletedAt }) => deletedAt).map(({ seq }) => seq);
  for (const entry of entries) {
    if (entry.type !== "message.sent" && entry.type !== "message.edited") continue;
    const seq = entry.type === "message.sent" ? entry.seq : entry.body.seq;
    expect(entry.body.text === "").toBe(deleted.includes(seq));
  }
});

describe("what a node stores late does not stand over what another stored of a later time", () => {
  test("that somebody left", async () => {
    const { id: chatId } = await group([ann]);
    const { done, now } = later();
    const restore = nodes.one.access.intercept("advanceUserLog", (proceed) => done.then(proceed));
    await nodes.one.as(ann, "chat.member.add", { chatId, userIds: [bob] });
    await nodes.two.as(ann, "chat.member.remove", { chatId, userId: bob });
    await nodes.two.settle();
    restore();
    now();
    await nodes.one.settle();
    expect(await noted(bob, chatId)).toBe(false);
  });

  test("that all of it was deleted", async () => {
    const { id: chatId } = await group([ann]);
    const { id: messageId } = await send(ann, chatId, "one");
    await nodes.one.as(ann, "chat.message.edit", { chatId, messageId, text: "secret" });
    await nodes.two.as(ann, "chat.chat.delete", { chatId });
    await nodes.two.settle();
    await nodes.one.settle();
    expect(await nodes.store.changesAt(chatId, [1])).toEqual([]);
    expect(JSON.stringify(await nodes.store.entriesAfter(chatId, 0, 100))).not.toContain("secret");
    expect(JSON.stringify(await nodes.store.statesOf([chatId]))).not.toContain("secret");
  });
});

test("a decision that began so long ago that what happened meanwhile is no longer at hand is made anew", async () => {
  const { id: chatId } = await group([ann, bob]);
  const { id: messageId } = await send(ann, chatId, "one");
  const react = () => nodes.one.as(bob, "chat.reaction.add", { chatId, messageId, emoji: "👍" });
  await nodes.one.as(ann, "chat.reaction.add", { chatId, messageId, emoji: "🎉" });
  const { done, now } = later();
  // One has looked at the message, and takes its time.
  const restore = nodes.one.access.intercept("changesOf", async (proceed) => {
    restore();
    const found = await proceed();
    await done;
    return found;
  });
  const slow = react();
  await react();
  const keep = async () => {
    await nodes.one.settle();
    passTime(20);
    await send(ann, chatId, "on it goes");
    await nodes.one.as(ann, "chat.chat.get", { chatId });
    await nodes.one.settle();
  };
  await keep();
  await keep();
  now();
  expect((await slow).message.reactions).toContainEqual({ emoji: "👍", count: 1, mine: true });
  const reacted = (await allEntries(nodes, ann, chatId)).filter(({ type, by }) => type === "reaction.added" && by === bob);
  expect(reacted).toHaveLength(1);
});

test("recent entries are let go of, and messages stay what they are", async () => {
  const { id: chatId } = await group([ann]);
  const { id: messageId } = await send(ann, chatId, "one");
  await nodes.one.as(ann, "chat.message.edit", { chatId, messageId, text: "two" });
  const { recent } = await nodes.one.service.chats.latest(chatId);
  expect(recent.length).toBeGreaterThan(0);
  await nodes.one.settle();
  passTime(20);
  await nodes.one.settle();
  expect((await nodes.one.service.chats.latest(chatId)).recent).toEqual([]);
  expect((await nodes.one.as(ann, "chat.message.get", { chatId, messageId })).message.text).toBe("two");
});

test("a log that is longer than what is folded ahead is derived on the way", async () => {
  const { id: chatId } = await group([ann, bob]);
  // Nothing is kept: three begins at the beginning.
  const release = nodes.all.map(({ access }) => access.intercept("keepState", () => Promise.resolve()));
  const { id: messageId } = await send(ann, chatId, "one");
  await nodes.one.as(ann, "chat.message.edit", { chatId, messageId, text: "two" });
  for (let part = 0; part < 3; part++)
    await Promise.all(times(900, () => nodes.one.as(bob, "chat.message.send", { chatId, clientMessageId: uuid(), text: "x" })));
  await nodes.one.as(ann, "chat.reaction.add", { chatId, messageId, emoji: "👍" });
  expect(await nodes.store.statesOf([chatId])).toEqual([]);
  for (const end of release) end();
  const { three } = nodes;
  await three.restart();
  expect((await three.as(ann, "chat.message.get", { chatId, messageId })).message).toMatchObject({
    text: "two",
    reactions: [{ count: 1 }],
  });
  expect((await three.service.chats.latest(chatId)).recent.length).toBeLessThan(1000);
});
