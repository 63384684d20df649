import { setTimeout as pause } from "node:timers/promises";
import { Conflict, Unavailable, type Collection, type Database, type Outcome } from "@confab/mixins/store/collection.ts";
import { v7 as uuid } from "uuid";
import * as documents from "./documents.ts";
import {
  place,
  type StoredEntry,
  type StoredFact,
  type StoredMembership,
  type StoredClaim,
  type StoredState,
} from "./documents.ts";

/** What chat asks of its data. Every read is by key or by a range of one. */
export class ChatStore {
  /** Whether other nodes append too. */
  readonly shared: boolean;
  /** Names this store: after a restore from a backup it is another one. */
  readonly epoch: string;
  readonly #entries: Collection<StoredEntry>;
  readonly #states: Collection<StoredState>;
  readonly #memberships: Collection<StoredMembership>;
  readonly #claims: Collection<StoredClaim>;

  private constructor(
    database: Database,
    epoch: string,
    entries: Collection<StoredEntry>,
    states: Collection<StoredState>,
    memberships: Collection<StoredMembership>,
    claims: Collection<StoredClaim>,
  ) {
    this.shared = database.shared;
    this.epoch = epoch;
    this.#entries = entries;
    this.#states = states;
    this.#memberships = memberships;
    this.#claims = claims;
  }

  static async open(database: Database): Promise<ChatStore> {
    const epoch = await readEpoch(await database.collection(documents.facts));
    return new ChatStore(
      database,
      epoch,
      await database.collection(documents.entries),
      await database.collection(documents.states),
      await database.collection(documents.memberships),
      await database.collection(documents.claims),
    );
  }

  /**
   * Takes the places of these entries. `ordered` is needed as soon as two are of one chat: where n+1 is refused,
   * n+2 must not be stored (G1). Throws Unavailable where it is not known what was stored.
   */
  append(entries: readonly StoredEntry[], ordered: boolean): Promise<Outcome[]> {
    return this.#entries.insertMany(entries, ordered);
  }

  /** The entries with `after < rev <= after + limit`, ascending. */
  entriesAfter(chatId: string, after: number, limit: number): Promise<StoredEntry[]> {
    const range = { $gt: place(chatId, after), $lte: place(chatId, after + limit) };
    return this.#entries.find({ _id: range }, { sort: { _id: 1 } });
  }

  /** Which of these chats have an entry after the rev that goes with them. Revs are dense, so one look per chat tells. */
  async chatsBeyond(revs: ReadonlyMap<string, number>): Promise<string[]> {
    const next = [...revs].map(([chatId, rev]) => place(chatId, rev + 1));
    const found = await this.#entries.find({ _id: { $in: next } });
    return found.map(({ chatId }) => chatId);
  }

  /** The entry whose key has just refused another one (G3). */
  entryByKey(chatId: string, key: string): Promise<StoredEntry> {
    return settled(() => this.#entries.findOne({ chatId, key }));
  }

  /** The messages with `from <= seq <= to`, ascending. */
  async messagesBetween(chatId: string, from: number, to: number): Promise<documents.StoredEntryOf<"message.sent">[]> {
    if (to < from) return [];
    const range = { $gte: place(chatId, from), $lte: place(chatId, to) };
    const found = await this.#entries.find({ seqKey: range }, { sort: { seqKey: 1 } });
    return found as documents.StoredEntryOf<"message.sent">[];
  }

  statesOf(chatIds: readonly string[]): Promise<StoredState[]> {
    return chatIds.length === 0 ? Promise.resolve([]) : this.#states.find({ _id: { $in: chatIds } });
  }

  /** Keeps a folded state, unless a later one is kept already. */
  async keepState(state: StoredState): Promise<void> {
    await this.#states.replaceOne({ _id: state._id, rev: { $lt: state.rev } }, state);
  }

  /** Notes that these users may be in the chat. To be done before the entry that makes them members. */
  async expectMembers(chatId: string, userIds: readonly string[]): Promise<void> {
    const expected = userIds.map((userId) => ({ _id: `${userId}:${chatId}`, userId, chatId }));
    await this.#memberships.insertMany(expected, false);
  }

  /** Every chat that the user is in, and perhaps some that the user is not in. */
  async chatsPerhapsOf(userId: string): Promise<string[]> {
    const found = await this.#memberships.find({ userId });
    return found.map(({ chatId }) => chatId);
  }

  /** The one chat of two people: `chatId` if there was none yet, whoever else asks at the same time. */
  claimPair(one: string, other: string, chatId: string): Promise<string> {
    return this.#claim(`pair:${[one, other].sort().join(":")}`, chatId);
  }

  /** The chat that a user's request of this key makes: `chatId` if it is the first of that key. */
  claimKey(userId: string, key: string, chatId: string): Promise<string> {
    return this.#claim(`key:${userId}:${key}`, chatId);
  }

  async #claim(_id: string, chatId: string): Promise<string> {
    // Looked for first: opening the chat again is more common than opening it.
    const known = await this.#claims.findOne({ _id });
    if (known) return known.chatId;
    try {
      await this.#claims.insert({ _id, chatId });
      return chatId;
    } catch (err) {
      if (!(err instanceof Conflict)) throw err;
      return (await settled(() => this.#claims.findOne({ _id }))).chatId;
    }
  }
}

/** What refused our insert is there, but may still be on its way to the majority that we read from. */
async function settled<T>(find: () => Promise<T | null>): Promise<T> {
  for (let wait = 5; wait < 3000; wait *= 2) {
    const found = await find();
    if (found) return found;
    await pause(wait);
  }
  throw new Unavailable(new Error("a document that exists has not reached the majority"));
}

async function readEpoch(facts: Collection<StoredFact>): Promise<string> {
  const known = await facts.findOne({ _id: "epoch" });
  if (known) return known.value;
  const epoch = uuid();
  try {
    await facts.insert({ _id: "epoch", value: epoch });
    return epoch;
  } catch (err) {
    if (!(err instanceof Conflict)) throw err;
    return (await settled(() => facts.findOne({ _id: "epoch" }))).value;
  }
}
