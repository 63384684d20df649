// A worker process that takes mails and never gets done with them; mail.queue.spec.ts kills it.

import { RabbitQueue } from "../../services/mail/queue/rabbit.queue.ts";

const [url, namespace] = process.argv.slice(2) as [string, string];
const log = { info() {}, warn() {} };
const queue = new RabbitQueue({
  url,
  namespace,
  log,
  pausesMs: [50],
  notes: { wasSent: async () => false, noteSent: async () => {} },
});
await queue.start(async ({ messageId }) => {
  console.log(messageId);
  await new Promise(() => {});
});
