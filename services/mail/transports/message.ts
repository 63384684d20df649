import type { SendMailOptions } from "nodemailer";
import type { Mail } from "../mail.ts";
import { readMailbox } from "../mailbox.ts";

/** A mail as nodemailer takes it, to be written as MIME. */
export function messageOf({ messageId, from, to, subject, text, html, headers }: Mail): SendMailOptions {
  // Addresses as objects, so that nothing in them is taken for a list.
  const sender = readMailbox(from)!;
  const reader = { name: "", address: to };
  return {
    // G5: of the job, never nodemailer's own.
    messageId,
    from: sender,
    to: reader,
    subject,
    text,
    html,
    headers,
    envelope: { from: sender.address, to: reader },
    // Nothing in a mail is a file or an address to fetch.
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}
