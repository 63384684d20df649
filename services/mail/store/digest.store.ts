import { setTimeout as pause } from "node:timers/promises";
import { collection, Conflict, type Collection, type Database, type Document } from "@confab/mixins/store/collection.ts";
import { updateIfAny } from "@confab/mixins/store/poll.ts";
import type { Job } from "../job.ts";

/** How far messages have been looked through for whom they may concern. */
export interface StoredScan extends Document {
  /** All messages are noted that have ids up to this one, and were stored by the time that goes with it. A UUIDv7. */
  after: string;
  at: number;
  /** The same time of those that were stored long after their ids were made. */
  longAt: number;
  /** Where it began: what is older concerns nobody. */
  begun: string;
  /** Who does it, and until when that holds. */
  worker: string;
  until: number;
}

/** That somebody may have to be mailed of something. Times are milliseconds since 1970. */
export interface StoredPending extends Document {
  /** The user. */
  _id: string;
  /** When the first message was sent that is meant. */
  firstAt: number;
  /** The same of those that are urgent, where there is one. */
  urgentAt?: number;
  /** When it is looked at; whoever does moves this ahead, so that nobody else does meanwhile. */
  dueAt: number;
  /** Changes of what is said here, so that whoever looks at it finds out about those. */
  notes: number;
  /** Who looks at it. */
  worker?: string;
}
export type TakenPending = StoredPending & { worker: string };

/** A mail that is to be made, and what is told once it is. */
export interface StoredDecision {
  kind: "notification" | "digest";
  job: Job;
  /** By chat: the seq up to which they are told, of all chats. */
  told: Record<string, number>;
  at: number;
}

/** What somebody was told by mail. */
export interface StoredTold extends Document {
  /** The user. */
  _id: string;
  /** Decisions that are carried out. */
  number: number;
  /** By chat: the seq up to which they were told, as far as that is beyond what they have read. */
  told: Record<string, number>;
  digestAt?: number;
  notifiedAt?: number;
  /** What is decided, and may be done or not. */
  decided?: StoredDecision;
}
export type DecidedTold = StoredTold & { decided: StoredDecision };

const scans = collection<StoredScan>("scans");
const pending = collection<StoredPending>("pending", [
  { name: "due", fields: ["dueAt"], carries: "Who may have to be mailed now is a range." },
  { name: "worker", fields: ["worker"], sparse: true, carries: "What a killed process had taken is found at the next start." },
]);
const told = collection<StoredTold>("told");

/** When messages for somebody were sent, and the first of those that are urgent. */
export interface Noted {
  at: number;
  urgentAt?: number;
}

const peopleAtOnce = 500;
const changesAtOnce = 16;
const scanId = "messages";

/** What digests ask of the data of mail. */
export class DigestStore {
  readonly #shared: boolean;
  readonly #scans: Collection<StoredScan>;
  readonly #pending: Collection<StoredPending>;
  readonly #told: Collection<StoredTold>;

  private constructor(
    { shared }: Pick<Database, "shared">,
    collections: { scans: Collection<StoredScan>; pending: Collection<StoredPending>; told: Collection<StoredTold> },
  ) {
    this.#shared = shared;
    this.#scans = collections.scans;
    this.#pending = collections.pending;
    this.#told = collections.told;
  }

  static async open(database: Database): Promise<DigestStore> {
    return new DigestStore(database, {
      scans: await database.collection(scans),
      pending: await database.collection(pending),
      told: await database.collection(told),
    });
  }

  /** The first start of all: whoever comes later finds what it began with. */
  async beginScan(begun: string, now: number, worker: string): Promise<void> {
    const place = { after: begun, at: now, longAt: now };
    await this.#scans.insert({ _id: scanId, ...place, begun, worker, until: 0 }).catch(unlessConflict);
  }

  /** The scan as it stands, for whoever may go on with it until then: null while another node does. */
  async claimScan(worker: string, now: number, until: number): Promise<StoredScan | null> {
    const claim = { $set: { worker, until } };
    const mine = await this.#scans.updateOne({ _id: scanId, worker }, claim);
    // An embedded store has one process: who else claims it is dead.
    return mine ?? this.#scans.updateOne({ _id: scanId, ...(this.#shared ? { until: { $lte: now } } : {}) }, claim);
  }

  /** Puts the scan forward. False where another node goes on with it. */
  async advanceScan({ worker, after, at }: StoredScan, to: Pick<StoredScan, "after" | "at" | "longAt">, until: number) {
    return (await this.#scans.updateOne({ _id: scanId, worker, after, at }, { $set: { ...to, until } })) !== null;
  }

  async leaveScan(worker: string): Promise<void> {
    await this.#scans.updateOne({ _id: scanId, worker }, { $set: { until: 0 } });
  }

  /** Notes that these may have to be mailed, and is to look at them so long after what was noted first. Again is as once. */
  async note(people: ReadonlyMap<string, Noted>, lookAfterMs: number): Promise<void> {
    const all = [...people];
    for (let from = 0; from < all.length; from += peopleAtOnce) {
      const lot = all.slice(from, from + peopleAtOnce);
      const known = new Map(
        (await this.#pending.find({ _id: { $in: lot.map(([userId]) => userId) } })).map((one) => [one._id, one]),
      );
      const fresh = lot.filter(([userId]) => !known.has(userId)).map(([userId, noted]) => newPending(userId, noted, lookAfterMs));
      const outcomes = fresh.length > 0 ? await this.#pending.insertMany(fresh, false) : [];
      const taken = new Set(fresh.filter((_, at) => outcomes[at] !== "stored").map(({ _id }) => _id));
      const again = lot.filter(([userId]) => known.has(userId) || taken.has(userId));
      const work = async () => {
        for (let next = again.pop(); next; next = again.pop()) await this.#noteAgain(...next, lookAfterMs, known.get(next[0]));
      };
      await Promise.all(Array.from({ length: changesAtOnce }, work));
    }
  }

  async #noteAgain(userId: string, noted: Noted, lookAfterMs: number, known: StoredPending | undefined): Promise<void> {
    for (let now = known ?? null; ; now = await this.#pending.findOne({ _id: userId })) {
      if (!now) {
        const first = newPending(userId, noted, lookAfterMs);
        if (await this.#pending.insert(first).then(() => true, falseAtConflict)) return;
      } else {
        const change = changeBy(now, noted, lookAfterMs);
        if (!change) return;
        if (await this.#pending.updateOne({ _id: userId, notes: now.notes }, { $set: change, $inc: { notes: 1 } })) return;
      }
      // What refused this may be on its way to the majority that we read from.
      await pause(5);
    }
  }

  /** Of an embedded store: who had somebody in hand is dead. */
  async releaseAll(now: number): Promise<void> {
    if (this.#shared) return;
    while (await this.#pending.updateOne({ worker: { $exists: true } }, { $set: { dueAt: now }, $unset: { worker: true } }));
  }

  /** Somebody who is to be looked at, for whoever does until then. */
  takePending(worker: string, now: number, until: number): Promise<TakenPending | null> {
    const taking = { $set: { worker, dueAt: until } };
    return updateIfAny(this.#pending, { dueAt: { $lte: now } }, taking) as Promise<TakenPending | null>;
  }

  /** There is nothing to be mailed. False where something was noted since it was taken. */
  async dropPending({ _id, worker, notes }: TakenPending): Promise<boolean> {
    return (await this.#pending.removeMany({ _id, worker, notes })) > 0;
  }

  /** To be looked at then. False where something was noted since it was taken. */
  async putOff({ _id, worker, notes }: TakenPending, dueAt: number, isUrgent: boolean): Promise<boolean> {
    const done: { worker: true; urgentAt?: true } = isUrgent ? { worker: true } : { worker: true, urgentAt: true };
    return (await this.#pending.updateOne({ _id, worker, notes }, { $set: { dueAt }, $unset: done })) !== null;
  }

  /** To be looked at then, whatever was noted. */
  async release({ _id, worker }: TakenPending, dueAt: number): Promise<void> {
    await this.#pending.updateOne({ _id, worker }, { $set: { dueAt }, $unset: { worker: true } });
  }

  pendingOf(userId: string): Promise<StoredPending | null> {
    return this.#pending.findOne({ _id: userId });
  }

  toldOf(userId: string): Promise<StoredTold | null> {
    return this.#told.findOne({ _id: userId });
  }

  /** The one decision that follows these. Null where another was made meanwhile. */
  async decide(before: StoredTold, decided: StoredDecision): Promise<DecidedTold | null> {
    const { _id, number } = before;
    if (number > 0) {
      const open = { _id, number, decided: { $exists: false } } as const;
      return this.#told.updateOne(open, { $set: { decided } }) as Promise<DecidedTold | null>;
    }
    const first = { ...before, decided };
    return (await this.#told.insert(first).then(() => true, falseAtConflict)) ? first : null;
  }

  /** What was decided is done: it is told. False where that is known already, or all of it was erased. */
  async carriedOut({ _id, number, decided: { kind, told, at } }: DecidedTold): Promise<boolean> {
    const next = { told, number: number + 1, ...(kind === "digest" ? { digestAt: at } : { notifiedAt: at }) };
    return (await this.#told.updateOne({ _id, number }, { $set: next, $unset: { decided: true } })) !== null;
  }

  async eraseUser(userId: string): Promise<void> {
    await this.#pending.removeMany({ _id: userId });
    await this.#told.removeMany({ _id: userId });
  }
}

const newPending = (userId: string, { at, urgentAt }: Noted, lookAfterMs: number): StoredPending => ({
  ...{ _id: userId, firstAt: at, ...(urgentAt === undefined ? {} : { urgentAt }) },
  ...{ dueAt: Math.min(at, urgentAt ?? at) + lookAfterMs, notes: 1 },
});

/**
 * What is to be changed of what is noted already: nothing where it says so. One that somebody looks at just now is
 * changed in any case, since they may have looked before this was there to be seen.
 */
function changeBy(now: StoredPending, { at, urgentAt }: Noted, lookAfterMs: number): Partial<StoredPending> | undefined {
  const isEarlier = at < now.firstAt;
  const isUrgent = urgentAt !== undefined && (now.urgentAt === undefined || urgentAt < now.urgentAt);
  if (!isEarlier && !isUrgent && now.worker === undefined) return undefined;
  return {
    firstAt: Math.min(at, now.firstAt),
    ...(isUrgent ? { urgentAt } : {}),
    // Until then it is in somebody's hands, who finds that something was noted.
    ...(now.worker === undefined && isUrgent ? { dueAt: Math.min(now.dueAt, urgentAt + lookAfterMs) } : {}),
  };
}

function unlessConflict(err: unknown): void {
  if (!(err instanceof Conflict)) throw err;
}

function falseAtConflict(err: unknown): false {
  unlessConflict(err);
  return false;
}
