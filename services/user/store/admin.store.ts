import { collection, Conflict, type Collection, type Database, type Filter } from "@confab/mixins/store/collection.ts";
import type { Report } from "@confab/contracts";

export interface StoredAct {
  /** A UUIDv7, so that they are in the order of time. */
  _id: string;
  at: number;
  by: string;
  action: string;
  target: string | null;
  address: string;
  /** As JSON text. */
  details: string;
}

export interface StoredReport extends Omit<Report, "id" | "createdAt" | "closedAt"> {
  _id: string;
  /** Who reports what, as long as it is open. */
  openKey?: string;
  createdAt: number;
  closedAt: number | null;
}

export const acts = collection<StoredAct>("acts", [
  { name: "by", fields: ["by", "_id"], carries: "What somebody did." },
  { name: "target", fields: ["target", "_id"], carries: "What was done to somebody or something." },
]);

export const reports = collection<StoredReport>("reports", [
  { name: "state", fields: ["state", "_id"], carries: "Open reports, the latest first." },
  { name: "openKey", fields: ["openKey"], unique: true, sparse: true, carries: "The same report is made once." },
  { name: "userId", fields: ["userId"], carries: "Erasing what is told of somebody." },
  { name: "by", fields: ["by"], carries: "Erasing what somebody told." },
]);

/** The audit log, and reports. */
export class AdminStore {
  readonly #acts: Collection<StoredAct>;
  readonly #reports: Collection<StoredReport>;

  private constructor(acts: Collection<StoredAct>, reports: Collection<StoredReport>) {
    this.#acts = acts;
    this.#reports = reports;
  }

  static async open(database: Database): Promise<AdminStore> {
    return new AdminStore(await database.collection(acts), await database.collection(reports));
  }

  async noteAct(act: StoredAct): Promise<void> {
    await this.#acts.insert(act);
  }

  /** Acts, the latest first, from one on. */
  actsBefore(filter: Pick<Filter<StoredAct>, "by" | "target">, limit: number, before?: string): Promise<StoredAct[]> {
    return this.#acts.find({ ...filter, ...(before ? { _id: { $lt: before } } : {}) }, { sort: { _id: -1 }, limit });
  }

  /** The open report of this key: this one, or the one that was there before. */
  async addReport(report: StoredReport & { openKey: string }): Promise<StoredReport> {
    try {
      await this.#reports.insert(report);
      return report;
    } catch (err) {
      if (!(err instanceof Conflict)) throw err;
      // A write, as a read does not show yet what the other's majority has not confirmed.
      const { openKey } = report;
      const known = await this.#reports.updateOne({ openKey }, { $set: { openKey } });
      // Closed just now: then this is a new one.
      return known ?? this.addReport(report);
    }
  }

  /** Reports, the latest first, from one on. */
  reportsBefore(filter: Pick<Filter<StoredReport>, "state">, limit: number, before?: string): Promise<StoredReport[]> {
    return this.#reports.find({ ...filter, ...(before ? { _id: { $lt: before } } : {}) }, { sort: { _id: -1 }, limit });
  }

  reportById(reportId: string): Promise<StoredReport | null> {
    return this.#reports.findOne({ _id: reportId });
  }

  changeReport(
    reportId: string,
    change: Pick<StoredReport, "state" | "closedAt" | "closedBy"> & Partial<Pick<StoredReport, "note">>,
  ): Promise<StoredReport | null> {
    // One that was closed, and is opened again, does not keep its reporter from making another.
    const gone = change.state === "open" ? {} : { $unset: { openKey: true } as const };
    return this.#reports.updateOne({ _id: reportId }, { $set: change, ...gone });
  }

  /** What somebody told of others goes, and what is told of them loses its words; that there was a report stays. */
  async eraseOf(userId: string): Promise<void> {
    await this.#reports.removeMany({ by: userId });
    const words = { userId, text: { $ne: "" } } as const;
    const gone = { text: "", quote: null, note: "" };
    for (const filter of [words, { userId, quote: { $ne: null } }, { userId, note: { $ne: "" } }])
      while (await this.#reports.updateOne(filter, { $set: gone }));
    for (const filter of [{ by: userId }, { target: userId }]) await this.#eraseWords(filter);
  }

  /** Acts outlive whoever did them or had them done: what, when, and ids. What was written about it goes, and from where it came. */
  async #eraseWords(filter: Pick<Filter<StoredAct>, "by" | "target">): Promise<void> {
    for (let found = await this.actsBefore(filter, actsAtOnce); found.length > 0;) {
      for (const { _id, details } of found) {
        const gone = { details: withoutWords(details), ...(filter.by === undefined ? {} : { address: "" }) };
        await this.#acts.updateOne({ _id }, { $set: gone });
      }
      found = await this.actsBefore(filter, actsAtOnce, found.at(-1)!._id);
    }
  }

  /** What somebody reported. */
  reportsBy(userId: string): Promise<StoredReport[]> {
    return this.#reports.find({ by: userId });
  }
}

const actsAtOnce = 200;
/** What says nothing of anybody: ids, times, and words of our own such as a role or a state. */
const isPlain = (value: unknown) => typeof value !== "string" || /^([0-9a-f-]{36}|[\d:.TZ+-]+)$/.test(value);
const ownWords = new Set(["role", "state"]);

/** The details of an act without what anybody wrote. */
function withoutWords(details: string): string {
  const all = Object.entries(JSON.parse(details) as Record<string, unknown>);
  return JSON.stringify(Object.fromEntries(all.filter(([name, value]) => ownWords.has(name) || isPlain(value))));
}
