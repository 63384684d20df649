/* What is derived from the log and stored, so that it need not be derived again. All of it can be rebuilt from the log. */
import type { ChatType, Member, Mentions } from "@confab/contracts";
import { collection } from "@confab/mixins/store/collection.ts";
import { place, type Rules } from "./documents.ts";

/** `[fromRev, fromSeq, sinceRev or 0, toRev, toSeq]`; the last two are missing while it lasts. */
export type PackedInterval = number[];

export type PackedMember = [
  userId: string,
  role: Member["role"],
  joinedAt: number,
  joinedSeq: number,
  sentSeq: number,
  sentAt: number,
  sees: PackedInterval[],
];

/**
 * A snapshot of a chat's state at `rev`. It saves reading the log from its beginning, and holds no words of messages. It
 * is stored after everything else that is derived up to `rev`.
 */
export interface StoredState extends Rules {
  _id: string;
  /** Of the form; one of another form is not used. */
  form: number;
  rev: number;
  keptAt: number;
  lastSeq: number;
  lastAt: number;
  type: ChatType;
  title: string | null;
  data: string;
  createdAt: number;
  createdBy: string;
  changedAt: number;
  deleted: boolean;
  members: PackedMember[];
  past: [userId: string, PackedInterval[]][];
  bans: [userId: string, by: string, at: number][];
  pins: { id: string; seq: number }[];
  inviteUses: [inviteId: string, uses: number][];
  mentionedTo: number;
  changedFrom: number;
  changedTo: number;
}

/**
 * What happened to a message after it was sent, up to `rev`. Its size is bounded: long words are read from the log, and
 * from a number of reactions on their authors are stored apart.
 */
export interface StoredChanges {
  /** `chatId:seq`. */
  _id: string;
  chatId: string;
  seq: number;
  rev: number;
  /** The last edit. Without words where they are long: they are in the entry at that rev. */
  edited?: { rev: number; at: number; text?: string; data?: string; mentions?: Mentions };
  /** How often. */
  edits?: number;
  deletedAt?: number;
  /** Who reacted by each emoji, in the order of the emojis' first use; only how many, once there are `many`. */
  reactions: [emoji: string, who: string[] | number][];
  /** Set for good once there were more reactions than are kept here: their authors are in documents of their own. */
  many?: true;
  pinned: boolean;
}

/** By what a person has reacted to a message with many reactions, up to `rev`. */
export interface StoredReactor {
  /** `chatId:seq:userId`. */
  _id: string;
  userId: string;
  rev: number;
  /** With a number by which those of one emoji are in the order of their reactions. */
  emojis: [emoji: string, order: number][];
}

/** The latest messages of a chat that mention a person, or "all", up to `rev`. */
export interface StoredMentions {
  /** `chatId:userId` or `chatId:all`. */
  _id: string;
  rev: number;
  /** Ascending. */
  seqs: number[];
}

export const states = collection<StoredState>("states", [
  { name: "keptAt", fields: ["keptAt"], carries: "checking the latest snapshots against the log at open" },
]);
export const changes = collection<StoredChanges>("changes");
export const reactors = collection<StoredReactor>("reactors");
export const mentions = collection<StoredMentions>("mentions");

export const reactorId = (chatId: string, seq: number, userId: string): string => `${place(chatId, seq)}:${userId}`;
export const mentionsId = (chatId: string, whom: string): string => `${chatId}:${whom}`;
