import { actions, type ActionContract, type ActionName, type Params } from "@confab/contracts";
import { v7 as uuid } from "uuid";
import { fresh } from "./testing.client.ts";
import { allEntries, allMessages, outcome, outcomes, times, useNodes, users } from "./testing.ts";

const nodes = useNodes();
const { as, group, direct, send } = nodes;

let ann: string, bob: string, eve: string;
beforeEach(() => {
  [ann, bob, eve] = users(3) as [string, string, string];
});

/** Everything that somebody gets to read about a chat, by every way there is, through every node. */
async function everything(userId: string, chatId: string, ids: readonly string[]): Promise<string> {
  const answers: unknown[] = [];
  const ask = async <N extends ActionName>(name: N, params: Params<N>) => {
    const asked = as(userId, name, params);
    // What may not be seen is not there.
    if ((await outcome(asked)) === "done") answers.push(await asked);
  };
  for (const messageId of ids) {
    await ask("chat.message.get", { chatId, messageId });
    await ask("chat.message.history", { chatId, messageId });
    await ask("chat.reaction.list", { chatId, messageId });
  }
  for (const place of times(ids.length + 2, (at) => at)) {
    await ask("chat.message.list", { chatId, before: place, limit: 1 });
    await ask("chat.message.list", { chatId, after: place, limit: 1 });
    for (const limit of [1, 3, 100]) await ask("chat.message.list", { chatId, around: place, limit });
  }
  for (let after = 0; after < 40; after++) {
    await ask("chat.entry.list", { chatId, after, limit: 1 + (after % 4) });
    await ask("chat.sync.pull", { chats: { [chatId]: after }, limit: 1 + (after % 5) });
  }
  for (const node of nodes.all) {
    await ask("chat.chat.get", { chatId });
    await ask("chat.chat.list", {});
    await ask("chat.receipt.list", { chatId });
    for (const q of ["word", "gap", "before"]) {
      await ask("chat.search.find", { q });
      await ask("chat.search.find", { q, chatId });
    }
    answers.push(await allMessages(node, userId, chatId, 2), await allEntries(node, userId, chatId, 2));
    answers.push(await node.as(userId, "chat.pin.list", { chatId }), (await fresh(node, userId)).view());
  }
  return JSON.stringify(answers);
}

/** What was said at some time, and everything that can be done to a message. */
async function time(chatId: string, name: string, replyTo?: string): Promise<string[]> {
  const more = { data: { [`data-${name}`]: 1 }, ...(replyTo ? { replyTo } : {}) };
  const first = await send(ann, chatId, `word-${name}-first`, more);
  await as(ann, "chat.message.edit", { chatId, messageId: first.id, text: `word-${name}-edited` });
  await as(eve, "chat.reaction.add", { chatId, messageId: first.id, emoji: "🎉" });
  await as(ann, "chat.pin.add", { chatId, messageId: first.id });
  await as(ann, "chat.chat.change", { chatId, title: null, data: { [`rule-${name}`]: 1 } });
  await as(ann, "chat.chat.change", { chatId, title: null, data: {} });
  const last = await send(ann, chatId, `word-${name}-last`, { replyTo: first.id });
  return [first.id, last.id];
}

describe.each(["all", "join"] as const)("where newcomers may read from: %s", (historyFrom) => {
  test.each(["while it is warm", "after everything was stored"])(
    "join, leave, join: nothing of the time outside, %s",
    async (when) => {
      const { id: chatId } = await group([ann, eve], { historyFrom });
      const before = await time(chatId, "before");
      await as(ann, "chat.member.add", { chatId, userIds: [bob] });
      const during = await time(chatId, "during", before[0]);
      await as(ann, "chat.member.remove", { chatId, userId: bob });
      const gap = await time(chatId, "gap", during[0]);
      await as(ann, "chat.member.add", { chatId, userIds: [bob] });
      const ids = [...before, ...during, ...gap];
      if (when !== "while it is warm") await nodes.settle();
      const atReturn = await everything(bob, chatId, ids);
      ids.push(...(await time(chatId, "after", gap[0])));
      // What changing the rule opens, it opens for newcomers.
      for (const rule of ["join", "all"] as const) await as(ann, "chat.chat.change", { chatId, historyFrom: rule });
      if (when !== "while it is warm") await nodes.settle();
      const seen = await everything(bob, chatId, ids);

      const words = (name: string) => [`word-${name}-edited`, `word-${name}-last`, `data-${name}`, `rule-${name}`];
      for (const word of words("gap")) expect([atReturn, seen].some((text) => text.includes(word))).toBe(false);
      for (const word of words("before")) expect(seen.includes(word)).toBe(historyFrom === "all");
      for (const word of words("during")) expect(seen).toContain(word);
      for (const word of words("after")) expect(seen).toContain(word);

      const visible = historyFrom === "all" ? [1, 2, 3, 4, 7, 8] : [3, 4, 7, 8];
      for (const limit of [1, 2, 3, 100])
        expect((await allMessages(nodes, bob, chatId, limit)).map(({ seq }) => seq)).toEqual(visible);
      const entries = await allEntries(nodes, bob, chatId, 3);
      const outside = (rev: number) => (historyFrom === "join" && rev < 9) || (rev > 17 && rev < 25);
      expect(entries.map(({ rev }) => rev)).toEqual(times(entries.at(-1)!.rev, (at) => at + 1).filter((rev) => !outside(rev)));
      // Of the pins they see those that they may see.
      const { items } = await as(bob, "chat.pin.list", { chatId });
      expect(items.map(({ seq }) => seq)).toEqual(visible.filter((seq) => seq % 2));
    },
  );

  test("the last message is not shown to whoever came after it", async () => {
    const { id: chatId } = await group([ann], { historyFrom });
    await send(ann, chatId, "one");
    await as(ann, "chat.member.add", { chatId, userIds: [bob] });
    const chat = await as(bob, "chat.chat.get", { chatId });
    expect(chat.lastMessage?.text).toBe(historyFrom === "all" ? "one" : undefined);
    expect(chat).toMatchObject({ lastSeq: 1, unreadCount: 0, me: { readSeq: 1 } });
    // Whoever returns sees none from the time outside, whatever newcomers may.
    await as(ann, "chat.member.remove", { chatId, userId: bob });
    await send(ann, chatId, "two", { mentions: "all" });
    await as(ann, "chat.member.add", { chatId, userIds: [bob] });
    expect(await as(bob, "chat.chat.get", { chatId })).toMatchObject({ lastMessage: null, unreadCount: 0, unreadMentions: 0 });
  });

  test("by a link one sees as much as by being added", async () => {
    const { id: chatId } = await group([ann], { historyFrom });
    await send(ann, chatId, "one");
    const { code } = await as(ann, "chat.invite.create", { chatId });
    await as(bob, "chat.invite.accept", { code });
    expect(await allMessages(nodes, bob, chatId)).toHaveLength(historyFrom === "all" ? 1 : 0);
    await as(bob, "chat.member.remove", { chatId, userId: bob });
    await send(ann, chatId, "two");
    await as(bob, "chat.invite.accept", { code });
    expect((await allMessages(nodes, bob, chatId)).map(({ text }) => text)).toEqual(historyFrom === "all" ? ["one"] : []);
  });
});

test("what one may not see cannot be replied to, changed or pinned", async () => {
  const { id: chatId } = await group([ann, bob]);
  await as(bob, "chat.member.remove", { chatId, userId: bob });
  const { id: messageId } = await send(ann, chatId, "one");
  await as(ann, "chat.member.add", { chatId, userIds: [bob] });
  await as(ann, "chat.member.change", { chatId, userId: bob, role: "admin" });
  const on = { chatId, messageId };
  await expect(send(bob, chatId, "re", { replyTo: messageId })).rejects.toMatchObject({
    data: { errors: [{ field: "replyTo" }] },
  });
  const tried = [
    as(bob, "chat.message.edit", { ...on, text: "two" }),
    as(bob, "chat.message.delete", on),
    as(bob, "chat.reaction.add", { ...on, emoji: "👍" }),
    as(bob, "chat.pin.add", on),
    as(bob, "chat.pin.remove", on),
  ];
  expect(await outcomes(tried)).toEqual(times(5, () => "chat.message_not_found"));
});

test("changing from where newcomers may read holds for those who come then", async () => {
  const { id: chatId } = await group([ann], { historyFrom: "join" });
  await send(ann, chatId, "one");
  await as(ann, "chat.member.add", { chatId, userIds: [bob] });
  await as(ann, "chat.chat.change", { chatId, historyFrom: "all" });
  await as(ann, "chat.member.add", { chatId, userIds: [eve] });
  expect(await allMessages(nodes, bob, chatId)).toHaveLength(0);
  expect(await allMessages(nodes, eve, chatId)).toHaveLength(1);
  await as(ann, "chat.chat.change", { chatId, historyFrom: "join" });
  expect(await allMessages(nodes, eve, chatId)).toHaveLength(1);
});

describe("a chat that one is not in is not there", () => {
  const samples: Record<string, unknown> = {
    messageId: uuid(),
    userId: uuid(),
    userIds: [uuid()],
    inviteId: uuid(),
    clientMessageId: "n",
    text: "hello",
    role: "admin",
    emoji: "👍",
    q: "hello",
    after: 0,
    limit: 10,
  };
  /** Every action of the contract that is about a chat and asked by people, with what it must be given. */
  const asked = (Object.entries(actions) as [ActionName, ActionContract][])
    .filter(([name, { params, audience }]) => name.startsWith("chat.") && "chatId" in params.properties && audience !== "server")
    .map(([name, { params }]) => {
      const wanted = params.required ?? [];
      return [name, Object.fromEntries(wanted.map((field) => [field, samples[field]]))] as const;
    });
  const quiet = new Set<ActionName>(["chat.entry.range", "chat.search.find"]);

  test.each(asked.filter(([name]) => !quiet.has(name)))("%s", async (name, params) => {
    const { id: chatId } = await group([ann, bob]);
    const { id: messageId } = await send(bob, chatId, "one", { clientMessageId: "n" });
    await as(ann, "chat.member.remove", { chatId, userId: bob });
    const { id: between } = await direct(ann, bob);
    const on = { ...params, ...("messageId" in params ? { messageId } : {}) };
    for (const [userId, id] of [
      [bob, chatId],
      [eve, chatId],
      [eve, between],
      [eve, uuid()],
    ] as const) {
      const whose = "userId" in params && actions[name].audience === "service" ? { userId } : {};
      for (const node of nodes.all) {
        const answered = node.as(userId, name, { ...on, ...whose, chatId: id });
        expect(await outcome(answered)).toBe("chat.not_found");
      }
    }
  });

  test("and what one leaves again is left already", async () => {
    const { id: chatId } = await group([ann, bob]);
    await as(bob, "chat.member.remove", { chatId, userId: bob });
    expect(await outcome(as(bob, "chat.member.remove", { chatId, userId: bob }))).toBe("done");
    expect(await outcome(as(eve, "chat.member.remove", { chatId, userId: eve }))).toBe("chat.not_found");
    expect(await allEntries(nodes, ann, chatId)).toHaveLength(2);
  });

  test("nor is it in any list, and sync tells whoever left no more than that", async () => {
    const { id: chatId } = await group([ann, bob]);
    await send(ann, chatId, "one");
    const bobs = await fresh(nodes.one, bob);
    await as(ann, "chat.member.remove", { chatId, userId: bob });
    await send(ann, chatId, "secret");
    for (const rev of [0, 1, 2, 3, 4, 5, 1000]) {
      const { chats } = await as(bob, "chat.sync.pull", { chats: { [chatId]: rev } });
      expect(JSON.stringify(chats)).not.toContain("secret");
      // Whoever knows of the end hears nothing.
      expect(chats).toHaveLength(rev === 3 ? 0 : 1);
      expect((await as(eve, "chat.sync.pull", { chats: { [chatId]: rev } })).chats).toEqual([]);
    }
    await bobs.pull(nodes);
    expect(bobs.told.at(-1)).toBe("member.removed");
    for (const userId of [bob, eve]) {
      expect((await as(userId, "chat.chat.list", {})).items).toEqual([]);
      expect((await as(userId, "chat.sync.pull", {})).chats).toEqual([]);
      expect((await as(userId, "chat.follow.list", { userId })).chats).toEqual([]);
      expect((await as(userId, "chat.receipt.move", { read: { [chatId]: 2 } })).chats).toEqual({});
    }
  });
});
