// A worker process that takes mails and never gets done with them; mail.queue.spec.ts kills it.

import { openMongo } from "@confab/mixins/store/mongo.ts";
import { ServiceBroker } from "moleculer";
import type { Mail } from "../../services/mail/mail.ts";
import { RabbitQueue } from "../../services/mail/queue/rabbit.queue.ts";
import { MailWorker } from "../../services/mail/queue/worker.ts";
import { MailStore } from "../../services/mail/store/mail.store.ts";

const [url, mongoUrl, namespace, leaseMs] = process.argv.slice(2) as [string, string, string, string];
const log = { info() {}, warn() {} };
const service = new ServiceBroker({ logger: false }).createService({ name: "mail" });
const store = await MailStore.open(openMongo(service, mongoUrl));
const worker = new MailWorker({
  ...{ store, log, pausesMs: [50], leaseMs: Number(leaseMs) },
  make: async ({ messageId }) => ({ messageId }) as Mail,
  async send({ messageId }) {
    console.log(messageId);
    return new Promise(() => {});
  },
});
await new RabbitQueue({ url, namespace, store, worker, log, pausesMs: [50] }).start();
