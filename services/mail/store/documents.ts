import { collection, type Document } from "@confab/mixins/store/collection.ts";
import type { Job } from "../job.ts";

export interface StoredJob extends Document {
  state: "waiting" | "sent" | "dead";
  /** The mail itself, which holds the code; gone once it was sent, or was dead for long. */
  job?: Job;
  /** Lower-case, and there as long as the mail is. */
  address?: string;
  template: string;
  messageId: string;
  /** Tries that failed. */
  failures: number;
  /** When it may be taken; a worker that takes it moves this ahead, so that nobody else does meanwhile. */
  dueAt: number;
  /** Who has it in hand. */
  worker?: string;
  acceptedAt: number;
  endedAt?: number;
  /** Why the last try failed. */
  reason?: string;
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
  { name: "address", fields: ["address"], sparse: true, carries: "What waits for an address." },
]);

export const inbox = collection<StoredInboxMail>("inbox", [
  { name: "address", fields: ["address", "_id"], carries: "The newest mails of an address are a range." },
]);
