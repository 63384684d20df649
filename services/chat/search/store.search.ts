import { Conflict, type Collection, type Database } from "@confab/mixins/store/collection.ts";
import type { Found, Query, Said, SearchIndex } from "./index.ts";
import { keysOf, messageWords, place, type StoredWords } from "./documents.ts";
import { Walk } from "./walk.ts";

const putAtOnce = 100;
/** Removed in parts, since the embedded database does nothing else meanwhile. */
const removeAtOnce = 500;

/** Finds messages by an index of the store that keeps the log, whichever that is. */
export class StoreSearch implements SearchIndex {
  readonly #words: Collection<StoredWords>;

  private constructor(words: Collection<StoredWords>) {
    this.#words = words;
  }

  static async open(database: Database): Promise<StoreSearch> {
    return new StoreSearch(await database.collection(messageWords));
  }

  async put(messages: readonly Said[]): Promise<void> {
    for (let from = 0; from < messages.length; from += putAtOnce) {
      const documents = messages.slice(from, from + putAtOnce).map(({ text, ...said }) => ({
        _id: place(said.chatId, said.seq),
        ...said,
        keys: keysOf(said.chatId, said.seq, text),
      }));
      // Nearly all are new. What is there already gives way to what is newer.
      for (const document of await this.#insert(documents))
        await this.#words.replaceOne({ _id: document._id, rev: { $lt: document.rev } }, document);
    }
    await this.#removeGone(new Set(messages.map(({ chatId }) => chatId)));
  }

  /** What is removed leaves its place and rev, so that an older form that comes late is refused. */
  async remove(messages: readonly { chatId: string; seq: number; rev: number }[]): Promise<void> {
    const documents = messages.map((message) => ({ _id: place(message.chatId, message.seq), ...message, keys: [] }));
    for (const { _id, rev } of await this.#insert(documents))
      await this.#words.updateOne({ _id, rev: { $lt: rev } }, { $set: { rev, keys: [] } });
  }

  async removeChat(chatId: string): Promise<void> {
    // First the sign that it is gone, and whoever puts something looks for it after that: one of the two sees the other.
    await this.#insert([{ _id: place(chatId, gone), chatId, seq: gone, rev: 0, keys: [] }]);
    await this.#removeAll(chatId);
  }

  reset(chatId: string): Promise<void> {
    return this.#removeAll(chatId);
  }

  find(query: Query): Promise<Found> {
    return new Walk(this.#words, query).find();
  }

  /** The database that keeps the documents does both. */
  async scrub(): Promise<void> {}
  async close(): Promise<void> {}

  /** Inserts them and answers those that were there already. */
  async #insert(documents: readonly StoredWords[]): Promise<StoredWords[]> {
    if (documents.length === 0) return [];
    const outcomes = await this.#words.insertMany(documents, false);
    return documents.filter((_, at) => outcomes[at] instanceof Conflict);
  }

  async #removeGone(chatIds: ReadonlySet<string>): Promise<void> {
    if (chatIds.size === 0) return;
    const found = await this.#words.find({ _id: { $in: [...chatIds].map((chatId) => place(chatId, gone)) } });
    for (const { chatId } of found) await this.#removeAll(chatId);
  }

  async #removeAll(chatId: string): Promise<void> {
    const all = { $gt: place(chatId, gone), $lt: `${chatId};` };
    const last = await this.#words.findOne({ _id: all }, { sort: { _id: -1 } });
    for (let seq = 0; seq <= (last?.seq ?? 0); seq += removeAtOnce)
      await this.#words.removeMany({ _id: { $gt: place(chatId, seq), $lte: place(chatId, seq + removeAtOnce) } });
  }
}

/** Where a chat that is gone for good has a sign of that: messages are counted from 1. */
const gone = 0;
