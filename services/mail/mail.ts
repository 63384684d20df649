import type { Job } from "./job.ts";
import { headerText, readMailbox } from "./mailbox.ts";
import { render } from "./templates/index.ts";

/** A mail as it leaves, whatever carries it. */
export interface Mail {
  jobId: string;
  messageId: string;
  from: string;
  to: string;
  subject: string;
  text: string;
  html: string;
  headers: Record<string, string>;
}

export function makeMail(job: Job, from: string): Mail {
  if (!readMailbox(job.to)) throw new Error("the address is not one plain address");
  const { subject, text, html } = render(job);
  return {
    jobId: job.id,
    messageId: job.messageId,
    from,
    to: job.to,
    // Nothing that somebody chose can begin another header.
    subject: headerText(subject),
    text,
    html,
    // No machine is to answer a machine.
    headers: { "Auto-Submitted": "auto-generated" },
  };
}
