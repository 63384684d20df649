/* What the store is given to write for a reaction, in the worst chat that the limits allow. The same on every database. */
import type { EntryType } from "@confab/contracts";
import type { Collection, CollectionSchema, Database, Document, Outcome } from "@confab/mixins/store/collection.ts";
import { v7 as uuid } from "uuid";
import { ChatStore } from "./store/chat.store.ts";
import { place, type EntryBodies, type StoredEntry } from "./store/documents.ts";
import { TestNode, times } from "./testing.ts";

const bytesOf = (document: unknown) => Buffer.byteLength(JSON.stringify(document));

/** A database that counts the bytes of the documents that it is given to write, by collection. */
function weighed(database: Database): { database: Database; written: Map<string, number> } {
  const written = new Map<string, number>();
  const count = (name: string, ...documents: unknown[]) => {
    for (const document of documents) written.set(name, (written.get(name) ?? 0) + bytesOf(document));
  };
  const wrap = <D extends Document>(name: string, inner: Collection<D>): Collection<D> => ({
    insert: async (document) => {
      await inner.insert(document);
      count(name, document);
    },
    insertMany: async (documents, ordered): Promise<Outcome[]> => {
      const outcomes = await inner.insertMany(documents, ordered);
      count(name, ...documents.filter((_, at) => outcomes[at] === "stored"));
      return outcomes;
    },
    updateOne: async (filter, update) => {
      const after = await inner.updateOne(filter, update);
      // A database may write a changed document whole.
      if (after) count(name, after);
      return after;
    },
    replaceOne: async (filter, document) => {
      await inner.replaceOne(filter, document);
      count(name, document);
    },
    find: (filter, options) => inner.find(filter, options),
    findOne: (filter, options) => inner.findOne(filter, options),
    count: (filter, limit) => inner.count(filter, limit),
    removeMany: (filter) => inner.removeMany(filter),
  });
  const collection = async <D extends Document>(schema: CollectionSchema<D>) =>
    wrap(schema.name, await database.collection(schema));
  return { database: { ...database, collection }, written };
}

const tones = ["🏻", "🏼", "🏽", "🏾", "🏿"];
/** The longest emoji that there are, as many as a message may have. */
const emojis = ["❤️‍💋‍", "❤️‍"].flatMap((kiss) => tones.flatMap((one) => tones.map((other) => `👩${one}‍${kiss}👨${other}`)));

/** Entries of one chat, one after another. */
class Script {
  readonly chatId = uuid();
  readonly entries: StoredEntry[] = [];
  #seq = 0;

  add<T extends EntryType>(type: T, by: string, body: EntryBodies[T]): StoredEntry {
    const { chatId } = this;
    const rev = this.entries.length + 1;
    const isMessage = type === "message.sent";
    if (isMessage) this.#seq++;
    const { id } = body as EntryBodies["message.sent"];
    const ofMessage = isMessage ? { seqKey: place(chatId, this.#seq), messageId: id } : {};
    const key = `${type}:${uuid()}`;
    const entry = { _id: place(chatId, rev), chatId, rev, seq: this.#seq, key, type, by, at: Date.now(), body, ...ofMessage };
    this.entries.push(entry as unknown as StoredEntry);
    return entry as unknown as StoredEntry;
  }

  say(by: string, text: string, mentions: string[], data = "{}"): { messageId: string; seq: number } {
    const id = uuid();
    this.add("message.sent", by, { id, clientMessageId: id, text, data, mentions });
    return { messageId: id, seq: this.#seq };
  }
}

/** How much is in the chat, and how many reactions are added, together and one by one. */
const size = { members: 500, stays: 4, bans: 500, pins: 100, mentions: 100, messages: 200, emojis: 20, burst: 1000, slow: 1000 };

/** A chat in which everything is used: each part weighs more than an entry by far. */
function fullChat(of: typeof size) {
  const script = new Script();
  const people = times(of.members, () => uuid());
  const [owner] = people as [string];
  const data = JSON.stringify({ x: "x".repeat(8180) });
  const members = people.map((userId) => ({ userId, role: userId === owner ? ("owner" as const) : ("member" as const) }));
  const rules = { historyFrom: "all" as const, posting: "all" as const, slowMode: 0 };
  script.add("chat.created", owner, { type: "group", title: "t".repeat(200), data, members, ...rules });
  for (let stay = 1; stay < of.stays; stay++) {
    for (const userId of people.slice(1)) script.add("member.removed", userId, { userId, banned: false });
    for (const userId of people.slice(1))
      script.add("member.added", userId, { members: [{ userId, role: "member" }], inviteId: uuid() });
  }
  for (let at = 0; at < of.bans; at++) script.add("ban.added", owner, { userId: uuid() });
  const said = times(of.messages, (at) =>
    script.say(
      people[at % people.length]!,
      "hello",
      times(of.mentions, (n) => people[(at + n) % people.length]!),
    ),
  );
  for (const target of said.slice(0, of.pins)) script.add("pin.added", owner, target);
  const words = { text: "🌊".repeat(8000), data };
  const mentions = people.slice(0, of.mentions);
  const last = script.say(owner, words.text, mentions, data);
  const edit = script.add("message.edited", owner, { ...last, ...words, mentions });
  Object.assign(edit, { editOf: last.messageId });
  for (const emoji of emojis.slice(0, of.emojis)) for (const by of people) script.add("reaction.added", by, { ...last, emoji });
  return { ...script, people, last };
}

/** `open` opens an empty database each time. */
export function amplificationSuite(open: () => Database, given: Partial<typeof size> = {}): void {
  const of = { ...size, ...given };

  async function measure(shape: typeof size): Promise<Record<"burst" | "slow", Record<string, number>>> {
    const { database, written } = weighed(open());
    const store = await ChatStore.open(database);
    const { chatId, entries, people, last } = fullChat(shape);
    for (let at = 0; at < entries.length; at += 500) await store.append(entries.slice(at, at + 500), true);
    const node = new TestNode(store, {}, new Set());
    await node.broker.start();
    try {
      await node.as(people[0]!, "chat.chat.get", { chatId });
      await node.settle();

      let reacted = shape.emojis * people.length;
      const react = () => {
        const [by, emoji] = [people[reacted % people.length]!, emojis[Math.floor(reacted / people.length)]!];
        reacted++;
        return node.as(by, "chat.reaction.add", { chatId, messageId: last.messageId, emoji });
      };
      /** Bytes written by collection, and how many times the entries' own. */
      const bill = async (count: number, atOnce: number) => {
        written.clear();
        for (let done = 0; done < count; done += atOnce) {
          await Promise.all(times(atOnce, react));
          // As the keeper does after a while.
          await node.settle();
        }
        const total = [...written.values()].reduce((sum, bytes) => sum + bytes, 0);
        return { factor: total / written.get("entries")!, count, ...Object.fromEntries(written) };
      };
      const bills = { burst: await bill(shape.burst, 50), slow: await bill(shape.slow, 1) };
      const { message } = await node.as(people[1]!, "chat.message.get", { chatId, messageId: last.messageId });
      const counts = message.reactions.map(({ count }) => count);
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(reacted);
      expect(message.reactions[0]).toEqual({ emoji: emojis[0], count: people.length, mine: true });
      return bills;
    } finally {
      await node.broker.stop();
      await database.close();
    }
  }

  test("a reaction in a chat where everything is used writes less than 20 times its own size, among many and by itself", async () => {
    const bills = await measure(of);
    expect(bills.burst["factor"]).toBeLessThan(20);
    expect(bills.slow["factor"]).toBeLessThan(20);
    // All of it was written, and not put off for ever.
    expect(Object.keys(bills.slow)).toEqual(expect.arrayContaining(["entries", "changes", "reactors", "states"]));
  }, 240_000);

  test("so does one by the last emoji that a message may have, of somebody who has used all others", async () => {
    const few = { stays: 1, bans: 0, pins: 0, messages: 10, burst: 100, slow: 100 };
    const bills = await measure({ ...of, ...few, members: 100, mentions: 50, emojis: emojis.length - 2 });
    expect(bills.burst["factor"]).toBeLessThan(20);
    expect(bills.slow["factor"]).toBeLessThan(20);
  }, 120_000);
}
