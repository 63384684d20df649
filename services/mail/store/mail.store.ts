import { Conflict, type Collection, type Database } from "@confab/mixins/store/collection.ts";
import type { Job } from "../job.ts";
import { deadKeptMs } from "../queue/queue.ts";
import * as documents from "./documents.ts";
import type { StoredInboxMail, StoredJob } from "./documents.ts";

const keptMs = 30 * 24 * 3_600_000;

/** A job that a worker has in hand. */
export type TakenJob = StoredJob & { job: Job; worker: string };

/** What mail asks of its data. */
export class MailStore {
  /** Whether other nodes work on the same table. */
  readonly shared: boolean;
  /** Leaves nothing in the files of what was removed or replaced up to now. */
  readonly scrub: () => Promise<void>;
  readonly #jobs: Collection<StoredJob>;
  readonly #inbox: Collection<StoredInboxMail>;

  private constructor(
    { shared, scrub }: Pick<Database, "shared" | "scrub">,
    jobs: Collection<StoredJob>,
    inbox: Collection<StoredInboxMail>,
  ) {
    this.shared = shared;
    this.scrub = scrub;
    this.#jobs = jobs;
    this.#inbox = inbox;
  }

  static async open(database: Database): Promise<MailStore> {
    return new MailStore(database, await database.collection(documents.jobs), await database.collection(documents.inbox));
  }

  async addJob(job: Job, now: number): Promise<void> {
    const { id, template, messageId, acceptedAt } = job;
    const address = job.to.toLowerCase();
    await this.#jobs.insert({
      _id: id,
      state: "waiting",
      job,
      address,
      template,
      messageId,
      failures: 0,
      dueAt: now,
      acceptedAt,
    });
  }

  jobById(jobId: string): Promise<StoredJob | null> {
    return this.#jobs.findOne({ _id: jobId });
  }

  /** G5: takes a job that is due, and moves it ahead by the lease in the same write, so that no other worker gets it. */
  takeJob(worker: string, now: number, leaseMs: number): Promise<TakenJob | null> {
    return this.#jobs.updateOne(
      { state: "waiting", dueAt: { $lte: now } },
      { $set: { worker, dueAt: now + leaseMs } },
    ) as Promise<TakenJob | null>;
  }

  /** A worker that lives keeps its job, however long the mail server takes. */
  async keepJob({ _id, worker }: TakenJob, until: number): Promise<void> {
    await this.#jobs.updateOne({ _id, worker, state: "waiting" }, { $set: { dueAt: until } });
  }

  /** Whoever has it in hand: it is sent, and nothing needs its words any more. */
  async endSent({ _id }: TakenJob, now: number): Promise<void> {
    await this.#jobs.updateOne(
      { _id },
      { $set: { state: "sent", endedAt: now }, $unset: { job: true, address: true, worker: true, reason: true } },
    );
  }

  async retryJob({ _id, worker }: TakenJob, reason: string, dueAt: number): Promise<void> {
    await this.#jobs.updateOne(
      { _id, worker, state: "waiting" },
      { $set: { dueAt, reason }, $inc: { failures: 1 }, $unset: { worker: true } },
    );
  }

  async endDead({ _id, worker }: TakenJob, reason: string, now: number): Promise<void> {
    const change = { $set: { state: "dead", endedAt: now, reason }, $inc: { failures: 1 }, $unset: { worker: true } } as const;
    await this.#jobs.updateOne({ _id, worker, state: "waiting" }, change);
  }

  /** What a worker that is no more had in hand is due at once. */
  async releaseAll(now: number): Promise<void> {
    while (
      await this.#jobs.updateOne(
        { state: "waiting", worker: { $exists: true } },
        { $set: { dueAt: now }, $unset: { worker: true } },
      )
    );
  }

  /** For a queue that keeps its jobs elsewhere: what was sent, so that a second delivery of it is not sent again. */
  async noteSent({ id, template, messageId, acceptedAt }: Job, now: number): Promise<void> {
    const note: StoredJob = { _id: id, state: "sent", template, messageId, failures: 0, dueAt: now, acceptedAt, endedAt: now };
    await this.#jobs.insert(note).catch(unlessConflict);
  }

  async wasSent(jobId: string): Promise<boolean> {
    return (await this.#jobs.findOne({ _id: jobId, state: "sent" })) !== null;
  }

  /** One mail of a job, however often it is sent. */
  async keepMail(mail: StoredInboxMail): Promise<void> {
    await this.#inbox.insert(mail).catch(unlessConflict);
  }

  listMails(address: string | undefined, limit: number): Promise<StoredInboxMail[]> {
    // Ids are UUIDv7: their order is that of acceptance.
    return this.#inbox.find(address === undefined ? {} : { address }, { sort: { _id: -1 }, limit });
  }

  /** The mails that wait for an address, or could not be sent to it. */
  jobsFor(address: string): Promise<StoredJob[]> {
    return this.#jobs.find({ address });
  }

  /** Removes what waits for an address or was kept of it; a job in hand may still be sent. */
  async eraseAddress(address: string): Promise<void> {
    await this.#jobs.removeMany({ address });
    await this.#inbox.removeMany({ address });
  }

  /** The mails of an address in the inbox, from one on, the oldest first. */
  mailsAfter(address: string, mailId: string, limit: number): Promise<StoredInboxMail[]> {
    return this.#inbox.find({ address, _id: { $gt: mailId } }, { sort: { _id: 1 }, limit });
  }

  /** Removes what nobody needs any more: the words of old dead letters, and old mails and jobs. */
  async sweep(now: number): Promise<void> {
    const old = { state: "dead", endedAt: { $lte: now - deadKeptMs }, job: { $exists: true } } as const;
    while (await this.#jobs.updateOne(old, { $unset: { job: true, address: true, reason: true } }));
    for (const state of ["sent", "dead"] as const) await this.#jobs.removeMany({ state, endedAt: { $lte: now - keptMs } });
    await this.#inbox.removeMany({ at: { $lte: now - keptMs } });
  }
}

function unlessConflict(err: unknown): void {
  if (!(err instanceof Conflict)) throw err;
}
