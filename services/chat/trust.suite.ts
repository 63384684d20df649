/* The log is the truth: what is derived from it and claims more than it has is rebuilt. The same on every database. */
import type { Collection, Database } from "@confab/mixins/store/collection.ts";
import { ChatStore } from "./store/chat.store.ts";
import { entries as entriesSchema, place, type StoredEntry } from "./store/documents.ts";
import { allMessages, TestNode, times, users } from "./testing.ts";

/** `open` opens an empty database each time. */
export function trustSuite(open: () => Database): void {
  let database: Database;
  let store: ChatStore;
  let entries: Collection<StoredEntry>;
  let node: TestNode;
  let warnings: jest.SpyInstance;
  const [ann, bob] = users(2) as [string, string];

  beforeEach(async () => {
    database = open();
    const opened: Collection<StoredEntry>[] = [];
    const collection: Database["collection"] = async (schema) => {
      const one = await database.collection(schema);
      if (schema.name === entriesSchema.name) opened.push(one as unknown as Collection<StoredEntry>);
      return one;
    };
    store = await ChatStore.open({ ...database, collection });
    entries = opened[0]!;
    node = new TestNode(store, {}, new Set());
    await node.broker.start();
    warnings = jest.spyOn(node.service.logger, "warn");
  });
  afterEach(async () => {
    await node.broker.stop();
    await database.close();
  });

  const send = (chatId: string, text: string) =>
    node.as(ann, "chat.message.send", { chatId, clientMessageId: text, text, mentions: [bob] });

  /** A chat with five messages, of which something happened to each; everything is stored. */
  async function scene() {
    const { id: chatId } = await node.as(ann, "chat.chat.create", { type: "group", memberIds: [bob] });
    const messages = [];
    for (const at of times(5, (n) => n + 1)) {
      const { message } = await send(chatId, `before${at}`);
      await node.as(bob, "chat.reaction.add", { chatId, messageId: message.id, emoji: "👍" });
      messages.push(message);
    }
    await node.settle();
    return { chatId, messages };
  }

  /** As after a restore of the log to a time before. */
  async function cut(chatId: string, rev: number): Promise<void> {
    await entries.removeMany({ _id: { $gt: place(chatId, rev), $lte: place(chatId, rev + 1_000_000) } });
  }

  const found = async (q: string) => (await node.as(bob, "chat.search.find", { q })).items.map(({ message }) => message.text);

  /** Everything that the chat shows is of its log. */
  async function expectWhole(chatId: string, texts: string[]): Promise<void> {
    const log = await store.entriesAfter(chatId, 0, 100);
    const shown = await node.as(bob, "chat.chat.get", { chatId });
    expect(shown).toMatchObject({ rev: log.at(-1)!.rev, lastSeq: texts.length, lastMessage: { text: texts.at(-1) } });
    expect(shown.unreadMentions).toBe(texts.length);
    const messages = await allMessages(node, bob, chatId);
    expect(messages.map(({ text }) => text)).toEqual(texts);
    const reacted = new Set(log.flatMap((entry) => (entry.type === "reaction.added" ? [entry.body.seq] : [])));
    expect(messages.filter(({ reactions }) => reactions.length > 0).map(({ seq }) => seq)).toEqual([...reacted]);
    await node.settle();
    const [state] = await store.statesOf([chatId]);
    expect(state?.rev).toBe(shown.rev);
    expect((await store.changesBetween(chatId, 1, 100)).map(({ seq }) => seq)).toEqual([...reacted]);
  }

  test("a snapshot that claims more than the log has is rebuilt, and is told of once", async () => {
    const { chatId } = await scene();
    // Two messages and the reaction to the first of them.
    await cut(chatId, 4);
    await node.restart();
    await expectWhole(chatId, ["before1", "before2"]);
    expect(warnings.mock.calls).toEqual([[expect.stringContaining(chatId)]]);
    await send(chatId, "after3");
    await node.settle();
    await expectWhole(chatId, ["before1", "before2", "after3"]);
    expect(await found("after3")).toEqual(["after3"]);
    expect(await found("before3")).toEqual([]);
  });

  test("also where the log has gone on since, over other entries", async () => {
    const { chatId } = await scene();
    const [stale] = await store.statesOf([chatId]);
    const changes = await store.changesBetween(chatId, 1, 100);
    await cut(chatId, 4);
    await node.restart();
    for (const at of times(12, (n) => n + 3)) await send(chatId, `after${at}`);
    await node.settle();
    // As it was before all that.
    await store.removeProjections(chatId);
    await store.keepState(stale!);
    for (const one of changes) await store.putChanges(one);
    warnings.mockClear();
    await node.restart();
    await expectWhole(chatId, ["before1", "before2", ...times(12, (n) => `after${n + 3}`)]);
    expect(warnings).toHaveBeenCalledTimes(1);
  });

  test.each(["read", "changed"])("so are the changes of messages, when one is %s", async (when) => {
    const { chatId, messages } = await scene();
    await cut(chatId, 4);
    // Without the snapshot, which would have told.
    const changes = await store.changesBetween(chatId, 1, 100);
    await store.removeProjections(chatId);
    for (const one of changes) await store.putChanges({ ...one, rev: 50 });
    await node.restart();
    const on = { chatId, messageId: messages[1]!.id };
    if (when === "changed") await node.as(ann, "chat.reaction.add", { ...on, emoji: "🎉" });
    const { message } = await node.as(bob, "chat.message.get", on);
    expect(message.reactions.map(({ emoji }) => emoji)).toEqual(when === "changed" ? ["🎉"] : []);
    await expectWhole(chatId, ["before1", "before2"]);
    expect(warnings).toHaveBeenCalledTimes(1);
  });

  test("what is derived and behind the log is brought up, without a warning", async () => {
    const { chatId } = await scene();
    await store.removeProjections(chatId);
    await node.restart();
    await expectWhole(
      chatId,
      times(5, (n) => `before${n + 1}`),
    );
    expect(warnings).not.toHaveBeenCalled();
  });

  test("the latest snapshots are checked at open where nobody else writes, however many there are, by two reads", async () => {
    if (database.shared) return;
    const chats = [];
    for (let count = 0; count < 3; count++) chats.push(await scene());
    for (const { chatId } of chats.slice(1)) await cut(chatId, 4);
    node.access.counts.clear();
    await node.restart();
    const kept = await store.statesOf(chats.map(({ chatId }) => chatId));
    expect(kept.map(({ _id }) => _id)).toEqual([chats[0]!.chatId]);
    expect(warnings).toHaveBeenCalledTimes(1);
    expect(node.access.counts.get("latestStates")).toBe(1);
    expect(node.access.counts.get("entriesAt")).toBe(1);
  });
}
