import { setTimeout as pause } from "node:timers/promises";
import type { ConfirmChannel, ConsumeMessage, Message } from "amqplib";
import type { MailStore } from "../store/mail.store.ts";
import { inHandAtOnce, leaseMs, nameFailure, within, type MailQueue, type QueueLog } from "./queue.ts";
import { RabbitLink } from "./rabbit.link.ts";
import type { MailWorker } from "./worker.ts";

export interface RabbitQueueOptions {
  url: string;
  namespace: string;
  store: MailStore;
  worker: MailWorker;
  log: QueueLog;
  /** One for each try after the first. */
  pausesMs: readonly number[];
  /** How often it is looked for what is due and was not announced. */
  relayMs?: number;
  /** After so long a job that is due is taken for one that was not announced, or whose announcement got lost. */
  overdueMs?: number;
  /** Of a queue. Beyond them RabbitMQ refuses, and the relay brings what was refused. */
  mostMessages?: number;
  now?: () => number;
}

/** A message that so many consumers did not live to settle. */
export const deliveryLimit = 20;
export const confirmPatienceMs = 10_000;
/** How often each node looks for overdue jobs, half as much more or less. */
export const relayMs = 5000;
/** A job that is due for so long was not announced, or its announcement was lost. */
export const overdueMs = 10_000;
/** When a job is looked at again that the store did not give. */
const storeAwayMs = 5000;
/** How many the relay announces at a time; no more while as many wait for a hand, since they may be among them. */
const relayAtOnce = 200;

/* Their arguments, and what is in them, are for good: RabbitMQ refuses a declaration that differs. Others want another name. */
export const queueNames = (namespace: string) => ({
  jobs: `${namespace}.mail.jobs`,
  dead: `${namespace}.mail.dead`,
  delay: (delayMs: number) => `${namespace}.mail.delay.${delayMs}`,
});

/**
 * Carries the ids of jobs that are due; all else about them is in the table. The workers of all nodes compete for them.
 * A job that is not due yet waits in the queue of its delay, from which it falls back to the jobs, so that nothing stays
 * unacknowledged meanwhile. A message that is lost costs time only: the relay finds its job overdue. One that is doubled
 * costs a look into the table.
 */
export class RabbitQueue implements MailQueue {
  readonly #options: Required<RabbitQueueOptions>;
  readonly #names: ReturnType<typeof queueNames>;
  readonly #delaysMs: readonly number[];
  readonly #link: RabbitLink;
  /** Published, and given back as no queue would have it. */
  readonly #returned = new Set<string>();
  #published = 0;
  /** Whether anything became due that RabbitMQ was not there for. */
  #isBehind = false;
  #isStopping = false;
  #relay: NodeJS.Timeout | undefined;
  #stopConsuming: () => Promise<unknown> = async () => {};

  constructor(options: RabbitQueueOptions) {
    this.#options = { relayMs, overdueMs, mostMessages: 100_000, now: Date.now, ...options };
    this.#names = queueNames(options.namespace);
    this.#delaysMs = [...new Set([...options.pausesMs, leaseMs])].toSorted((one, other) => one - other);
    this.#link = new RabbitLink(options.url, (channel) => this.#setUp(channel), options.log);
  }

  async start(): Promise<void> {
    this.#link.open();
    this.#relayLater();
  }

  wake(jobId: string): void {
    void this.#announce(jobId, this.#options.now());
  }

  settle(): Promise<void> {
    return this.#options.worker.settle();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#relay);
    await within(1000, this.#stopConsuming(), "silent").catch(() => {});
    await this.#options.worker.stop();
    // What is not acknowledged by now is another's.
    await this.#link.close();
  }

  /** On each new channel. */
  async #setUp(channel: ConfirmChannel): Promise<void> {
    const { mostMessages } = this.#options;
    const { jobs, dead, delay } = this.#names;
    const declare = (name: string, more: object) =>
      channel.assertQueue(name, {
        durable: true,
        arguments: { "x-queue-type": "quorum", "x-max-length": mostMessages, "x-overflow": "reject-publish", ...more },
      });
    await declare(dead, {});
    await declare(jobs, { ...fallingTo(dead), "x-delivery-limit": deliveryLimit });
    for (const delayMs of this.#delaysMs) await declare(delay(delayMs), { ...fallingTo(jobs), "x-message-ttl": delayMs });
    channel.on("return", (message: Message) => this.#returned.add(String(message.properties.messageId)));
    if (this.#isStopping) return;
    // Of each consumer.
    await channel.prefetch(inHandAtOnce);
    const working = await channel.consume(jobs, (message) => this.#take(channel, message, (jobId) => this.#work(jobId)));
    const ending = await channel.consume(dead, (message) => this.#take(channel, message, (jobId) => this.#end(jobId)));
    this.#stopConsuming = () => Promise.all([channel.cancel(working.consumerTag), channel.cancel(ending.consumerTag)]);
    // G5: soon after RabbitMQ is back, what was accepted while it was away.
    if (this.#isBehind) void this.#bringOverdue(channel, 0);
    this.#isBehind = false;
  }

  #take(channel: ConfirmChannel, message: ConsumeMessage | null, work: (jobId: string) => Promise<void>): void {
    // RabbitMQ ended the subscription, as when the queue was removed: another channel declares and subscribes anew.
    if (!message) return void channel.close().catch(() => {});
    // Not acknowledged: another node gets it as soon as this channel closes.
    if (this.#isStopping) return;
    void work(message.content.toString()).then(() => settle(() => channel.ack(message)));
  }

  /** Never throws: whatever became of the job, the relay finds it if it waits still. */
  async #work(jobId: string): Promise<void> {
    const { worker, log, now } = this.#options;
    let nextAt: number | undefined;
    try {
      nextAt = await worker.take(jobId);
    } catch (err) {
      log.warn(`Could not look for mail ${jobId}, will try again: ${nameFailure(err)}`);
      nextAt = now() + storeAwayMs;
    }
    // Not due, or in the hand of another: looked at again when that is over.
    if (nextAt !== undefined) await this.#announce(jobId, nextAt);
  }

  async #end(jobId: string): Promise<void> {
    const { store, log, now } = this.#options;
    while (!this.#isStopping) {
      try {
        const reason = `RabbitMQ gave it up after ${deliveryLimit} deliveries, of which nobody told what came of them`;
        if (await store.endUntaken(jobId, reason, now())) log.warn(`Mail ${jobId} is dead: RabbitMQ gave it up`);
        return;
      } catch (err) {
        log.warn(`Could not note that mail ${jobId} is dead, will try again: ${nameFailure(err)}`);
        await pause(1000);
      }
    }
  }

  /** Resolves once RabbitMQ has it on the disks of a majority, in a queue, or could not take it, which the relay makes good. */
  async #announce(jobId: string, dueAt: number, channel = this.#link.channel): Promise<void> {
    if (!channel) return void (this.#isBehind = true);
    const delayMs = dueAt - this.#options.now();
    const queue =
      delayMs <= 0 ? this.#names.jobs : this.#names.delay(this.#delaysMs.find((one) => one >= delayMs) ?? this.#delaysMs.at(-1)!);
    const messageId = String(this.#published++);
    const confirmed = new Promise<void>((resolve, reject) => {
      channel.publish("", queue, Buffer.from(jobId), { persistent: true, mandatory: true, messageId }, (err: Error | null) => {
        // RabbitMQ returns what it cannot route before it confirms it.
        if (this.#returned.delete(messageId))
          reject(Object.assign(new Error(`there is no queue ${queue}`), { code: "NO_QUEUE" }));
        else if (err) reject(err);
        else resolve();
      });
    });
    try {
      await within(confirmPatienceMs, confirmed, "RabbitMQ did not confirm in time");
    } catch (err) {
      this.#isBehind = true;
      this.#options.log.warn(`RabbitMQ did not take mail ${jobId}, it is brought there later: ${nameFailure(err)}`);
      // The next channel declares the queue that is missing.
      if ((err as { code?: unknown }).code === "NO_QUEUE") await channel.close().catch(() => {});
    }
  }

  #relayLater(): void {
    // Not all nodes at the same instant.
    const inMs = this.#options.relayMs * (0.5 + Math.random());
    const relay = async () => {
      await this.#bringOverdue(this.#link.channel, this.#options.overdueMs);
      if (!this.#isStopping) this.#relayLater();
    };
    this.#relay = setTimeout(() => void relay(), inMs);
  }

  /** G5: brings to RabbitMQ what is due and was not announced to it, as it was away, or which it lost. */
  async #bringOverdue(channel: ConfirmChannel | undefined, overdueMs: number): Promise<void> {
    const { store, log, now } = this.#options;
    if (!channel) return;
    try {
      const { messageCount } = await channel.checkQueue(this.#names.jobs);
      if (messageCount >= relayAtOnce) return;
      const jobIds = await store.overdue(now() - overdueMs, relayAtOnce);
      await Promise.all(jobIds.map((jobId) => this.#announce(jobId, now(), channel)));
      if (jobIds.length > 0) log.info(`${jobIds.length} overdue mails were brought to RabbitMQ`);
    } catch (err) {
      log.warn(`Could not look for overdue mails, will try again: ${nameFailure(err)}`);
    }
  }
}

/** Arguments of a queue whose messages, once rejected or over their time, are in another before they leave it. */
const fallingTo = (queue: string) => ({
  "x-dead-letter-exchange": "",
  "x-dead-letter-routing-key": queue,
  "x-dead-letter-strategy": "at-least-once",
});

/** On a channel that is lost there is nothing to settle: RabbitMQ delivers again. */
function settle(act: () => void): void {
  try {
    act();
  } catch {
    // Nothing is lost by it.
  }
}
