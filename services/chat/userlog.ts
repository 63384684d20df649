import type { Preferences, UserEntryType } from "@confab/contracts";
import { problem } from "@confab/mixins/problem.ts";
import { setTimeout as pause } from "node:timers/promises";
import type { ChatStore } from "./store/chat.store.ts";
import {
  place,
  type ChatNote,
  type StoredUserLog,
  type UserEntryBodies,
  type UserSubject,
  type UserSubjectOf,
} from "./store/documents.ts";

/** What to do about one subject: `decide` gets its body as it is now and answers what it is to be, or nothing where that is all right. */
export interface UserChangeOf<T extends UserEntryType> {
  subject: string;
  type: T;
  decide: (now: UserEntryBodies[T] | undefined) => UserEntryBodies[T] | undefined;
}
export type UserChange = { [T in UserEntryType]: UserChangeOf<T> }[UserEntryType];

export const subjects = {
  chat: (chatId: string) => `chat:${chatId}`,
  block: (userId: string) => `block:${userId}`,
  preferences: "preferences",
  profile: "profile",
};

export const noNote = (chatId: string): ChatNote => ({
  chatId,
  member: true,
  readSeq: 0,
  deliveredSeq: 0,
  mutedUntil: null,
  pinned: false,
  archived: false,
  markedUnread: false,
});
export const defaultPreferences: Preferences = {
  readReceipts: true,
  presence: true,
  findable: true,
  notifications: true,
  digest: "hourly",
  quietHours: null,
  timeZone: null,
  language: null,
};

/** Of the profile that is left of somebody who is erased. */
const erasedVersion = Number.MAX_SAFE_INTEGER;
/** Entries that the head holds; then all but the preferences are stored by themselves. */
const maxRecent = 16;
const patience = 6000;

const storedSubject = (userId: string, entry: UserSubject) => ({
  _id: `${userId}:${entry.subject}`,
  userId,
  rev: entry.rev,
  revKey: place(userId, entry.rev),
  entry,
});

/**
 * The logs of users, as this node appends to them. A log's head is one document, and its change from rev n to n+1 is
 * the only commit; it carries the latest entries, so that nothing else has to be stored with it. Entries leave the head
 * only after they are stored by themselves. So whoever reads the head first and then the rest misses nothing, and no
 * userRev appears after a later one has been seen (G4).
 */
export class UserLog {
  readonly #store: ChatStore;
  readonly #tell: (userId: string, entry: UserSubject) => void;
  /** The last write of each user on this node: the next one waits for it, since they would only refuse each other. */
  readonly #turns = new Map<string, Promise<unknown>>();

  /** `tell` hears of every entry that this node appended, in the order of their userRevs. */
  constructor(store: ChatStore, tell: (userId: string, entry: UserSubject) => void) {
    this.#store = store;
    this.#tell = tell;
  }

  /** Appends what is to change, all of it by one write; answers the subjects as they are then. */
  async append(userId: string, changes: readonly UserChange[]): Promise<(UserSubject | undefined)[]> {
    const before = this.#turns.get(userId);
    const turn = (before ?? Promise.resolve()).catch(() => {}).then(() => this.#append(userId, changes));
    this.#turns.set(userId, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(userId) === turn) this.#turns.delete(userId);
    }
  }

  async #append(userId: string, changes: readonly UserChange[]): Promise<(UserSubject | undefined)[]> {
    const since = Date.now();
    let log = await this.#store.userLogOf(userId);
    for (;;) {
      const head: StoredUserLog = log ?? { _id: userId, rev: 0, recent: [], storedRev: 0 };
      const known = await this.#look(
        head,
        changes.map(({ subject }) => subject),
      );
      const next = { ...head, recent: head.recent };
      const told: UserSubject[] = [];
      const now = changes.map(({ subject, type, decide }) => {
        const before = known.get(subject);
        const body = decide(before?.body as never);
        if (!body) return before;
        const entry = { subject, rev: ++next.rev, at: Date.now(), type, body } as UserSubject;
        next.recent = [...next.recent.filter((other) => other.subject !== subject), entry];
        known.set(subject, entry);
        told.push(entry);
        return entry;
      });
      if (told.length === 0) return now;
      if (await this.#store.advanceUserLog(await this.#unload(next, head.rev), head.rev)) {
        for (const entry of told) this.#tell(userId, entry);
        return now;
      }
      // Another node was first: decide again on what it wrote.
      if (Date.now() - since > patience) throw problem("unavailable", { retryAfter: 1 });
      log = await this.#store.latestUserLog(userId);
      if (!log) await pause(5);
    }
  }

  /** Stores entries by themselves where the head has become too long. Before the head that lacks them, and only those that are committed. */
  async #unload(head: StoredUserLog, committed: number): Promise<StoredUserLog> {
    if (head.recent.length <= maxRecent) return head;
    const { _id: userId } = head;
    const mayGo = head.recent.filter(({ subject, rev }) => subject !== subjects.preferences && rev <= committed);
    const goes = new Set(mayGo.slice(0, Math.max(0, head.recent.length - maxRecent / 2)));
    await Promise.all([...goes].map((entry) => this.#store.putUserSubject(storedSubject(userId, entry))));
    return {
      ...head,
      recent: head.recent.filter((entry) => !goes.has(entry)),
      storedRev: Math.max(head.storedRev, ...[...goes].map(({ rev }) => rev)),
    };
  }

  /**
   * Leaves of a log nothing but a profile without a name, of a version that none follows: one that comes late is passed
   * over, also where there was no log.
   */
  async erase(userId: string): Promise<void> {
    for (let log = await this.#store.userLogOf(userId); ; log = await this.#store.latestUserLog(userId)) {
      const before = log?.rev ?? 0;
      const rev = before + 1;
      const body = { name: "", avatar: null, version: erasedVersion };
      const nobody = { subject: subjects.profile, rev, at: Date.now(), type: "profile.changed" as const, body };
      if (await this.#store.advanceUserLog({ _id: userId, rev, recent: [nobody], storedRev: 0 }, before)) break;
    }
    await this.#store.removeUserSubjects(userId);
  }

  async isErased(userId: string): Promise<boolean> {
    const profile = (await this.read(userId, [subjects.profile])).get(subjects.profile);
    return profile?.type === "profile.changed" && profile.body.version === erasedVersion;
  }

  /** Some subjects of a log whose head is at hand. */
  async #look(head: StoredUserLog, wanted: readonly string[]): Promise<Map<string, UserSubject>> {
    const found = new Map(head.recent.filter(({ subject }) => wanted.includes(subject)).map((entry) => [entry.subject, entry]));
    const missing = head.storedRev === 0 ? [] : wanted.filter((subject) => !found.has(subject));
    for (const { entry } of await this.#store.userSubjectsAt(missing.map((subject) => `${head._id}:${subject}`)))
      found.set(entry.subject, entry);
    return found;
  }

  /** What a user's log says of some subjects. */
  async read(userId: string, wanted: readonly string[]): Promise<Map<string, UserSubject>> {
    const head = await this.#store.userLogOf(userId);
    return head ? this.#look(head, wanted) : new Map<string, UserSubject>();
  }

  /** The same of one subject for many users. */
  async readOf(userIds: readonly string[], wanted: readonly string[]): Promise<Map<string, Map<string, UserSubject>>> {
    const heads = await this.#store.userLogsOf(userIds);
    const found = new Map(heads.map((head) => [head._id, new Map(head.recent.map((entry) => [entry.subject, entry] as const))]));
    const missing = heads
      .filter(({ storedRev }) => storedRev > 0)
      .flatMap(({ _id }) => wanted.filter((subject) => !found.get(_id)!.has(subject)).map((subject) => `${_id}:${subject}`));
    for (const { userId, entry } of await this.#store.userSubjectsAt(missing)) found.get(userId)!.set(entry.subject, entry);
    return found;
  }

  /** The log after a userRev, ascending, and how far it is told with them. */
  async after(userId: string, userRev: number): Promise<{ userRev: number; entries: UserSubject[] }> {
    const head = await this.#store.userLogOf(userId);
    if (!head) return { userRev: 0, entries: [] };
    const found = new Map<string, UserSubject>();
    if (userRev < head.storedRev) {
      for (const { entry } of await this.#store.userSubjectsAfter(userId, userRev)) found.set(entry.subject, entry);
    }
    for (const entry of head.recent) if ((found.get(entry.subject)?.rev ?? 0) < entry.rev) found.set(entry.subject, entry);
    const entries = [...found.values()].filter(({ rev }) => rev > userRev && rev <= head.rev).sort((a, b) => a.rev - b.rev);
    return { userRev: head.rev, entries };
  }

  /** How far the logs of these users are. */
  async revsOf(userIds: readonly string[]): Promise<Map<string, number>> {
    return new Map((await this.#store.userLogsOf(userIds)).map(({ _id, rev }) => [_id, rev]));
  }

  /** What chats are to a user. */
  async notes(userId: string, chatIds: readonly string[]): Promise<Map<string, ChatNote>> {
    const found = await this.read(userId, chatIds.map(subjects.chat));
    return new Map([...found.values()].map(({ body }) => [(body as ChatNote).chatId, body as ChatNote]));
  }

  async preferences(userId: string): Promise<Preferences> {
    const found = await this.read(userId, [subjects.preferences]);
    const entry = found.get(subjects.preferences) as UserSubjectOf<"preferences.changed"> | undefined;
    return entry?.body ?? defaultPreferences;
  }

  /** Whom a user has blocked. */
  async blocks(userId: string): Promise<UserSubjectOf<"block.changed">[]> {
    const { entries } = await this.after(userId, 0);
    return entries.filter((entry) => entry.type === "block.changed" && entry.body.blocked) as UserSubjectOf<"block.changed">[];
  }
}
