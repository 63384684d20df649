import { falseAtConflict, type Collection, type Database, type Filter, type Update } from "@confab/mixins/store/collection.ts";
import { updateIfAny } from "@confab/mixins/store/poll.ts";
import type { Job } from "../job.ts";
import { deadKeptMs } from "../queue/queue.ts";
import * as documents from "./documents.ts";
import type { StoredAddress, StoredInboxMail, StoredJob } from "./documents.ts";

const dayMs = 24 * 3_600_000;
const keptMs = 30 * dayMs;
/** A refusal is of an address as it was: mailboxes come back, and nothing is kept for ever of whoever was written to once. */
export const refusalKeptDays = 90;
const sweptTogether = 1000;
/** Out of the way of what is due: embedded, that is looked for each second among all that has a time. */
const awayMs = 100 * 365 * 24 * 3_600_000;

/** A job that a worker has in hand. */
export type TakenJob = StoredJob & { job: Job; worker: string };

/** What mail asks of its data. */
export class MailStore {
  /** Whether other nodes work on the same table. */
  readonly shared: boolean;
  /** Leaves nothing in the files of what was removed or replaced up to now. */
  readonly scrub: () => Promise<void>;
  readonly #jobs: Collection<StoredJob>;
  readonly #addresses: Collection<StoredAddress>;
  readonly #inbox: Collection<StoredInboxMail>;

  private constructor(
    { shared, scrub }: Pick<Database, "shared" | "scrub">,
    jobs: Collection<StoredJob>,
    addresses: Collection<StoredAddress>,
    inbox: Collection<StoredInboxMail>,
  ) {
    this.shared = shared;
    this.scrub = scrub;
    this.#jobs = jobs;
    this.#addresses = addresses;
    this.#inbox = inbox;
  }

  static async open(database: Database): Promise<MailStore> {
    return new MailStore(
      database,
      await database.collection(documents.jobs),
      await database.collection(documents.addresses),
      await database.collection(documents.inbox),
    );
  }

  /** G5: a job that is added twice is one mail. False where it is known already. */
  addJob(job: Job, dueAt: number): Promise<boolean> {
    return this.#jobs.insert(newJob(job, dueAt)).then(() => true, falseAtConflict);
  }

  jobById(jobId: string): Promise<StoredJob | null> {
    return this.#jobs.findOne({ _id: jobId });
  }

  /** Takes a job that is due, whichever. */
  takeDue(worker: string, now: number, leaseMs: number): Promise<TakenJob | null> {
    return updateIfAny(this.#jobs, ...taking({}, worker, now, leaseMs)) as Promise<TakenJob | null>;
  }

  /** Takes this job; null where it is not due, which it is not either while another worker has it. */
  takeJob(jobId: string, worker: string, now: number, leaseMs: number): Promise<TakenJob | null> {
    return this.#jobs.updateOne(...taking({ _id: jobId }, worker, now, leaseMs)) as Promise<TakenJob | null>;
  }

  /** A worker that lives keeps its job, however long the mail server takes. False where it is that worker's no more. */
  async keepJob({ _id, worker }: TakenJob, until: number): Promise<boolean> {
    return (await this.#jobs.updateOne({ _id, worker, state: "waiting" }, { $set: { dueAt: until } })) !== null;
  }

  /** Given back untried, as it was: of those who had it before and told nothing, that tells nothing either. */
  async releaseJob({ _id, worker, takes = 1 }: TakenJob, dueAt: number): Promise<void> {
    const mine = { _id, worker, state: "waiting" } as const;
    if (takes <= 1) await this.#jobs.updateOne(mine, { $set: { dueAt }, $unset: { worker: true, takes: true } });
    else await this.#jobs.updateOne(mine, { $set: { dueAt, takes: takes - 1 }, $unset: { worker: true } });
  }

  /** Whoever has it in hand: it is sent, and nothing needs its words any more. False where the job was erased meanwhile. */
  async endSent({ _id }: TakenJob, answer: string, now: number): Promise<boolean> {
    const ended = await this.#jobs.updateOne(
      { _id, state: { $ne: "sent" } },
      {
        $set: { state: "sent", endedAt: now },
        $unset: { job: true, worker: true, takes: true, reason: true, dueAt: true, replayedAt: true },
        $push: { history: { at: now, what: "sent", answer } },
      },
    );
    return ended !== null || (await this.jobById(_id)) !== null;
  }

  async retryJob({ _id, worker }: TakenJob, answer: string, now: number, nextAt: number): Promise<void> {
    await this.#jobs.updateOne(
      { _id, worker, state: "waiting" },
      {
        $set: { dueAt: nextAt, reason: answer },
        $inc: { failures: 1 },
        $unset: { worker: true, takes: true },
        $push: { history: { at: now, what: "refused", answer, nextAt } },
      },
    );
  }

  /** `tries`: how many failed since it was taken. False where the job is that worker's no more. */
  async endDead({ _id, worker }: TakenJob, reason: string, now: number, tries: 0 | 1): Promise<boolean> {
    return (await this.#jobs.updateOne({ _id, worker, state: "waiting" }, deadly(reason, now, tries))) !== null;
  }

  /** For one that nobody could take; while somebody has it in hand it is theirs to end. */
  async endUntaken(jobId: string, reason: string, now: number): Promise<boolean> {
    const ended = await this.#jobs.updateOne({ _id: jobId, state: "waiting", dueAt: { $lte: now } }, deadly(reason, now, 0));
    return ended !== null;
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

  /** What has been due since `before` without anybody taking it, the longest first. */
  async overdue(before: number, limit: number): Promise<string[]> {
    const found = await this.#jobs.find({ state: "waiting", dueAt: { $lte: before } }, { sort: { dueAt: 1 }, limit });
    return found.map(({ _id }) => _id);
  }

  /** A mail server said that it takes nothing for this address. */
  async noteRefusal(address: string, answer: string, now: number): Promise<void> {
    const note = { refusedAt: now, answer };
    const isNew = await this.#addresses.insert({ _id: address, ...note }).then(() => true, falseAtConflict);
    if (!isNew) await this.#addresses.updateOne({ _id: address }, { $set: note });
  }

  async clearRefusal(address: string): Promise<void> {
    await this.#addresses.removeMany({ _id: address });
  }

  async isRefused(address: string): Promise<boolean> {
    return (await this.#addresses.findOne({ _id: address })) !== null;
  }

  /** One mail of a job, however often it is sent. */
  async keepMail(mail: StoredInboxMail): Promise<void> {
    await this.#inbox.insert(mail).catch(falseAtConflict);
  }

  async dropMail(mailId: string): Promise<void> {
    await this.#inbox.removeMany({ _id: mailId });
  }

  listMails(address: string | undefined, limit: number): Promise<StoredInboxMail[]> {
    // Ids are UUIDv7: their order is that of acceptance.
    return this.#inbox.find(address === undefined ? {} : { address }, { sort: { _id: -1 }, limit });
  }

  /** The mails of an address in the inbox, from one on, the oldest first. */
  mailsAfter(address: string, mailId: string, limit: number): Promise<StoredInboxMail[]> {
    return this.#inbox.find({ address, _id: { $gt: mailId } }, { sort: { _id: 1 }, limit });
  }

  /** The jobs of an address, from one on, the oldest first. */
  jobsAfter(address: string, jobId: string, limit: number): Promise<StoredJob[]> {
    return this.#jobs.find({ address, _id: { $gt: jobId } }, { sort: { _id: 1 }, limit });
  }

  /** Removes what waits for an address and what is known of it. A worker finds its job gone before it would send it. */
  async eraseAddress(address: string): Promise<void> {
    await this.#jobs.removeMany({ address });
    await this.#addresses.removeMany({ _id: address });
  }

  /** Removes the mails that tell of a user's messages, whichever address they go to. */
  async eraseUser(userId: string): Promise<void> {
    await this.#jobs.removeMany({ userId });
  }

  async eraseMails(address: string): Promise<void> {
    await this.#inbox.removeMany({ address });
  }

  /** Removes what nobody needs any more: the words of old dead letters, old mails and jobs, and old refusals. */
  async sweep(now: number): Promise<void> {
    await this.#forgetWords(now - deadKeptMs);
    for (const state of ["sent", "dead"] as const) await this.#jobs.removeMany({ state, endedAt: { $lte: now - keptMs } });
    await this.#inbox.removeMany({ at: { $lte: now - keptMs } });
    await this.#addresses.removeMany({ refusedAt: { $lte: now - refusalKeptDays * dayMs } });
  }

  /** Removes the words of dead letters that ended by then, in batches: finding one costs as much as finding many. */
  async #forgetWords(endedBy: number): Promise<void> {
    const filter = { state: "dead", endedAt: { $lte: endedBy }, job: { $exists: true } } as const;
    for (let lot = sweptTogether; lot === sweptTogether;) {
      const found = await this.#jobs.find(filter, { limit: sweptTogether });
      for (const { _id } of found) await this.#jobs.updateOne({ ...filter, _id }, { $unset: { job: true } });
      lot = found.length;
    }
  }
}

/** G5: the write that takes a job moves it ahead by the lease, so that no other worker gets it. */
const taking = (
  which: { _id?: string },
  worker: string,
  now: number,
  leaseMs: number,
): [Filter<StoredJob>, Update<StoredJob>] => [
  { ...which, state: "waiting", dueAt: { $lte: now } },
  { $set: { worker, dueAt: now + leaseMs }, $inc: { takes: 1 } },
];

function newJob(job: Job, dueAt: number): StoredJob {
  const { id, template, messageId, acceptedAt } = job;
  return {
    _id: id,
    state: "waiting",
    job,
    address: job.to.toLowerCase(),
    ...("userId" in job.data ? { userId: job.data.userId, told: toldBy(job.data) } : {}),
    template,
    messageId,
    failures: 0,
    dueAt,
    acceptedAt,
    history: [{ at: acceptedAt, what: "accepted" }],
  };
}

const toldBy = ({ chats }: { chats: { chatId: string; fromSeq: number; toSeq: number }[] }) =>
  chats.map(({ chatId, fromSeq, toSeq }) => ({ chatId, fromSeq, toSeq }));

const deadly = (reason: string, now: number, tries: number) =>
  ({
    $set: { state: "dead", dueAt: now + awayMs, endedAt: now, reason },
    $inc: { failures: tries },
    $unset: { worker: true, takes: true, replayedAt: true },
    $push: { history: { at: now, what: "dead", answer: reason } },
  }) as const;
