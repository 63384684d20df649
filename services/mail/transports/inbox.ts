import type { MailStore } from "../store/mail.store.ts";
import type { Transport } from "./transport.ts";

/** Keeps mails instead of sending them, for whoever builds or tries Confab. */
export function inboxTransport(store: Pick<MailStore, "keepMail">): Transport {
  return {
    async send({ jobId, messageId, from, to, subject, text, html, headers }) {
      const at = Date.now();
      await store.keepMail({
        _id: jobId,
        address: to.toLowerCase(),
        to,
        subject,
        text,
        html,
        headers: { ...headers, From: from, To: to, Subject: subject, "Message-ID": messageId, Date: new Date(at).toUTCString() },
        at,
      });
      return "kept in the dev inbox";
    },
    close() {},
  };
}
