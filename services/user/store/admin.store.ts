import { collection, type Collection, type Database } from "@confab/mixins/store/collection.ts";
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
  createdAt: number;
  closedAt: number | null;
}

export const acts = collection<StoredAct>("acts", [
  { name: "by", fields: ["by", "_id"], carries: "What somebody did." },
  { name: "target", fields: ["target", "_id"], carries: "What was done to somebody or something." },
]);

export const reports = collection<StoredReport>("reports", [
  { name: "state", fields: ["state", "_id"], carries: "Open reports, the latest first." },
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

  /** What somebody reported. */
  reportsBy(userId: string): Promise<StoredReport[]> {
    return this.#reports.find({ by: userId });
  }
}
