import { setTimeout as pause } from "node:timers/promises";
import { Unavailable } from "@confab/mixins/store/collection.ts";
import { v7 as uuid } from "uuid";
import type { Job } from "../job.ts";
import type { Mail } from "../mail.ts";
import type { Counted } from "../metrics.ts";
import type { MailStore, TakenJob } from "../store/mail.store.ts";
import { Refused } from "../transports/transport.ts";
import { describeFailure, leaseMs, nameFailure, shorten, stopPatienceMs, within, type QueueLog } from "./queue.ts";

/** This mail cannot be sent, or must not be, however often it is tried. */
export class Unsendable extends Error {
  override name = "Unsendable";
}

/** What a worker does with a job. */
export interface Sending {
  /** Throws `Unsendable` where it is not to be sent. */
  make(job: Job): Promise<Mail>;
  /** As a transport does; `lost` says that the job is another's, or nobody's. */
  send(mail: Mail, lost: AbortSignal): Promise<string>;
}

export interface WorkerOptions extends Sending {
  store: MailStore;
  log: QueueLog;
  /** One for each try after the first. */
  pausesMs: readonly number[];
  leaseMs?: number;
  /** How long it waits before it tells the store again what came of a mail. */
  noteAgainMs?: number;
  count?: (what: Counted) => void;
  now?: () => number;
}

/** A job in whose hands so many workers died is the death of workers. */
export const mostTakes = 10;

/**
 * Takes jobs out of the table and notes what came of them, however it learns which are due. A job is waiting until it
 * is sent or dead; whoever dies with one in hand leaves it waiting.
 */
export class MailWorker {
  readonly #options: Required<WorkerOptions>;
  readonly #id = uuid();
  /** By job. */
  readonly #inHand = new Map<string, Promise<unknown>>();
  readonly #stopping = new AbortController();
  /** The store may be closed: nothing is written any more, and what is still in hand is another's when its lease is over. */
  #isOver = false;

  constructor(options: WorkerOptions) {
    this.#options = { leaseMs, noteAgainMs: 1000, count: () => {}, now: Date.now, ...options };
  }

  get inHand(): number {
    return this.#inHand.size;
  }

  /** Takes whichever job is due, and works on it. False where none is. `done` is called when it has it in hand no more. */
  async takeDue(done: () => void): Promise<boolean> {
    const { store, now } = this.#options;
    const taken = await store.takeDue(this.#id, now(), this.#options.leaseMs);
    if (taken && !this.#inHand.has(taken._id)) void this.#hold(taken).then(done);
    return taken !== null;
  }

  /** Works on this job if it is due. Resolves with when to look at it next; undefined where it is over. */
  async take(jobId: string): Promise<number | undefined> {
    const { store, now } = this.#options;
    const taken = await store.takeJob(jobId, this.#id, now(), this.#options.leaseMs);
    if (taken) return this.#inHand.has(jobId) ? taken.dueAt : this.#hold(taken);
    const job = await store.jobById(jobId);
    return job?.state === "waiting" ? job.dueAt : undefined;
  }

  /** Waits a moment for what is in hand. */
  async settle(): Promise<void> {
    await within(stopPatienceMs, Promise.all(this.#inHand.values()), "in hand").catch(() => {});
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.settle();
    this.#isOver = true;
  }

  /**
   * G5: one hand for a job. Where the lease ran out while the store was away, or this process stood still, it is due to
   * this worker too; to take it again then is to keep it.
   */
  #hold(taken: TakenJob): Promise<number | undefined> {
    const held = this.#work(taken).finally(() => this.#inHand.delete(taken._id));
    this.#inHand.set(taken._id, held);
    return held;
  }

  /** Resolves with when it is due again. Never throws. */
  async #work(taken: TakenJob): Promise<number | undefined> {
    const { store, make, send, count, log, pausesMs, now, ...options } = this.#options;
    const { _id, template, address, failures } = taken;
    const name = `Mail ${_id} (${template})`;
    const lost = new AbortController();
    const keeping = this.#keep(taken, lost);
    try {
      await this.#letTell(taken);
      if (this.#stopping.signal.aborted) return await this.#release(taken, now());
      if (taken.takes! > mostTakes) throw new Unsendable(`${mostTakes} workers died with it in hand`);
      const mail = await make(taken.job);
      if (!(await this.#holds(taken))) return void log.info(`${name} was erased, or is another's`);
      const answer = await send(mail, lost.signal);
      // G5: who dies before this note leaves a job that is sent again.
      const isThere = await this.#note(() => store.endSent(taken, shorten(answer), now()));
      // Erased while the mail server had it: nothing of it comes back.
      if (isThere === false) await this.#note(() => store.dropMail(_id));
      else await this.#note(() => store.clearRefusal(address));
      count("sent");
      log.info(`${name} is sent`);
    } catch (err) {
      // Nothing is wrong with the mail: what comes of it is for whoever has it by now.
      if (lost.signal.aborted) return await this.#release(taken, now());
      if (err instanceof Unavailable) return await this.#release(taken, now() + options.noteAgainMs);
      const tries = err instanceof Unsendable ? 0 : 1;
      const isLast = err instanceof Unsendable || err instanceof Refused;
      const pauseMs = isLast ? undefined : pausesMs[failures];
      const words = describeFailure(err);
      if (pauseMs !== undefined) {
        const nextAt = now() + pauseMs;
        await this.#note(() => store.retryJob(taken, words, now(), nextAt));
        count("retried");
        log.warn(
          `${name} failed at try ${failures + 1} of ${pausesMs.length + 1}, next in ${pauseMs / 1000} s: ${nameFailure(err)}`,
        );
        return nextAt;
      }
      const isMine = await this.#note(() => store.endDead(taken, words, now(), tries));
      if (isMine && err instanceof Refused && err.isAddress) await this.#note(() => store.noteRefusal(address, words, now()));
      count("dead");
      log.warn(`${name} failed at try ${failures + 1} of ${pausesMs.length + 1}, is dead: ${nameFailure(err)}`);
    } finally {
      clearInterval(keeping);
    }
    return undefined;
  }

  /**
   * Renews the lease until it is cleared. G5: where the job was erased, or is another's, or this process stood still for
   * longer than the lease, so that it may be, the talk with the mail server ends where that is not too late.
   */
  #keep(taken: TakenJob, lost: AbortController): NodeJS.Timeout {
    const { store, now, ...options } = this.#options;
    let aliveAt = now();
    const keeping = setInterval(() => {
      if (this.#isOver) return clearInterval(keeping);
      const stoodStill = now() - aliveAt > options.leaseMs;
      aliveAt = now();
      if (stoodStill) return lost.abort();
      store.keepJob(taken, now() + options.leaseMs).then(
        (isMine) => isMine || lost.abort(),
        // The store is away, for everybody.
        () => {},
      );
    }, options.leaseMs / 3);
    return keeping;
  }

  /**
   * Whether the job is there still and this worker's. G5: asked right before the mail server is, so that a process that
   * was stopped for longer than its lease finds that another has the job; and asked again where the answer is old, as it
   * may have been stopped in between. What remains is a process stopped after its last word to the mail server.
   */
  async #holds(taken: TakenJob): Promise<boolean> {
    const { store, now, ...options } = this.#options;
    for (;;) {
      const askedAt = now();
      if (!(await store.keepJob(taken, askedAt + options.leaseMs))) return false;
      if (now() - askedAt < options.leaseMs / 2) return true;
    }
  }

  /**
   * G5: who had it before and told nothing may not be dead: a store that was away for longer than a lease kept them from
   * noting that it is sent. They do so now that it is back, before this worker asks whether the job is its own.
   */
  async #letTell({ takes }: TakenJob): Promise<void> {
    const { store, noteAgainMs } = this.#options;
    if (!store.shared || takes! <= 1) return;
    await pause(3 * noteAgainMs, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }

  async #release(taken: TakenJob, dueAt: number): Promise<number> {
    await this.#note(() => this.#options.store.releaseJob(taken, dueAt));
    return dueAt;
  }

  /** G5: a second copy can leave only if this process dies before it could note what came of the first. */
  async #note<T>(write: () => Promise<T>): Promise<T | undefined> {
    while (!this.#isOver) {
      try {
        return await write();
      } catch (err) {
        this.#options.log.warn(`Could not note what came of a mail, will try again: ${nameFailure(err)}`);
        await pause(this.#options.noteAgainMs);
      }
    }
    return undefined;
  }
}
