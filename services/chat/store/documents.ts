import type {
  ChatType,
  EntryType,
  HistoryFrom,
  Member,
  Mentions,
  Posting,
  Preferences,
  ReplyTo,
  UserEntryType,
} from "@confab/contracts";
import { mailsIndex, type Mailing } from "@confab/mixins/outbox.ts";
import type { StoredAllowance } from "@confab/mixins/store/allowances.ts";
import { collection } from "@confab/mixins/store/collection.ts";

/** The message that an entry is about. */
export interface Target {
  messageId: string;
  seq: number;
}

/** The rules of a chat. */
export interface Rules {
  historyFrom: HistoryFrom;
  posting: Posting;
  /** Seconds between two messages of a member. */
  slowMode: number;
}

/** What an entry says, by its type. The host's `data` is kept as JSON text: databases are particular about field names. */
export interface EntryBodies {
  "chat.created": { type: ChatType; title: string | null; data: string; members: Member[] } & Rules;
  "chat.changed": { title: string | null; data: string } & Rules;
  "chat.deleted": object;
  "message.sent": {
    id: string;
    clientMessageId: string;
    text: string;
    data: string;
    replyTo?: ReplyTo;
    mentions?: Mentions;
    /** Whether its words are gone, since it was deleted. */
    erased?: true;
  };
  "message.edited": Target & { text: string; data: string; mentions: Mentions; erased?: true };
  "message.deleted": Target;
  "reaction.added": Target & { emoji: string };
  "reaction.removed": Target & { emoji: string };
  "pin.added": Target;
  "pin.removed": Target;
  "member.added": { members: Member[]; inviteId: string | null };
  "member.removed": { userId: string; banned: boolean };
  "member.changed": Member;
  "ban.added": { userId: string };
  "ban.removed": { userId: string };
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
  /** On messages alone: by what they are found. */
  messageId?: string;
  /** On edits alone: the message that they are of. */
  editOf?: string;
  /** What the entry is called by whoever caused it (G3). */
  key: string;
  by: string;
  /** Milliseconds since 1970. */
  at: number;
}

export type StoredEntryOf<T extends EntryType> = Place & { type: T; body: EntryBodies[T] };
export type StoredEntry = { [T in EntryType]: StoredEntryOf<T> }[EntryType];
export type StoredMessage = StoredEntryOf<"message.sent">;

/** A time that somebody was in a chat: what they may see of it, in revs and in seqs. Without an end it lasts. */
export interface Interval {
  fromRev: number;
  fromSeq: number;
  /** The rev of the last return, where somebody left and came back with nothing in between. */
  sinceRev?: number;
  toRev?: number;
  toSeq?: number;
}

export interface StoredMember {
  role: Member["role"];
  joinedAt: number;
  /** The last message when they joined. */
  joinedSeq: number;
  /** The last message of their own, and when. */
  sentSeq: number;
  sentAt: number;
  /** What they may see, ascending. */
  sees: Interval[];
}

/**
 * That a user may be in a chat. Written before the entry that makes it true, so it names every chat that a user is in
 * or was in, and perhaps one that came to nothing: the folded state alone says who is a member.
 */
export interface StoredMembership {
  _id: string;
  userId: string;
  chatId: string;
  /** Up to here the user's messages are erased, where they are to be. */
  erasedSeq?: number;
}

/** Which chat goes by a claim that can be made once: to be the direct chat of two people, or made by one request. */
export interface StoredClaim {
  _id: string;
  chatId: string;
}

/** Mailed to somebody, it has that mail in it until the mail service has it: as it is, since the code beside it is all that is secret in it. */
export interface StoredInvite extends Mailing {
  /** The code. */
  _id: string;
  id: string;
  chatId: string;
  by: string;
  at: number;
  expiresAt: number;
  maxUses: number | null;
  revoked: boolean;
}

export interface StoredFact {
  _id: string;
  value: string;
}

/** What a chat is to one person. */
export interface ChatNote {
  chatId: string;
  member: boolean;
  readSeq: number;
  deliveredSeq: number;
  mutedUntil: number | null;
  pinned: boolean;
  archived: boolean;
  markedUnread: boolean;
}

export interface UserEntryBodies {
  "chat.noted": ChatNote;
  "block.changed": { userId: string; blocked: boolean };
  "preferences.changed": Preferences;
  "profile.changed": { name: string; avatar: string | null; version: number };
}

/** The last entry of a subject in a user's log. */
export type UserSubjectOf<T extends UserEntryType> = {
  subject: string;
  rev: number;
  at: number;
  type: T;
  body: UserEntryBodies[T];
};
export type UserSubject = { [T in UserEntryType]: UserSubjectOf<T> }[UserEntryType];

/**
 * The head of a user's log, and its latest entries, one for each subject. The change of this document from rev n to
 * n+1 is the only commit of that log.
 */
export interface StoredUserLog {
  _id: string;
  rev: number;
  recent: UserSubject[];
  /** Entries up to here that are not among the recent ones are stored by themselves. */
  storedRev: number;
}

/** An entry of a user's log that is no longer among the recent ones. */
export interface StoredUserSubject {
  /** `userId:subject`. */
  _id: string;
  userId: string;
  rev: number;
  /** `userId:rev`. */
  revKey: string;
  entry: UserSubject;
}

export const entries = collection<StoredEntry>(
  "entries",
  [
    { name: "key", fields: ["chatId", "key"], unique: true, carries: "G3: one message for one name" },
    { name: "seq", fields: ["seqKey"], sparse: true, carries: "pages of messages as ranges" },
    { name: "message", fields: ["messageId"], sparse: true, carries: "a message by its id, and what was sent lately as a range" },
    { name: "edits", fields: ["editOf"], sparse: true, carries: "what a message said between" },
  ],
  {
    compact: {
      columns: ["rev", "seq", "type", "at"],
      packed: ["chatId", "key"],
      copies: { messageId: ["body", "id"], editOf: ["body", "messageId"] },
      numbered: {
        _id: { of: "chatId", number: "rev" },
        // An entry has the seq of the last message up to it.
        seqKey: { of: "chatId", number: "seq", risesWith: "_id" },
      },
    },
  },
);
export const memberships = collection<StoredMembership>("memberships", [
  { name: "user", fields: ["userId"], carries: "the chats of a user" },
]);
export const claims = collection<StoredClaim>("claims");
export const invites = collection<StoredInvite>("invites", [
  { name: "chat", fields: ["chatId"], carries: "the links of a chat" },
  { name: "id", fields: ["id"], unique: true, carries: "one link for one request" },
  mailsIndex,
]);
export const allowances = collection<StoredAllowance>("allowances", [
  { name: "takenAt", fields: ["takenAt"], carries: "removing what is free again" },
]);
export const facts = collection<StoredFact>("facts");
export const userLogs = collection<StoredUserLog>("userLogs");
export const userSubjects = collection<StoredUserSubject>("userSubjects", [
  { name: "rev", fields: ["revKey"], carries: "G4: a user's log as a range, as far as it is not in its head" },
]);

const digits = 12;

/** Places of one chat sort as their revs do, and those of different chats apart. */
export const place = (chatId: string, number: number): string => `${chatId}:${String(number).padStart(digits, "0")}`;
