import { setTimeout as pause } from "node:timers/promises";
import { Unavailable } from "@confab/mixins/store/collection.ts";
import { problem } from "@confab/mixins/problem.ts";
import { v7 as uuid } from "uuid";
import type { Job } from "../job.ts";
import type { MailStore, TakenJob } from "../store/mail.store.ts";
import {
  describeFailure,
  inHandAtOnce,
  nameFailure,
  stopPatienceMs,
  within,
  type Handler,
  type MailQueue,
  type QueueLog,
} from "./queue.ts";

export interface StoreQueueOptions {
  store: MailStore;
  log: QueueLog;
  /** One for each try after the first. */
  pausesMs: readonly number[];
  /** After so long without a sign of life a worker is taken for dead, and its job is another's. */
  leaseMs?: number;
  /** How often it is looked for what is due, or was accepted by other nodes. */
  pollMs?: number;
  now?: () => number;
}

/**
 * A table of jobs in the store, embedded or shared by several nodes. A job is waiting until it is sent or dead;
 * whoever dies with one in hand leaves it waiting.
 */
export class StoreQueue implements MailQueue {
  readonly #options: Required<StoreQueueOptions>;
  readonly #worker = uuid();
  readonly #inHand = new Set<Promise<void>>();
  #handler: Handler | undefined;
  #poll: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #lookAgain = false;
  /** The store may be closed: nothing is written any more, and what is still in hand is another's when its lease is over. */
  #over = false;

  constructor(options: StoreQueueOptions) {
    this.#options = { leaseMs: 30_000, pollMs: 1000, now: Date.now, ...options };
  }

  async accept(job: Job): Promise<void> {
    try {
      await this.#options.store.addJob(job, this.#options.now());
    } catch (err) {
      throw err instanceof Unavailable ? problem("unavailable", { retryAfter: 2 }) : err;
    }
    void this.#look();
  }

  async start(handler: Handler): Promise<void> {
    const { store, pollMs, now } = this.#options;
    this.#handler = handler;
    // This process alone works on an embedded store: what is in hand there was in the hand of one that died.
    if (!store.shared) await store.releaseAll(now());
    this.#poll = setInterval(() => void this.#look(), pollMs);
    void this.#look();
  }

  /** All that waits is in the store; what is in hand leaves its trace first. */
  async erase(): Promise<void> {
    await within(stopPatienceMs, Promise.all(this.#inHand), "in hand").catch(() => {});
  }

  async stop(): Promise<void> {
    clearInterval(this.#poll);
    this.#handler = undefined;
    await within(stopPatienceMs, this.#finish(), "in hand").catch(() => {});
    this.#over = true;
  }

  async #finish(): Promise<void> {
    await this.#looking;
    await Promise.all(this.#inHand);
  }

  /** Takes what is due, as long as there is a hand free. One look at a time; a call meanwhile makes it look once more. */
  #look(): Promise<void> {
    this.#lookAgain = true;
    this.#looking ??= this.#takeDue().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #takeDue(): Promise<void> {
    const { store, log, leaseMs, now } = this.#options;
    try {
      while (this.#lookAgain && this.#handler && this.#inHand.size < inHandAtOnce) {
        this.#lookAgain = false;
        const taken = await store.takeJob(this.#worker, now(), leaseMs);
        if (!taken) continue;
        this.#lookAgain = true;
        const working = this.#work(taken).finally(() => {
          this.#inHand.delete(working);
          void this.#look();
        });
        this.#inHand.add(working);
      }
    } catch (err) {
      log.warn(`Could not look for mails to send, will try again: ${nameFailure(err)}`);
    }
  }

  async #work(taken: TakenJob): Promise<void> {
    const { store, log, pausesMs, leaseMs, now } = this.#options;
    const keep = () => (this.#over ? clearInterval(keeping) : void store.keepJob(taken, now() + leaseMs).catch(() => {}));
    const keeping = setInterval(keep, leaseMs / 3);
    const name = `Mail ${taken._id} (${taken.template})`;
    const tries = taken.failures + 1;
    try {
      // Stopped while it was being taken: it is due at once, for whoever is next.
      if (!this.#handler) return await this.#note(() => store.keepJob(taken, now()));
      await this.#handler(taken.job);
      await this.#note(() => store.endSent(taken, now()));
      log.info(`${name} is sent`);
    } catch (err) {
      const pauseMs = pausesMs[tries - 1];
      if (pauseMs === undefined) await this.#note(() => store.endDead(taken, describeFailure(err), now()));
      else await this.#note(() => store.retryJob(taken, describeFailure(err), now() + pauseMs));
      log.warn(
        `${name} failed at try ${tries} of ${pausesMs.length + 1}, ${pauseMs === undefined ? "is dead" : `next in ${pauseMs / 1000} s`}: ${nameFailure(err)}`,
      );
    } finally {
      clearInterval(keeping);
    }
  }

  /** G5: a second copy can leave only if this process dies before it could note what came of the first. */
  async #note(write: () => Promise<void>): Promise<void> {
    while (!this.#over) {
      try {
        return await write();
      } catch (err) {
        this.#options.log.warn(`Could not note what came of a mail, will try again: ${nameFailure(err)}`);
        await pause(Math.min(1000, this.#options.pollMs));
      }
    }
  }
}
