import type { Message } from "@confab/contracts";
import { v7 as uuid } from "uuid";
import { allEntries, allMessages, outcome, outcomes, passTime, times, useNodes, users } from "../testing.ts";

const nodes = useNodes({ EDIT_WINDOW: "60", MAX_TEXT: "50" });
const { as, group, direct, send } = nodes;
afterEach(() => {
  jest.restoreAllMocks();
  nodes.all.forEach(({ access }) => (access.jitter = 0));
});

let ann: string, bob: string, eve: string;
beforeEach(() => {
  [ann, bob, eve] = users(3) as [string, string, string];
});

const typesOf = async (userId: string, chatId: string) => (await allEntries(nodes, userId, chatId)).map(({ type }) => type);

describe("editing", () => {
  test("changes what is named and leaves the rest, and the answer is what everybody sees", async () => {
    const { id: chatId } = await group([ann, bob, eve]);
    const sent = await send(ann, chatId, "one", { mentions: [bob], data: { a: 1 } });
    const on = { chatId, messageId: sent.id };
    const steps: [object, Partial<Message>][] = [
      [{ text: "two" }, { text: "two", mentions: [bob], data: { a: 1 } }],
      [{ mentions: "all" }, { text: "two", mentions: "all", data: { a: 1 } }],
      [{ data: {} }, { text: "two", mentions: "all", data: {} }],
      [{ mentions: [] }, { text: "two", mentions: [], data: {} }],
      [
        { text: "three", mentions: [eve], data: { "$a.b": [] } },
        { text: "three", mentions: [eve], data: { "$a.b": [] } },
      ],
    ];
    for (const [at, [change, expected]] of steps.entries()) {
      const { message } = await as(ann, "chat.message.edit", { ...on, ...change });
      expect(message).toEqual({ ...sent, ...expected, rev: 3 + at, editedAt: expect.any(String) as string });
      for (const node of nodes.all) expect((await node.as(bob, "chat.message.get", on)).message).toEqual(message);
    }
  });

  test("to the same again is no entry, also twice at once", async () => {
    const { id: chatId } = await group([ann, bob]);
    const { id: messageId } = await send(ann, chatId, "one", { mentions: [bob], data: { a: 1 } });
    const edit = (change: object) => as(ann, "chat.message.edit", { chatId, messageId, ...change });
    expect((await edit({})).message).toMatchObject({ rev: 2, editedAt: null });
    await edit({ text: "one", mentions: [bob], data: { a: 1 } });
    expect(await typesOf(bob, chatId)).toEqual(["chat.created", "message.sent"]);
    const edited = await Promise.all(times(6, () => edit({ text: "two" })));
    expect(new Set(edited.map(({ message }) => message.rev))).toEqual(new Set([3]));
    expect(await typesOf(bob, chatId)).toEqual(["chat.created", "message.sent", "message.edited"]);
  });

  test("is for the author, while they may write", async () => {
    const { id: chatId } = await group([ann, bob, eve]);
    const { id: messageId } = await send(bob, chatId, "one");
    const edit = (by: string) => outcome(as(by, "chat.message.edit", { chatId, messageId, text: "two" }));
    expect(await edit(ann)).toBe("chat.not_author");
    expect(await edit(eve)).toBe("chat.not_author");
    await as(ann, "chat.chat.change", { chatId, posting: "admins" });
    expect(await edit(bob)).toBe("chat.not_allowed");
    await as(ann, "chat.member.change", { chatId, userId: bob, role: "admin" });
    expect(await edit(bob)).toBe("done");
  });

  test("ends with its window, by the time of the message and whatever the clock did since", async () => {
    const { id: chatId } = await group([ann]);
    const { id: messageId } = await send(ann, chatId, "one");
    const edit = (text: string) => outcome(as(ann, "chat.message.edit", { chatId, messageId, text }));
    passTime(59);
    expect(await edit("two")).toBe("done");
    passTime(2);
    expect(await edit("three")).toBe("chat.edit_too_late");
    // An edit opens no new window, and a clock that is put back closes none.
    passTime(-3600);
    expect(await edit("four")).toBe("done");
    passTime(3700);
    expect(await edit("five")).toBe("chat.edit_too_late");
    // Deleted it can be at any time.
    expect(await outcome(as(ann, "chat.message.delete", { chatId, messageId }))).toBe("done");
  });

  test("of many at once leaves the one that came last, and all of them in the history", async () => {
    nodes.all.forEach(({ access }) => (access.jitter = 3));
    const { id: chatId } = await group([ann, bob]);
    const { id: messageId } = await send(ann, chatId, "0");
    const texts = times(10, (at) => `${at + 1}`);
    const edited = await Promise.all(texts.map((text) => as(ann, "chat.message.edit", { chatId, messageId, text })));
    const { items } = await as(bob, "chat.message.history", { chatId, messageId });
    expect(items.map(({ rev }) => rev)).toEqual(times(11, (at) => at + 2));
    expect(items[0]!.text).toBe("0");
    expect(items.map(({ text }) => text).sort()).toEqual(["0", ...texts].sort());
    expect((await as(bob, "chat.message.get", { chatId, messageId })).message).toMatchObject({
      text: items.at(-1)!.text,
      rev: 12,
    });
    // Each was answered with its own.
    for (const { message } of edited) expect(items.find(({ rev }) => rev === message.rev)!.text).toBe(message.text);
  });

  test("an edit mentions, and takes mentions back", async () => {
    const { id: chatId } = await group([ann, bob, eve]);
    const { id: messageId } = await send(ann, chatId, "one", { mentions: [bob] });
    const unread = async () =>
      Promise.all([bob, eve].map(async (userId) => (await as(userId, "chat.chat.get", { chatId })).unreadMentions));
    expect(await unread()).toEqual([1, 0]);
    await as(ann, "chat.message.edit", { chatId, messageId, mentions: [eve] });
    expect(await unread()).toEqual([0, 1]);
    await as(ann, "chat.message.edit", { chatId, messageId, mentions: "all" });
    expect(await unread()).toEqual([1, 1]);
    await as(ann, "chat.message.delete", { chatId, messageId });
    expect(await unread()).toEqual([0, 0]);
  });
});

describe("deleting", () => {
  const secret = "secret";
  const hidden = { [secret]: secret };

  /** All that anybody is answered about a chat, as one text. */
  async function everything(userId: string, chatId: string, messageId: string): Promise<string> {
    const on = { chatId, messageId };
    const answers: unknown[] = [];
    for (const node of nodes.all) {
      answers.push(
        await node.as(userId, "chat.message.get", on),
        await node.as(userId, "chat.message.history", on),
        await allMessages(node, userId, chatId),
        await allEntries(node, userId, chatId),
        await node.as(userId, "chat.entry.range", { chatId, after: 0, limit: 1000 }),
        await node.as(userId, "chat.sync.pull", {}),
        await node.as(userId, "chat.sync.pull", { chats: { [chatId]: 0 } }),
        await node.as(userId, "chat.sync.pull", { chats: { [chatId]: 1 }, limit: 2 }),
        await node.as(userId, "chat.chat.get", { chatId }),
        await node.as(userId, "chat.chat.list", {}),
        await node.as(userId, "chat.pin.list", { chatId }),
      );
    }
    return JSON.stringify(answers);
  }

  test.each(["at once", "after the projections were stored"])("takes the words out of every answer, %s", async (when) => {
    const { id: chatId } = await group([ann, bob]);
    const sent = await send(ann, chatId, secret, { data: hidden, mentions: [bob] });
    const on = { chatId, messageId: sent.id };
    const reply = await send(bob, chatId, "reply", { replyTo: sent.id });
    await as(ann, "chat.message.edit", { ...on, text: `${secret} too`, data: { ...hidden, too: secret } });
    await as(bob, "chat.reaction.add", { ...on, emoji: "👍" });
    await as(ann, "chat.pin.add", on);
    const last = await send(ann, chatId, secret, { data: hidden });
    await nodes.settle();
    expect(await everything(bob, chatId, sent.id)).toContain(secret);
    for (const messageId of [sent.id, last.id]) await as(ann, "chat.message.delete", { chatId, messageId });
    if (when !== "at once") await nodes.settle();

    expect(await everything(bob, chatId, sent.id)).not.toContain(secret);
    expect(await everything(ann, chatId, last.id)).not.toContain(secret);
    const gone = { text: "", data: {}, mentions: [], attachments: [], reactions: [], pinned: false };
    expect((await as(bob, "chat.message.get", on)).message).toMatchObject({
      ...gone,
      seq: 1,
      deletedAt: expect.any(String) as string,
    });
    expect((await as(bob, "chat.message.history", on)).items).toEqual([]);
    const chat = await as(bob, "chat.chat.get", { chatId });
    expect(chat).toMatchObject({
      lastSeq: 3,
      pins: [],
      lastMessage: { ...gone, seq: 3, deletedAt: expect.any(String) as string },
    });
    // A reply still names it, and it is there to be looked at.
    expect((await as(bob, "chat.message.get", { chatId, messageId: reply.id })).message.replyTo).toEqual({ id: sent.id, seq: 1 });
    expect((await allMessages(nodes, bob, chatId)).map(({ seq }) => seq)).toEqual([1, 2, 3]);
    // The numbers go on behind it.
    expect((await send(ann, chatId, "next")).seq).toBe(4);
  });

  test("takes the words out of the store", async () => {
    const { id: chatId } = await group([ann, bob]);
    const { id: messageId } = await send(ann, chatId, secret, { data: hidden });
    await as(ann, "chat.message.edit", { chatId, messageId, text: `${secret} too` });
    await nodes.settle();
    await as(ann, "chat.message.delete", { chatId, messageId });
    await nodes.settle();
    const { store } = nodes;
    const stored = [await store.entriesAfter(chatId, 0, 100), await store.statesOf([chatId]), await store.changesAt(chatId, [1])];
    expect(JSON.stringify(stored)).not.toContain(secret);
    expect(stored[0]!.map(({ rev }) => rev)).toEqual([1, 2, 3, 4]);
  });

  test("is for the author, and in a group for admins; twice it is once", async () => {
    const { id: chatId } = await group([ann, bob, eve]);
    const { id: messageId } = await send(ann, chatId);
    const remove = (by: string, id = messageId) => as(by, "chat.message.delete", { chatId, messageId: id });
    expect(await outcome(remove(bob))).toBe("chat.not_author");
    await as(ann, "chat.member.change", { chatId, userId: bob, role: "admin" });
    const deleted = await Promise.all(times(6, (at) => remove(at % 2 ? ann : bob)));
    expect(new Set(deleted.map(({ message }) => message.rev)).size).toBe(1);
    expect((await typesOf(ann, chatId)).filter((type) => type === "message.deleted")).toHaveLength(1);
    const { id: other } = await direct(ann, bob);
    const said = await send(ann, other);
    expect(await outcome(as(bob, "chat.message.delete", { chatId: other, messageId: said.id }))).toBe("chat.not_author");
  });

  test("and changing at once: what is deleted is changed no more", async () => {
    nodes.all.forEach(({ access }) => (access.jitter = 3));
    for (let round = 0; round < 8; round++) {
      const { id: chatId } = await group([ann, bob]);
      const { id: messageId } = await send(ann, chatId, "one");
      const on = { chatId, messageId };
      const ended = await outcomes([
        as(ann, "chat.message.edit", { ...on, text: secret }),
        as(ann, "chat.message.delete", on),
        as(bob, "chat.reaction.add", { ...on, emoji: "👍" }),
        as(ann, "chat.pin.add", on),
      ]);
      expect(ended.filter((word) => word !== "done" && word !== "chat.message_deleted")).toEqual([]);
      const types = await typesOf(bob, chatId);
      expect(types.at(-1)).toBe("message.deleted");
      expect(types.length - 2).toBe(ended.filter((word) => word === "done").length);
      expect((await as(bob, "chat.message.get", on)).message).toMatchObject({ text: "", reactions: [], pinned: false });
      expect((await as(bob, "chat.chat.get", { chatId })).pins).toEqual([]);
    }
  });

  test("leaves nothing to be done but to look", async () => {
    const { id: chatId } = await group([ann, bob]);
    const { id: messageId } = await send(ann, chatId);
    const on = { chatId, messageId };
    await as(ann, "chat.message.delete", on);
    const ended = [
      as(ann, "chat.message.edit", { ...on, text: "two" }),
      as(bob, "chat.reaction.add", { ...on, emoji: "👍" }),
      as(bob, "chat.reaction.remove", { ...on, emoji: "👍" }),
      as(ann, "chat.pin.add", on),
    ];
    expect(await outcomes(ended)).toEqual(times(4, () => "chat.message_deleted"));
    expect(await outcome(as(ann, "chat.pin.remove", on))).toBe("done");
    expect(await outcome(send(bob, chatId, "reply", { replyTo: messageId }))).toBe("done");
  });
});

describe("replies and mentions", () => {
  test("a reply names a message of its chat by id and number", async () => {
    const [{ id: chatId }, { id: other }] = [await group([ann, bob]), await group([ann, bob])];
    const original = await send(ann, chatId);
    expect((await send(bob, chatId, "re", { replyTo: original.id })).replyTo).toEqual({ id: original.id, seq: 1 });
    for (const [where, replyTo] of [
      [other, original.id],
      [chatId, uuid()],
    ] as const) {
      await expect(send(bob, where, "re", { replyTo })).rejects.toMatchObject({
        type: "bad_input",
        data: { errors: [{ field: "replyTo" }] },
      });
    }
  });

  test("a newcomer may reply through a node that has not heard of them", async () => {
    const { one, two } = nodes;
    const { id: chatId } = await two.as(ann, "chat.chat.create", { type: "group", memberIds: [] });
    const { message } = await one.as(ann, "chat.message.send", { chatId, clientMessageId: "a", text: "one" });
    await two.as(ann, "chat.member.add", { chatId, userIds: [bob] });
    const reply = { chatId, clientMessageId: "b", text: "two", replyTo: message.id, mentions: [bob] };
    expect((await one.as(bob, "chat.message.send", reply)).message.replyTo).toEqual({ id: message.id, seq: 1 });
    await two.as(bob, "chat.member.remove", { chatId, userId: bob });
    for (const clientMessageId of ["b", "c"])
      expect(await outcome(one.as(bob, "chat.message.send", { ...reply, clientMessageId }))).toBe("chat.not_found");
    expect(await outcome(one.as(eve, "chat.message.send", reply))).toBe("chat.not_found");
  });

  test("who is mentioned must be a member, and each who is not is named", async () => {
    const { id: chatId } = await group([ann, bob]);
    const wrong = { type: "bad_input", data: { errors: [{ field: "mentions.0" }, { field: "mentions.2" }] } };
    await expect(send(ann, chatId, "hi", { mentions: [eve, bob, uuid()] })).rejects.toMatchObject(wrong);
    const { id: messageId } = await send(ann, chatId, "hi", { mentions: [bob, ann] });
    await expect(as(ann, "chat.message.edit", { chatId, messageId, mentions: [eve, bob, uuid()] })).rejects.toMatchObject(wrong);
    expect(await typesOf(bob, chatId)).toEqual(["chat.created", "message.sent"]);
  });

  test("unread mentions are those by others since one read, fifty at most", async () => {
    const { id: chatId } = await group([ann, bob]);
    await send(ann, chatId, "a", { mentions: "all" });
    await send(ann, chatId, "b", { mentions: [bob] });
    await send(ann, chatId, "c");
    await send(ann, chatId, "d", { mentions: [ann] });
    const mentions = async (userId: string) => (await as(userId, "chat.chat.get", { chatId })).unreadMentions;
    expect([await mentions(ann), await mentions(bob)]).toEqual([0, 2]);
    await as(bob, "chat.receipt.move", { read: { [chatId]: 1 } });
    expect(await mentions(bob)).toBe(1);
    await Promise.all(times(60, () => send(ann, chatId, "e", { mentions: "all" })));
    expect(await mentions(bob)).toBe(50);
    await send(bob, chatId, "f");
    expect(await mentions(bob)).toBe(0);
  });
});

describe("G3: the same name is the same message", () => {
  test("also where it may be sent no more: in slow mode, where only admins post, to somebody who blocks", async () => {
    const { id: chatId } = await group([ann, bob], { slowMode: 60 });
    const again = (where: string) => as(bob, "chat.message.send", { chatId: where, clientMessageId: "n", text: "other" });
    const first = await send(bob, chatId, "one", { clientMessageId: "n" });
    expect(await again(chatId)).toEqual({ status: 200, message: first });
    expect(await outcome(send(bob, chatId, "two"))).toBe("chat.slow_mode");
    await as(ann, "chat.chat.change", { chatId, posting: "admins", slowMode: 0 });
    expect(await again(chatId)).toEqual({ status: 200, message: first });
    const { id: other } = await direct(ann, bob);
    const said = await send(bob, other, "one", { clientMessageId: "n" });
    await as(ann, "chat.block.add", { userId: bob });
    expect(await again(other)).toEqual({ status: 200, message: said });
  });

  test("also where whom it mentions has left", async () => {
    const { id: chatId } = await group([ann, bob, eve]);
    const words = { clientMessageId: "n", mentions: [eve] };
    const first = await send(bob, chatId, "one", words);
    await as(eve, "chat.member.remove", { chatId, userId: eve });
    for (const node of nodes.all)
      expect(await node.as(bob, "chat.message.send", { chatId, text: "one", ...words })).toEqual({ status: 200, message: first });
  });

  test("answers it as it is now", async () => {
    const { id: chatId } = await group([ann, bob]);
    const { id: messageId } = await send(bob, chatId, "one", { clientMessageId: "n" });
    await as(bob, "chat.message.edit", { chatId, messageId, text: "two" });
    await as(ann, "chat.reaction.add", { chatId, messageId, emoji: "👍" });
    for (const node of nodes.all) {
      const { message, status } = await node.as(bob, "chat.message.send", { chatId, clientMessageId: "n", text: "one" });
      expect(status).toBe(200);
      expect(message).toMatchObject({ text: "two", rev: 4, reactions: [{ emoji: "👍", count: 1, mine: false }] });
    }
    await as(bob, "chat.message.delete", { chatId, messageId });
    const { message } = await as(bob, "chat.message.send", { chatId, clientMessageId: "n", text: "one" });
    expect(message).toMatchObject({ text: "", deletedAt: expect.any(String) as string });
  });

  test("is no way in for whoever has left", async () => {
    const { id: chatId } = await group([ann, bob]);
    await send(bob, chatId, "one", { clientMessageId: "n" });
    await as(ann, "chat.member.remove", { chatId, userId: bob });
    expect(await outcome(send(bob, chatId, "one", { clientMessageId: "n" }))).toBe("chat.not_found");
  });
});

describe("the answer to a change", () => {
  test("holds all that happened to the message up to its rev", async () => {
    const { id: chatId } = await group([ann, bob, eve]);
    const { id: messageId } = await send(ann, chatId, "one");
    const on = { chatId, messageId };
    const [one, two] = [nodes.one, nodes.two];
    const answers = await Promise.all([
      one.as(ann, "chat.reaction.add", { ...on, emoji: "👍" }),
      one.as(bob, "chat.reaction.add", { ...on, emoji: "👍" }),
      two.as(eve, "chat.reaction.add", { ...on, emoji: "👍" }),
      one.as(bob, "chat.reaction.add", { ...on, emoji: "🎉" }),
      one.as(ann, "chat.message.edit", { ...on, text: "two" }),
      one.as(eve, "chat.reaction.add", { ...on, emoji: "🎉" }),
    ]);
    const entries = await allEntries(nodes, ann, chatId);
    for (const { message } of answers) {
      const reacted = entries.filter(({ rev, type }) => rev <= message.rev && type === "reaction.added").length;
      expect(message.reactions.reduce((sum, { count }) => sum + count, 0)).toBe(reacted);
      const edited = entries.some(({ rev, type }) => rev <= message.rev && type === "message.edited");
      expect(message.text).toBe(edited ? "two" : "one");
    }
  });
});
