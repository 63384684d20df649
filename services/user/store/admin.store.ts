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

  /** What somebody told of others goes, and what is told of them loses its words; that there was a report stays. Acts hold ids alone. */
  async eraseOf(userId: string): Promise<void> {
    await this.#reports.removeMany({ by: userId });
    const words = { userId, text: { $ne: "" } } as const;
    const gone = { text: "", quote: null, note: "" };
    for (const filter of [words, { userId, quote: { $ne: null } }, { userId, note: { $ne: "" } }])
      while (await this.#reports.updateOne(filter, { $set: gone }));
  }

  /** What somebody reported. */
  reportsBy(userId: string): Promise<StoredReport[]> {
    return this.#reports.find({ by: userId });
  }
}
