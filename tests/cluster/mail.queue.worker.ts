// A node that sends mails by SMTP to a server that holds it up; mail.queue.spec.ts kills and stops it.

import { openMongo } from "@confab/mixins/store/mongo.ts";
import { ServiceBroker } from "moleculer";
import type { Mail } from "../../services/mail/mail.ts";
import { RabbitQueue } from "../../services/mail/queue/rabbit.queue.ts";
import { MailWorker } from "../../services/mail/queue/worker.ts";
import { MailStore } from "../../services/mail/store/mail.store.ts";
import { smtpTransport } from "../../services/mail/transports/smtp.ts";

const [url, mongoUrl, namespace, smtpUrl, leaseMs] = process.argv.slice(2) as [string, string, string, string, string];
const log = { info() {}, warn() {} };
const service = new ServiceBroker({ logger: false }).createService({ name: "mail" });
const store = await MailStore.open(openMongo(service, mongoUrl));
const transport = smtpTransport({ SMTP_URL: smtpUrl });
const words = { from: "confab@example.org", subject: "", text: "", html: "", headers: {} };
const worker = new MailWorker({
  ...{ store, log, pausesMs: [60_000], leaseMs: Number(leaseMs) },
  make: async ({ id, messageId, to }): Promise<Mail> => ({ jobId: id, messageId, to, ...words }),
  send: (mail, lost) => transport.send(mail, lost),
});
await new RabbitQueue({ url, namespace, store, worker, log, pausesMs: [60_000] }).start();
