import type { Language } from "@confab/contracts";
import { mailsIndex, type Enclosed, type Mailing } from "@confab/mixins/outbox.ts";
import { collection, Conflict, type Collection, type Database } from "@confab/mixins/store/collection.ts";
import { updateIfAny } from "@confab/mixins/store/poll.ts";

/** A picture as it is shown. Its id is made anew with each, and not to be guessed: who has it may see it. */
export interface StoredAvatar {
  _id: string;
  userId: string;
  type: string;
  base64: string;
  createdAt: number;
}

/** An archive of all that is held of a user. */
export interface StoredExport extends Mailing {
  _id: string;
  userId: string;
  /** Of whoever asked for it, for its mail. */
  language?: Language;
  requestedAt: number;
  state: "preparing" | "ready";
  /** Until when a worker has it in hand. */
  leasedUntil: number;
  /** Whose hand that is, or whose parts it is made of. */
  worker?: string;
  readyAt?: number;
  expiresAt: number;
  parts?: number;
  bytes?: number;
}

export interface StoredExportPart {
  /** `exportId:worker:part`: two workers, of whom one was taken for dead, do not mix. */
  _id: string;
  exportId: string;
  worker: string;
  base64: string;
}

export const avatars = collection<StoredAvatar>("avatars", [
  { name: "userId", fields: ["userId"], carries: "Replacing somebody's picture." },
]);
export const exports = collection<StoredExport>("exports", [
  { name: "userId", fields: ["userId"], unique: true, carries: "One archive for a user at a time." },
  { name: "state", fields: ["state", "leasedUntil"], carries: "The next one to make." },
  { name: "expiresAt", fields: ["expiresAt"], carries: "Removing what is over." },
  mailsIndex,
]);
export const exportParts = collection<StoredExportPart>("exportParts", [
  { name: "exportId", fields: ["exportId"], carries: "Removing an archive." },
]);

/** An archive that a worker has in hand. */
export type TakenExport = StoredExport & { worker: string };

/** Pictures and archives. */
export class PeopleStore {
  readonly #avatars: Collection<StoredAvatar>;
  /** Where the mails of archives lie: in the archives. */
  readonly mailing: Collection<Mailing>;
  readonly #exports: Collection<StoredExport>;
  readonly #parts: Collection<StoredExportPart>;

  private constructor(
    pictures: Collection<StoredAvatar>,
    archives: Collection<StoredExport>,
    parts: Collection<StoredExportPart>,
  ) {
    this.#avatars = pictures;
    this.#exports = archives;
    this.mailing = archives;
    this.#parts = parts;
  }

  static async open(database: Database): Promise<PeopleStore> {
    return new PeopleStore(
      await database.collection(avatars),
      await database.collection(exports),
      await database.collection(exportParts),
    );
  }

  async putAvatar(avatar: StoredAvatar): Promise<void> {
    await this.#avatars.insert(avatar);
  }

  avatarById(avatarId: string): Promise<StoredAvatar | null> {
    return this.#avatars.findOne({ _id: avatarId });
  }

  async removeAvatar(avatarId: string): Promise<void> {
    await this.#avatars.removeMany({ _id: avatarId });
  }

  /** Removes a user's pictures from before that time, all but the one that is kept. */
  async removeAvatarsOf(userId: string, keptId: string | undefined, before: number): Promise<void> {
    await this.#avatars.removeMany({ userId, createdAt: { $lt: before }, ...(keptId ? { _id: { $ne: keptId } } : {}) });
  }

  exportOf(userId: string): Promise<StoredExport | null> {
    return this.#exports.findOne({ userId });
  }

  exportById(exportId: string): Promise<StoredExport | null> {
    return this.#exports.findOne({ _id: exportId });
  }

  /** Puts an archive on the list, in place of an older one; whether it is there, and not one that somebody else put there meanwhile. */
  async beginExport(begun: StoredExport, olderId: string | undefined): Promise<boolean> {
    if (olderId) await this.removeExport(olderId);
    try {
      await this.#exports.insert(begun);
      return true;
    } catch (err) {
      if (err instanceof Conflict) return false;
      throw err;
    }
  }

  /** Takes an archive that nobody has in hand, by the write that keeps others from it until the lease is over. */
  takeExport(worker: string, now: number, leaseMs: number): Promise<TakenExport | null> {
    return updateIfAny(
      this.#exports,
      { state: "preparing", leasedUntil: { $lte: now }, expiresAt: { $gt: now } },
      { $set: { worker, leasedUntil: now + leaseMs } },
    ) as Promise<TakenExport | null>;
  }

  /** Keeps it in hand until then, or lays it down for then; whether it was in this hand still. */
  async leaseExport({ _id, worker }: TakenExport, until: number): Promise<boolean> {
    const held = await this.#exports.updateOne({ _id, worker, state: "preparing" }, { $set: { leasedUntil: until } });
    return held !== null;
  }

  async putPart({ _id: exportId, worker }: TakenExport, part: number, base64: string): Promise<void> {
    await this.#parts.insert({ _id: `${exportId}:${worker}:${part}`, exportId, worker, base64 });
  }

  partOf({ _id: exportId, worker }: StoredExport, part: number): Promise<StoredExportPart | null> {
    return this.#parts.findOne({ _id: `${exportId}:${worker}:${part}` });
  }

  /** It is made of this worker's parts, and its mail is to go out, where there is one; null where it is in another hand by now. */
  async finishExport(
    { _id, worker }: TakenExport,
    made: Required<Pick<StoredExport, "readyAt" | "expiresAt" | "parts" | "bytes">>,
    mail: Enclosed | undefined,
  ): Promise<StoredExport | null> {
    const ready = await this.#exports.updateOne(
      { _id, worker, state: "preparing" },
      {
        $set: { ...made, state: "ready", ...(mail ? { mailsAt: mail.mailsAt } : {}) },
        ...(mail ? { $push: { mails: mail.mail } } : {}),
      },
    );
    if (ready) await this.#parts.removeMany({ exportId: _id, worker: { $ne: worker } });
    return ready;
  }

  /** Removes what a worker made that did not come to its end. */
  async removeParts({ _id: exportId, worker }: TakenExport): Promise<void> {
    await this.#parts.removeMany({ exportId, worker });
  }

  /** Takes the mails of a user's archive back that the mail service does not have yet. */
  async withdrawMails(userId: string): Promise<void> {
    await this.#exports.updateOne({ userId }, { $unset: { mails: true, mailsAt: true } });
  }

  /** Its parts first: what a dying process leaves is on the list still. */
  async removeExport(exportId: string): Promise<void> {
    await this.#parts.removeMany({ exportId });
    await this.#exports.removeMany({ _id: exportId });
  }

  /** For whoever erases an account: its pictures and its archive. */
  async eraseOf(userId: string): Promise<void> {
    await this.#avatars.removeMany({ userId });
    for (const { _id } of await this.#exports.find({ userId })) await this.removeExport(_id);
  }

  /** Removes archives that are over. */
  async sweep(now: number): Promise<void> {
    for (const { _id } of await this.#exports.find({ expiresAt: { $lte: now } })) await this.removeExport(_id);
  }
}
