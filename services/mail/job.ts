import type { MailJob } from "@confab/contracts";
import { v7 as uuid } from "uuid";
import { readMailbox } from "./mailbox.ts";

/** A mail that is to be sent, as it lies in the queue. */
export interface Job extends MailJob {
  id: string;
  /** G5: made once, at acceptance; every copy that can ever leave carries it. */
  messageId: string;
  /** Milliseconds since 1970. */
  acceptedAt: number;
}

export function makeJob({ template, to, data }: MailJob, from: string): Job {
  const id = uuid();
  const domain = readMailbox(from)!.address.split("@")[1]!;
  return { id, messageId: `<${id}@${domain}>`, acceptedAt: Date.now(), template, to, data };
}
