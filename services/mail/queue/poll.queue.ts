import type { MailStore } from "../store/mail.store.ts";
import { inHandAtOnce, nameFailure, stopPatienceMs, within, type MailQueue, type QueueLog } from "./queue.ts";
import type { MailWorker } from "./worker.ts";

/** After so long without a job it looks only every third time: what this node accepts wakes it at once. */
const busyForMs = 30_000;
const idleTicks = 3;

export interface PollQueueOptions {
  store: MailStore;
  worker: MailWorker;
  log: QueueLog;
  /** How often it is looked for what is due, or was accepted by other nodes. */
  pollMs?: number;
  now?: () => number;
}

/** Looks into the table for what is due: embedded, and where the transporter is not RabbitMQ. */
export class PollQueue implements MailQueue {
  readonly #options: Required<PollQueueOptions>;
  #isRunning = false;
  #poll: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #lookAgain = false;
  #busyAt = -Infinity;
  #ticks = 0;

  constructor(options: PollQueueOptions) {
    this.#options = { pollMs: 1000, now: Date.now, ...options };
  }

  async start(): Promise<void> {
    const { store, pollMs, now } = this.#options;
    this.#isRunning = true;
    // This process alone works on an embedded store: what is in hand there was in the hand of one that died.
    if (!store.shared) await store.releaseAll(now());
    this.#poll = setInterval(() => this.#tick(), pollMs);
    void this.#look();
  }

  wake(): void {
    this.#busyAt = performance.now();
    void this.#look();
  }

  #tick(): void {
    const isIdle = performance.now() - this.#busyAt > busyForMs;
    if (!isIdle || ++this.#ticks % idleTicks === 0) void this.#look();
  }

  settle(): Promise<void> {
    return this.#options.worker.settle();
  }

  async stop(): Promise<void> {
    clearInterval(this.#poll);
    this.#isRunning = false;
    await within(stopPatienceMs, Promise.resolve(this.#looking), "silent").catch(() => {});
    await this.#options.worker.stop();
  }

  /** Takes what is due, as long as there is a hand free. One look at a time; a call meanwhile makes it look once more. */
  #look(): Promise<void> {
    this.#lookAgain = true;
    this.#looking ??= this.#takeDue().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #takeDue(): Promise<void> {
    const { worker, log } = this.#options;
    try {
      while (this.#lookAgain && this.#isRunning && worker.inHand < inHandAtOnce) {
        this.#lookAgain = false;
        if (!(await worker.takeDue(() => void this.#look()))) continue;
        this.#lookAgain = true;
        this.#busyAt = performance.now();
      }
    } catch (err) {
      log.warn(`Could not look for mails to send, will try again: ${nameFailure(err)}`);
    }
  }
}
