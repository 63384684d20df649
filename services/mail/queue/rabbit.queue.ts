import { setTimeout as pause } from "node:timers/promises";
import { problem } from "@confab/mixins/problem.ts";
import type { ConfirmChannel, ConsumeMessage, Message } from "amqplib";
import type { Job } from "../job.ts";
import {
  deadKeptMs,
  describeFailure,
  inHandAtOnce,
  nameFailure,
  stopPatienceMs,
  within,
  type Handler,
  type MailQueue,
  type QueueLog,
} from "./queue.ts";
import { RabbitLink } from "./rabbit.link.ts";

/** What was sent, known beyond RabbitMQ: it may deliver a job again that was sent, and whose acknowledgement it did not get. */
export interface SentNotes {
  wasSent(jobId: string): Promise<boolean>;
  noteSent(job: Job, now: number): Promise<void>;
}

export interface RabbitQueueOptions {
  url: string;
  namespace: string;
  notes: SentNotes;
  log: QueueLog;
  /** One for each try after the first. */
  pausesMs: readonly number[];
  /** How long an acceptance waits for RabbitMQ. */
  patienceMs?: number;
}

/** Headers of our own: tries that failed so far, and why the last one did. */
const failuresHeader = "x-confab-failures";
const reasonHeader = "x-confab-reason";

/** A job that so many workers did not live to acknowledge is the death of workers. */
const deliveryLimit = 50;

export const queueNames = (namespace: string) => ({
  jobs: `${namespace}.mail.jobs`,
  dead: `${namespace}.mail.dead`,
  wait: (pauseMs: number) => `${namespace}.mail.wait.${pauseMs}`,
});

/**
 * A quorum queue of jobs, from which the workers of all nodes compete. A job that failed waits in the queue of its
 * pause, from which it falls back to the jobs when its time is over, so that nothing stays unacknowledged meanwhile.
 */
export class RabbitQueue implements MailQueue {
  readonly #options: Required<RabbitQueueOptions>;
  readonly #names: ReturnType<typeof queueNames>;
  readonly #link: RabbitLink;
  readonly #inHand = new Map<string, Promise<void>>();
  /** Published, and given back as no queue would have it. */
  readonly #returned = new Set<string>();
  #handler: Handler | undefined;
  #stopConsuming: () => Promise<unknown> = async () => {};

  constructor(options: RabbitQueueOptions) {
    this.#options = { patienceMs: 3000, ...options };
    this.#names = queueNames(options.namespace);
    this.#link = new RabbitLink(options.url, (channel) => this.#setUp(channel), options.log);
  }

  async accept(job: Job): Promise<void> {
    const { patienceMs, log } = this.#options;
    const startedAt = Date.now();
    try {
      const channel = await this.#link.channel(patienceMs);
      await this.#publish(channel, this.#names.jobs, content(job), job.id, {}, patienceMs - (Date.now() - startedAt));
    } catch (err) {
      log.warn(`Mail ${job.id} (${job.template}) is not accepted: ${nameFailure(err)}`);
      throw problem("unavailable", { retryAfter: 2 });
    }
  }

  async start(handler: Handler): Promise<void> {
    this.#handler = handler;
    this.#link.open();
  }

  async erase(addresses: ReadonlySet<string>): Promise<void> {
    const { pausesMs, patienceMs } = this.#options;
    const channel = await this.#link.channel(patienceMs);
    // What is in hand leaves its trace first.
    await within(stopPatienceMs, Promise.all(this.#inHand.values()), "in hand").catch(() => {});
    const queues = [this.#names.dead, ...new Set(pausesMs.map((pauseMs) => this.#names.wait(pauseMs)))];
    for (const queue of queues) {
      const kept: Message[] = [];
      try {
        // What is looked at is held back meanwhile, so that each is seen once.
        for (let message = await channel.get(queue); message; message = await channel.get(queue)) {
          const to = readJob(message.content)?.to.toLowerCase();
          if (to !== undefined && addresses.has(to)) channel.ack(message);
          else kept.push(message);
        }
      } finally {
        for (const message of kept) channel.nack(message);
      }
    }
  }

  async stop(): Promise<void> {
    this.#handler = undefined;
    await within(1000, this.#stopConsuming(), "silent").catch(() => {});
    await within(stopPatienceMs, Promise.all(this.#inHand.values()), "in hand").catch(() => {});
    // What is not acknowledged by now is another's.
    await this.#link.close();
  }

  /** On each new channel. What is there already must have been declared with the same arguments. */
  async #setUp(channel: ConfirmChannel): Promise<void> {
    const { jobs, dead, wait } = this.#names;
    const declare = (name: string, more: object) =>
      channel.assertQueue(name, { durable: true, arguments: { "x-queue-type": "quorum", ...more } });
    await declare(dead, { "x-message-ttl": deadKeptMs });
    await declare(jobs, { ...fallingTo(dead), "x-delivery-limit": deliveryLimit });
    for (const pauseMs of new Set(this.#options.pausesMs))
      await declare(wait(pauseMs), { ...fallingTo(jobs), "x-message-ttl": pauseMs });
    channel.on("return", (message: Message) => this.#returned.add(String(message.properties.messageId)));
    if (!this.#handler) return;
    await channel.prefetch(inHandAtOnce);
    const { consumerTag } = await channel.consume(jobs, (message) => this.#take(channel, message));
    this.#stopConsuming = () => channel.cancel(consumerTag);
  }

  #take(channel: ConfirmChannel, message: ConsumeMessage | null): void {
    // RabbitMQ ended the subscription, as when the queue was removed: another channel declares and subscribes anew.
    if (!message) return void channel.close().catch(() => {});
    const id = String(message.properties.messageId);
    // Delivered again while it is still in hand, as after a lost channel: that one first, then see what became of it.
    const before = this.#inHand.get(id) ?? Promise.resolve();
    const working = before
      .then(() => this.#work(channel, message, id))
      .catch(async (err: unknown) => {
        this.#options.log.warn(`Mail ${id} could not be put aside, it goes back to the queue: ${nameFailure(err)}`);
        await pause(1000);
        // Not acknowledged, so it goes back; and the next channel declares the queue that may be missing.
        await channel.close().catch(() => {});
      })
      .finally(() => {
        if (this.#inHand.get(id) === working) this.#inHand.delete(id);
      });
    this.#inHand.set(id, working);
  }

  async #work(channel: ConfirmChannel, message: ConsumeMessage, id: string): Promise<void> {
    const { notes, log, pausesMs } = this.#options;
    const handler = this.#handler;
    // Not acknowledged: another worker gets it as soon as this channel closes.
    if (!handler) return;
    const job = readJob(message.content);
    const name = `Mail ${id} (${job?.template ?? "unreadable"})`;
    const tries = Number(message.properties.headers?.[failuresHeader] ?? 0) + 1;
    try {
      if (!job) throw new Error("the job is not readable");
      // G5: only these can be a second copy. Where the notes cannot be read, better twice than never.
      const maybeSent = message.fields.redelivered || tries > 1;
      if (maybeSent && (await notes.wasSent(id).catch(() => false))) return settle(() => channel.ack(message));
      await handler(job);
    } catch (err) {
      const pauseMs = job && pausesMs[tries - 1];
      const target = pauseMs === undefined ? this.#names.dead : this.#names.wait(pauseMs);
      const headers = { [failuresHeader]: tries, [reasonHeader]: describeFailure(err) };
      // First there, then no longer here: who dies between leaves it twice rather than not at all.
      await this.#publish(channel, target, message.content, id, headers, 10_000);
      settle(() => channel.ack(message));
      log.warn(
        `${name} failed at try ${tries} of ${pausesMs.length + 1}, ${pauseMs === undefined ? "is dead" : `next in ${pauseMs / 1000} s`}: ${nameFailure(err)}`,
      );
      return;
    }
    // G5: sent, and noted where it is found should RabbitMQ never see the acknowledgement.
    await notes.noteSent(job, Date.now()).catch((err: unknown) => log.warn(`${name} is sent but not noted: ${nameFailure(err)}`));
    settle(() => channel.ack(message));
    log.info(`${name} is sent`);
  }

  /** Resolves once RabbitMQ has it on the disks of a majority, in a queue. */
  #publish(
    channel: ConfirmChannel,
    queue: string,
    body: Buffer,
    id: string,
    headers: Record<string, string | number>,
    patienceMs: number,
  ): Promise<void> {
    const confirmed = new Promise<void>((resolve, reject) => {
      const options = { persistent: true, mandatory: true, messageId: id, contentType: "application/json", headers };
      channel.publish("", queue, body, options, (err: Error | null) => {
        // RabbitMQ returns what it cannot route before it confirms it.
        if (this.#returned.delete(id)) reject(Object.assign(new Error(`there is no queue ${queue}`), { code: "NO_QUEUE" }));
        else if (err) reject(err);
        else resolve();
      });
    });
    return within(patienceMs, confirmed, "RabbitMQ did not confirm in time");
  }
}

/** Arguments of a queue whose messages, once rejected or over their time, are in another before they leave it. */
const fallingTo = (queue: string) => ({
  "x-dead-letter-exchange": "",
  "x-dead-letter-routing-key": queue,
  "x-dead-letter-strategy": "at-least-once",
  "x-overflow": "reject-publish",
});

const content = (job: Job) => Buffer.from(JSON.stringify(job));

function readJob(body: Buffer): Job | undefined {
  try {
    const job = JSON.parse(body.toString()) as Job | null;
    return job?.id && job.messageId ? job : undefined;
  } catch {
    return undefined;
  }
}

/** On a channel that is lost there is nothing to settle: RabbitMQ delivers again. */
function settle(act: () => void): void {
  try {
    act();
  } catch {
    // Nothing is lost by it.
  }
}
