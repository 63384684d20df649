import { Unavailable } from "@confab/mixins/store/collection.ts";
import type { ServiceSchema } from "moleculer";
import { whyUnwanted } from "./digest/wanted.ts";
import { isKnown, isOptional, type Job } from "./job.ts";
import { makeMail, type Mail } from "./mail.ts";
import { countMail } from "./metrics.ts";
import { usesRabbit } from "./policies.ts";
import { PollQueue } from "./queue/poll.queue.ts";
import { describeFailure, growingPauses, type MailQueue } from "./queue/queue.ts";
import { RabbitQueue } from "./queue/rabbit.queue.ts";
import { MailWorker, Unsendable } from "./queue/worker.ts";
import type { MailService } from "./service.ts";
import { openTransport } from "./transports/index.ts";
import { hasDeclined, unsubscribeUrlOf } from "./unsubscribe.ts";

const hour = 3_600_000;

/** Works off the queue while the service runs, and removes what is over, now and every hour. Each node does. */
export const delivery = {
  async started(this: MailService & { sweeper: NodeJS.Timeout }) {
    this.transport = openTransport(this);
    this.queue = openQueue(this);
    await this.queue.start();

    const sweep = () =>
      this.store.sweep(Date.now()).catch((err: unknown) => this.logger.warn("Could not remove what is over", err));
    // Also where no process lives for an hour.
    void sweep();
    this.sweeper = setInterval(() => void sweep(), hour).unref();
  },
  async stopped(this: MailService & { sweeper?: NodeJS.Timeout }) {
    clearInterval(this.sweeper);
    await this.queue?.stop();
    this.transport?.close();
  },
} as unknown as Partial<ServiceSchema>;

function openQueue(service: MailService): MailQueue {
  const { settings, store, transport, broker, logger: log } = service;
  const { TRANSPORTER, NAMESPACE, MAIL_TRIES, MAIL_RETRY_SECONDS } = settings;
  const pausesMs = growingPauses(MAIL_TRIES, MAIL_RETRY_SECONDS * 1000);
  const worker = new MailWorker({
    ...{ store, log, pausesMs },
    make: (job) => makeOrGiveUp(service, job),
    send: (mail, lost) => transport.send(mail, lost),
    count: (what) => countMail(broker, what),
  });
  const shared = { store, worker, log };
  return usesRabbit(settings)
    ? new RabbitQueue({ ...shared, pausesMs, url: TRANSPORTER!, namespace: NAMESPACE })
    : new PollQueue(shared);
}

/** The mail of a job. Throws `Unsendable` where it cannot be made, or nobody wants it, which no later try would change. */
async function makeOrGiveUp(service: MailService, job: Job): Promise<Mail> {
  // G9: a node of the version after this one can make it.
  if (!isKnown(job)) throw new Error("this node does not know such mails");
  try {
    return await make(service, job);
  } catch (err) {
    if (err instanceof Unavailable || err instanceof Unsendable) throw err;
    throw new Unsendable(`the mail cannot be made: ${describeFailure(err)}`);
  }
}

async function make(service: MailService, job: Job): Promise<Mail> {
  const { MAIL_FROM: from, MAIL_LANGUAGE, PUBLIC_URL: publicUrl } = service.settings;
  if (isOptional(job) && (await service.store.isRefused(job.to.toLowerCase())))
    throw new Unsendable("a mail to this address was refused earlier");
  if (await hasDeclined(service, job)) throw new Unsendable("such mails were declined at this address");
  const unwanted = await whyUnwanted(service.broker, job);
  if (unwanted !== undefined) throw new Unsendable(unwanted);
  const unsubscribeUrl = await unsubscribeUrlOf(service, job);
  const context = { from, language: job.language ?? MAIL_LANGUAGE, publicUrl };
  return makeMail(job, unsubscribeUrl === undefined ? context : { ...context, unsubscribeUrl });
}
