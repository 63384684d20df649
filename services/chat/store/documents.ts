import type { ChatType, EntryType, Role } from "@confab/contracts";
import { collection } from "@confab/mixins/store/collection.ts";

/** What an entry says, by its type. The host's `data` is kept as JSON text: databases are particular about field names. */
export interface EntryBodies {
  "chat.created": { type: ChatType; title: string | null; data: string; members: { userId: string; role: Role }[] };
  "message.sent": { id: string; clientMessageId: string; text: string; data: string };
}

interface Place {
  /** `chatId:rev`. The insert of this takes the place (G2). */
  _id: string;
  chatId: string;
  rev: number;
  /** The number of the message, or of the last one before this entry. */
  seq: number;
  /** `chatId:seq`, on messages alone. */
  seqKey?: string;
  /** What the entry is called by whoever caused it (G3). */
  key: string;
  by: string;
  /** Milliseconds since 1970. */
  at: number;
}

export type StoredEntryOf<T extends EntryType> = Place & { type: T; body: EntryBodies[T] };
export type StoredEntry = { [T in EntryType]: StoredEntryOf<T> }[EntryType];

export interface StoredMember {
  role: Role;
  joinedAt: number;
  readSeq: number;
}

/** The state of a chat folded up to `rev`, kept so that nobody folds from the beginning. */
export interface StoredState {
  _id: string;
  rev: number;
  lastSeq: number;
  type: ChatType;
  title: string | null;
  data: string;
  createdAt: number;
  createdBy: string;
  changedAt: number;
  members: [userId: string, StoredMember][];
  lastMessage: StoredEntryOf<"message.sent"> | null;
}

/**
 * That a user may be in a chat. Written before the entry that makes it true, so it names every chat that a user is in,
 * and perhaps one that came to nothing: the folded state alone says who is a member.
 */
export interface StoredMembership {
  _id: string;
  userId: string;
  chatId: string;
}

/** Which chat goes by a claim that can be made once: to be the direct chat of two people, or made by one request. */
export interface StoredClaim {
  _id: string;
  chatId: string;
}

export interface StoredFact {
  _id: string;
  value: string;
}

export const entries = collection<StoredEntry>("entries", [
  { name: "key", fields: ["chatId", "key"], unique: true, carries: "G3: one message for one name" },
  { name: "seq", fields: ["seqKey"], sparse: true, carries: "pages of messages as ranges" },
]);
export const states = collection<StoredState>("states");
export const memberships = collection<StoredMembership>("memberships", [
  { name: "user", fields: ["userId"], carries: "the chats of a user" },
]);
export const claims = collection<StoredClaim>("claims");
export const facts = collection<StoredFact>("facts");

const digits = 12;

/** Places of one chat sort as their revs do, and those of different chats apart. */
export const place = (chatId: string, number: number): string => `${chatId}:${String(number).padStart(digits, "0")}`;
