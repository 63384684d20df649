import type { Collection, Database, Filter } from "@confab/mixins/store/collection.ts";
import * as documents from "./documents.ts";
import type { StoredAddress, StoredJob } from "./documents.ts";

/** Which mails are looked for. */
export interface Wanted {
  /** Lower-case. */
  address?: string;
  state?: StoredJob["state"];
  template?: string;
}

/** What operators ask of the queue, over what the workers keep. */
export class OperatorStore {
  readonly #jobs: Collection<StoredJob>;
  readonly #addresses: Collection<StoredAddress>;

  private constructor(jobs: Collection<StoredJob>, addresses: Collection<StoredAddress>) {
    this.#jobs = jobs;
    this.#addresses = addresses;
  }

  static async open(database: Database): Promise<OperatorStore> {
    return new OperatorStore(await database.collection(documents.jobs), await database.collection(documents.addresses));
  }

  /** The newest first, older than `before` where it is given. */
  jobsBefore(wanted: Wanted, limit: number, before?: string): Promise<StoredJob[]> {
    const filter: Filter<StoredJob> = {
      ...wanted,
      ...(before === undefined ? {} : { _id: { $lt: before } }),
    };
    return this.#jobs.find(filter, { sort: { _id: -1 }, limit });
  }

  /** Dead ones that can be sent still, the newest first. */
  replayableBefore(wanted: Omit<Wanted, "state">, limit: number, before?: string): Promise<StoredJob[]> {
    const filter: Filter<StoredJob> = { ...wanted, state: "dead", job: { $exists: true } };
    return this.#jobs.find(before === undefined ? filter : { ...filter, _id: { $lt: before } }, { sort: { _id: -1 }, limit });
  }

  jobById(jobId: string): Promise<StoredJob | null> {
    return this.#jobs.findOne({ _id: jobId });
  }

  /** Of many that try at once one gets the job; null where it is not dead, or its words are gone. */
  replay(jobId: string, now: number): Promise<StoredJob | null> {
    return this.#jobs.updateOne(
      { _id: jobId, state: "dead", job: { $exists: true } },
      {
        $set: { state: "waiting", failures: 0, dueAt: now, replayedAt: now },
        $unset: { endedAt: true, reason: true, worker: true, takes: true },
        $push: { history: { at: now, what: "replayed" } },
      },
    );
  }

  /** Those that have waited longest, the oldest first; but for replayed ones, whose ids are older than their waiting. */
  oldestWaiting(limit: number): Promise<StoredJob[]> {
    const filter = { state: "waiting", replayedAt: { $exists: false } } as const;
    return this.#jobs.find(filter, { sort: { _id: 1 }, limit });
  }

  /** The replayed one that has waited longest since. */
  async oldestReplayed(): Promise<StoredJob | null> {
    return this.#jobs.findOne({ replayedAt: { $gte: 0 } }, { sort: { replayedAt: 1 } });
  }

  countIn(state: StoredJob["state"], limit: number): Promise<number> {
    return this.#jobs.count({ state }, limit);
  }

  addressOf(address: string): Promise<StoredAddress | null> {
    return this.#addresses.findOne({ _id: address });
  }

  async forgive(address: string): Promise<void> {
    await this.#addresses.removeMany({ _id: address });
  }
}
