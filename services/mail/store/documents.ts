import { collection, type Document } from "@confab/mixins/store/collection.ts";
import type { Job } from "../job.ts";

/** A step in the life of a mail, for whoever asks what became of it. */
export interface StoredStep {
  at: number;
  what: "accepted" | "refused" | "sent" | "dead" | "replayed";
  /** The mail server's, or what went wrong. */
  answer?: string;
  /** When it is tried again. */
  nextAt?: number;
}

/** The truth about a mail, wherever its number waits. */
export interface StoredJob extends Document {
  state: "waiting" | "sent" | "dead";
  /** The mail itself, which may hold a code; gone once it was sent, or was dead for long. */
  job?: Job;
  /** Lower-case. */
  address: string;
  /** Whose unread messages it tells of. */
  userId?: string;
  /** Of which chats, and after which message up to which: it stays when its words go, and tells whether a message was told. */
  told?: { chatId: string; fromSeq: number; toSeq: number }[];
  template: string;
  messageId: string;
  /** Tries that failed. */
  failures: number;
  /** When it may be taken; a worker that takes it moves this ahead, so that nobody else does meanwhile. Far off once it is dead, gone once it is sent. */
  dueAt?: number;
  /** Who has it in hand. */
  worker?: string;
  /** How often it was taken since the last time that anybody told what came of it. */
  takes?: number;
  acceptedAt: number;
  /** Since when it waits once more; gone when it is over. */
  replayedAt?: number;
  endedAt?: number;
  /** Why the last try failed. */
  reason?: string;
  /** The oldest first. */
  history: StoredStep[];
}

/** That a mail server takes nothing for an address. */
export interface StoredAddress extends Document {
  /** The address itself, lower-case. */
  _id: string;
  /** When it said so last, and in which words. */
  refusedAt: number;
  answer: string;
}

/** That whoever reads at an address wants no more of a kind of mail. Of the address there is only what the key makes of it. */
export interface StoredDecline extends Document {
  /** `<kind>:<mark of the address>`. */
  _id: string;
  at: number;
}

/** What every node must have alike, and nobody else: made by the first that needs it. */
export interface StoredKey extends Document {
  /** 32 bytes, in base64url. */
  key: string;
  madeAt: number;
}

export interface StoredInboxMail extends Document {
  /** Lower-case. */
  address: string;
  to: string;
  subject: string;
  text: string;
  html: string;
  headers: Record<string, string>;
  at: number;
}

export const jobs = collection<StoredJob>("jobs", [
  { name: "due", fields: ["state", "dueAt"], carries: "The next job to send is a range." },
  { name: "ended", fields: ["state", "endedAt"], carries: "What is over is removed by a range." },
  { name: "addressed", fields: ["address", "_id"], carries: "The newest mails to an address are a range." },
  { name: "listed", fields: ["state", "_id"], carries: "The newest and the oldest mails in a state are a range." },
  {
    name: "replayed",
    fields: ["replayedAt"],
    sparse: true,
    carries: "How long replayed mails wait is told by the first of them.",
  },
  { name: "user", fields: ["userId"], sparse: true, carries: "The mails about somebody's messages are found to erase them." },
]);

export const addresses = collection<StoredAddress>("addresses", [
  { name: "refused", fields: ["refusedAt"], carries: "Old refusals are removed by a range." },
]);
export const declines = collection<StoredDecline>("declines");
export const keys = collection<StoredKey>("keys");

export const inbox = collection<StoredInboxMail>("inbox", [
  { name: "at", fields: ["at"], carries: "Old mails are removed by a range." },
  { name: "address", fields: ["address", "_id"], carries: "The newest mails of an address are a range." },
]);
