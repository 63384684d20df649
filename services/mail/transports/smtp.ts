import { createTransport } from "nodemailer";
import { inHandAtOnce } from "../queue/queue.ts";
import { readMailbox } from "../mailbox.ts";
import type { Transport } from "./transport.ts";

/** A server that is silent for so long has failed; the queue tries again. */
const timeouts = { dnsTimeout: 10_000, connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 30_000 };

/** Hands mails to the mail server of SMTP_URL. */
export function smtpTransport(url: string, given: Partial<typeof timeouts> = {}): Transport {
  const mailer = createTransport({
    url,
    pool: true,
    maxConnections: inHandAtOnce,
    // The queue alone tries again.
    maxRequeues: 0,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...timeouts,
    ...given,
  } as Parameters<typeof createTransport>[0]);
  return {
    async send({ messageId, from, to, subject, text, html, headers }) {
      const sender = readMailbox(from)!;
      // Addresses as objects, so that nothing in them is taken for a list.
      await mailer.sendMail({
        messageId,
        from: sender,
        to: { name: "", address: to },
        subject,
        text,
        html,
        headers,
        envelope: { from: sender.address, to },
      });
    },
    close: () => mailer.close(),
  };
}
