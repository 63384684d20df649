import type { ServiceSchema } from "moleculer";
import { makeMail } from "./mail.ts";
import { usesRabbit } from "./policies.ts";
import { growingPauses, type MailQueue } from "./queue/queue.ts";
import { RabbitQueue } from "./queue/rabbit.queue.ts";
import { StoreQueue } from "./queue/store.queue.ts";
import type { MailService } from "./service.ts";
import { openTransport } from "./transports/index.ts";

const hour = 3_600_000;

/** Works off the queue while the service runs, and removes every hour what is over. Each node does. */
export const delivery = {
  async started(this: MailService & { sweeper: NodeJS.Timeout }) {
    this.transport = openTransport(this);
    this.queue = openQueue(this);
    const { MAIL_FROM: from, MAIL_LANGUAGE, PUBLIC_URL } = this.settings;
    await this.queue.start((job) =>
      this.transport.send(makeMail(job, { from, language: job.language ?? MAIL_LANGUAGE, publicUrl: PUBLIC_URL })),
    );

    const sweep = () =>
      this.store.sweep(Date.now()).catch((err: unknown) => this.logger.warn("Could not remove what is over", err));
    this.sweeper = setInterval(() => void sweep(), hour).unref();
  },
  async stopped(this: MailService & { sweeper?: NodeJS.Timeout }) {
    clearInterval(this.sweeper);
    await this.queue?.stop();
    this.transport?.close();
  },
} as unknown as Partial<ServiceSchema>;

function openQueue({ settings, store, logger }: MailService): MailQueue {
  const { TRANSPORTER, NAMESPACE, MAIL_TRIES, MAIL_RETRY_SECONDS } = settings;
  const shared = { log: logger, pausesMs: growingPauses(MAIL_TRIES, MAIL_RETRY_SECONDS * 1000) };
  return usesRabbit(settings)
    ? new RabbitQueue({ ...shared, url: TRANSPORTER!, namespace: NAMESPACE, notes: store })
    : new StoreQueue({ ...shared, store });
}
