import type { Job } from "./job.ts";
import { headerText, isAddress } from "./mailbox.ts";
import { render, type Context } from "./templates/index.ts";
import { webUrl } from "./templates/letter.ts";

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
  if (!isAddress(job.to)) throw new Error("the address is not one plain address");
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
    headers: {
      // No machine is to answer a machine; Exchange listens to a header of its own.
      "Auto-Submitted": "auto-generated",
      "X-Auto-Response-Suppress": "All",
      "Content-Language": context.language,
      ...unsubscribeHeaders(context),
    },
  };
}

/** RFC 8058: the reader's mail program can end such mails by one click. */
const unsubscribeHeaders = ({ unsubscribeUrl }: Context): Record<string, string> =>
  unsubscribeUrl === undefined
    ? {}
    : { "List-Unsubscribe": `<${webUrl(unsubscribeUrl)}>`, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click" };
