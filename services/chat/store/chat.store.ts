import type { Mailing } from "@confab/mixins/outbox.ts";
import { giveAllowanceBack, takeAllowance, type Limited, type StoredAllowance } from "@confab/mixins/store/allowances.ts";
import { Conflict, type Collection, type Database, type Outcome } from "@confab/mixins/store/collection.ts";
import * as documents from "./documents.ts";
import { readEpoch, settled } from "./epoch.ts";
import { erase } from "../changes.ts";
import { FtsSearch, type FtsOptions } from "../search/fts/fts.search.ts";
import { StoreSearch } from "../search/store.search.ts";
import type { SearchIndex } from "../search/index.ts";
import { messageLog } from "./message.log.ts";
import { ProjectionStore, type ProjectionCollections } from "./projection.store.ts";
import * as projections from "./projections.ts";
import {
  place,
  type StoredClaim,
  type StoredEntry,
  type StoredEntryOf,
  type StoredInvite,
  type StoredMembership,
  type StoredMessage,
  type StoredUserLog,
  type StoredUserSubject,
} from "./documents.ts";

interface Collections extends ProjectionCollections {
  memberships: Collection<StoredMembership>;
  claims: Collection<StoredClaim>;
  invites: Collection<StoredInvite>;
  allowances: Collection<StoredAllowance>;
  userLogs: Collection<StoredUserLog>;
  userSubjects: Collection<StoredUserSubject>;
}

/** The longest of the times within which anything is limited. */
const longestLimitMs = 24 * 3_600_000;

/** What chat asks of its data. Every read is by key or by a range of one. */
export class ChatStore extends ProjectionStore {
  /** Leaves nothing in the files of what was removed or replaced up to now. */
  readonly scrub: () => Promise<void>;
  /** Whether other nodes append too. */
  readonly shared: boolean;
  /** Names this store: after a restore from a backup it is another one. */
  readonly epoch: string;
  /** Where messages are found by their words. */
  readonly search: SearchIndex;
  /** Where mails lie until the mail service has them. */
  readonly mailing: Record<"invites", Collection<Mailing>>;
  readonly #entries: Collection<StoredEntry>;
  readonly #memberships: Collection<StoredMembership>;
  readonly #claims: Collection<StoredClaim>;
  readonly #invites: Collection<StoredInvite>;
  readonly #allowances: Collection<StoredAllowance>;
  readonly #userLogs: Collection<StoredUserLog>;
  readonly #userSubjects: Collection<StoredUserSubject>;

  private constructor(database: Database, epoch: string, search: SearchIndex, collections: Collections) {
    super(collections);
    this.shared = database.shared;
    this.scrub = async () => void (await Promise.all([database.scrub(), search.scrub()]));
    this.epoch = epoch;
    this.search = search;
    this.#entries = collections.entries;
    this.#memberships = collections.memberships;
    this.#claims = collections.claims;
    this.#invites = collections.invites;
    this.#allowances = collections.allowances;
    this.mailing = { invites: collections.invites };
    this.#userLogs = collections.userLogs;
    this.#userSubjects = collections.userSubjects;
  }

  static async open(database: Database, service?: { logger: FtsOptions["logger"] }): Promise<ChatStore> {
    const epoch = await readEpoch(database);
    const collections: Collections = {
      entries: await database.collection(documents.entries),
      states: await database.collection(projections.states),
      changes: await database.collection(projections.changes),
      reactors: await database.collection(projections.reactors),
      mentions: await database.collection(projections.mentions),
      memberships: await database.collection(documents.memberships),
      claims: await database.collection(documents.claims),
      invites: await database.collection(documents.invites),
      allowances: await database.collection(documents.allowances),
      userLogs: await database.collection(documents.userLogs),
      userSubjects: await database.collection(documents.userSubjects),
    };
    return new ChatStore(database, epoch, await openSearch(database, epoch, collections, service?.logger), collections);
  }

  /** Before the database is closed. */
  close(): Promise<void> {
    return this.search.close();
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

  /** The entries at these places of any chats. */
  entriesAt(places: readonly string[]): Promise<StoredEntry[]> {
    return places.length === 0 ? Promise.resolve([]) : this.#entries.find({ _id: { $in: places } });
  }

  /** The entry of this key, if there is one. */
  findByKey(chatId: string, key: string): Promise<StoredEntry | null> {
    return this.#entries.findOne({ chatId, key });
  }

  /** The entry whose key has just refused another one (G3). */
  entryByKey(chatId: string, key: string): Promise<StoredEntry> {
    return settled(() => this.#entries.findOne({ chatId, key }));
  }

  /** The messages with `from <= seq <= to`, ascending, as they were sent. */
  async messagesBetween(chatId: string, from: number, to: number): Promise<StoredMessage[]> {
    if (to < from) return [];
    const range = { $gte: place(chatId, from), $lte: place(chatId, to) };
    const found = await this.#entries.find({ seqKey: range }, { sort: { seqKey: 1 } });
    return found as StoredMessage[];
  }

  /** The messages of these seqs, as they were sent. */
  async messagesAt(chatId: string, seqs: readonly number[]): Promise<StoredMessage[]> {
    if (seqs.length === 0) return [];
    return (await this.#entries.find({ seqKey: { $in: seqs.map((seq) => place(chatId, seq)) } })) as StoredMessage[];
  }

  /** Messages of any chats, as they were sent. */
  async messagesOf(messages: readonly { chatId: string; seq: number }[]): Promise<StoredMessage[]> {
    if (messages.length === 0) return [];
    return (await this.#entries.find({
      seqKey: { $in: messages.map(({ chatId, seq }) => place(chatId, seq)) },
    })) as StoredMessage[];
  }

  /** The message as it was sent. */
  async messageById(chatId: string, messageId: string): Promise<StoredMessage | undefined> {
    const found = await this.#entries.find({ messageId });
    return found.find((entry) => entry.chatId === chatId) as StoredMessage | undefined;
  }

  /** Messages of all chats by their ids, which are in the order of the clocks that made them; as they were sent. */
  async messagesAfter(messageId: string, limit: number): Promise<StoredMessage[]> {
    return (await this.#entries.find({ messageId: { $gt: messageId } }, { sort: { messageId: 1 }, limit })) as StoredMessage[];
  }

  /** The edits of a message, ascending by rev. */
  async editsOf(chatId: string, messageId: string): Promise<StoredEntryOf<"message.edited">[]> {
    const found = await this.#entries.find({ editOf: messageId });
    const edits = found.filter((entry) => entry.chatId === chatId) as StoredEntryOf<"message.edited">[];
    return edits.sort((a, b) => a.rev - b.rev);
  }

  /** Takes the words out of an entry whose message was deleted. Its place stays. */
  async erase(entry: StoredMessage | StoredEntryOf<"message.edited">): Promise<void> {
    if (entry.body.erased) return;
    await this.#entries.replaceOne({ _id: entry._id, key: entry.key }, {
      ...entry,
      body: erase(entry.body as StoredMessage["body"]),
    } as StoredEntry);
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

  /** How many those are; `limit` if there are more. */
  membershipsOf(userId: string, limit: number): Promise<number> {
    return this.#memberships.count({ userId }, limit);
  }

  /** One of the chats that the user is in or was in, or perhaps is not; null where none is left. */
  nextMembership(userId: string): Promise<StoredMembership | null> {
    return this.#memberships.findOne({ userId });
  }

  /** Up to here the user's messages in that chat are erased. */
  async noteErased(membershipId: string, erasedSeq: number): Promise<void> {
    await this.#memberships.updateOne({ _id: membershipId }, { $set: { erasedSeq } });
  }

  /** Nothing of the user is to be found in that chat any more. */
  async removeMembership(membershipId: string): Promise<void> {
    await this.#memberships.removeMany({ _id: membershipId });
  }

  /** Forgets which chats a user's requests made. */
  async removeClaims(userId: string): Promise<void> {
    await this.#claims.removeMany({ _id: { $gt: `key:${userId}:`, $lt: `key:${userId};` } });
  }

  /** The one chat of two people: `chatId` if there was none yet, whoever else asks at the same time. */
  claimPair(one: string, other: string, chatId: string): Promise<string> {
    return this.#claim(`pair:${[one, other].sort().join(":")}`, chatId);
  }

  /** The chat that a user's request of this key makes: `chatId` if it is the first of that key. */
  claimKey(userId: string, key: string, chatId: string): Promise<string> {
    return this.#claim(`key:${userId}:${key}`, chatId);
  }

  /** The chat of a key of the host's: `chatId` if it is the first of that key. */
  claimHostKey(key: string, chatId: string): Promise<string> {
    return this.#claim(`host:${key}`, chatId);
  }

  async putInvite(invite: StoredInvite): Promise<void> {
    await this.#invites.insert(invite);
  }

  inviteByCode(code: string): Promise<StoredInvite | null> {
    return this.#invites.findOne({ _id: code });
  }

  /** The links of a chat, the latest last; also those that are good no longer. */
  invitesOf(chatId: string): Promise<StoredInvite[]> {
    return this.#invites.find({ chatId }).then((found) => found.sort((a, b) => a.at - b.at));
  }

  /** A link that is good for nothing is not mailed any more. */
  async revokeInvite(code: string): Promise<void> {
    await this.#invites.updateOne({ _id: code }, { $set: { revoked: true }, $unset: { mails: true, mailsAt: true } });
  }

  /** Takes one of those that are left, and removes what is older than any limit asks for; else answers when one will be. */
  async takeAllowance(limited: Limited, now: number): Promise<number | undefined> {
    await this.#allowances.removeMany({ takenAt: { $lte: now - longestLimitMs } });
    return takeAllowance(this.#allowances, limited, now);
  }

  /** Gives one back that was taken then, and did not count. */
  giveAllowanceBack(limited: Limited, takenAt: number): Promise<void> {
    return giveAllowanceBack(this.#allowances, limited, takenAt);
  }

  async removeInvites(codes: readonly string[]): Promise<void> {
    if (codes.length > 0) await this.#invites.removeMany({ _id: { $in: codes } });
  }

  userLogOf(userId: string): Promise<StoredUserLog | null> {
    return this.#userLogs.findOne({ _id: userId });
  }

  /** As it stands after all that was written to it: a write, as a read does not show yet what no majority has confirmed. */
  latestUserLog(userId: string): Promise<StoredUserLog | null> {
    return this.#userLogs.updateOne({ _id: userId }, { $inc: { rev: 0 } });
  }

  userLogsOf(userIds: readonly string[]): Promise<StoredUserLog[]> {
    return userIds.length === 0 ? Promise.resolve([]) : this.#userLogs.find({ _id: { $in: userIds } });
  }

  /** Puts the log in place of the one at rev `from`; whether it was at that rev still. */
  async advanceUserLog(log: StoredUserLog, from: number): Promise<boolean> {
    const { _id, ...rest } = log;
    if (from > 0) return (await this.#userLogs.updateOne({ _id, rev: from }, { $set: rest })) !== null;
    try {
      await this.#userLogs.insert(log);
      return true;
    } catch (err) {
      if (err instanceof Conflict) return false;
      throw err;
    }
  }

  userSubjectsAt(ids: readonly string[]): Promise<StoredUserSubject[]> {
    return ids.length === 0 ? Promise.resolve([]) : this.#userSubjects.find({ _id: { $in: ids } });
  }

  userSubjectsAfter(userId: string, userRev: number): Promise<StoredUserSubject[]> {
    return this.#userSubjects.find({ revKey: { $gt: place(userId, userRev), $lt: `${userId};` } });
  }

  /** Stores an entry of a user's log by itself, unless a later one of its subject is stored already. */
  async putUserSubject(subject: StoredUserSubject): Promise<void> {
    await this.#userSubjects.replaceOne({ _id: subject._id, rev: { $lt: subject.rev } }, subject);
  }

  /** Removes what a user's log holds outside of its head. */
  async removeUserSubjects(userId: string): Promise<void> {
    await this.#userSubjects.removeMany({ revKey: { $gt: `${userId}:`, $lt: `${userId};` } });
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

async function openSearch(
  database: Database,
  epoch: string,
  collections: Collections,
  logger: FtsOptions["logger"] = { info() {}, warn() {} },
): Promise<SearchIndex> {
  if (database.shared) return StoreSearch.open(database);
  const log = messageLog(collections.entries, new ProjectionStore(collections));
  return FtsSearch.open({ folder: database.folder ?? "memory", epoch, log, logger });
}
