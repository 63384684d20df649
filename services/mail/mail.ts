import type { Job } from "./job.ts";
import { headerText, readMailbox } from "./mailbox.ts";
import { render, type Context } from "./templates/index.ts";

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

export function makeMail(job: Job, context: Context): Mail {
  if (!readMailbox(job.to)) throw new Error("the address is not one plain address");
  const { subject, text, html } = render(job, context);
  return {
    jobId: job.id,
    messageId: job.messageId,
    from: context.from,
    to: job.to,
    // Nothing that somebody chose can begin another header.
    subject: headerText(subject),
    text,
    html,
    // No machine is to answer a machine.
    headers: { "Auto-Submitted": "auto-generated", ...unsubscribeHeaders(context) },
  };
}

/** RFC 8058: the reader's mail program can end such mails by one click. */
const unsubscribeHeaders = ({ unsubscribeUrl }: Context): Record<string, string> =>
  unsubscribeUrl === undefined
    ? {}
    : { "List-Unsubscribe": `<${unsubscribeUrl}>`, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click" };
