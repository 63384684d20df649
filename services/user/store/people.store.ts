import { collection, type Collection, type Database } from "@confab/mixins/store/collection.ts";

/** A picture as it is shown. Its id is made anew with each, and not to be guessed: who has it may see it. */
export interface StoredAvatar {
  _id: string;
  userId: string;
  type: string;
  base64: string;
}

/** An archive of all that is held of a user. */
export interface StoredExport {
  _id: string;
  userId: string;
  requestedAt: number;
  /** Until when a worker has it in hand. */
  leasedUntil: number;
  readyAt?: number;
  expiresAt: number;
  parts?: number;
  bytes?: number;
  /** Whether its mail may not have been accepted yet. */
  untold?: true;
}

export interface StoredExportPart {
  /** `exportId:part`. */
  _id: string;
  exportId: string;
  base64: string;
}

export const avatars = collection<StoredAvatar>("avatars", [
  { name: "userId", fields: ["userId"], carries: "Replacing somebody's picture." },
]);
export const exports = collection<StoredExport>("exports", [
  { name: "userId", fields: ["userId"], unique: true, carries: "One archive for a user at a time." },
  { name: "expiresAt", fields: ["expiresAt"], carries: "Removing what is over." },
]);
export const exportParts = collection<StoredExportPart>("exportParts", [
  { name: "exportId", fields: ["exportId"], carries: "Removing an archive." },
]);

/** Pictures and archives. */
export class PeopleStore {
  readonly #avatars: Collection<StoredAvatar>;
  readonly #exports: Collection<StoredExport>;
  readonly #parts: Collection<StoredExportPart>;

  private constructor(avatars: Collection<StoredAvatar>, exported: Collection<StoredExport>, parts: Collection<StoredExportPart>) {
    this.#avatars = avatars;
    this.#exports = exported;
    this.#parts = parts;
  }

  static async open(database: Database): Promise<PeopleStore> {
    return new PeopleStore(
      await database.collection(avatars),
      await database.collection(exports),
      await database.collection(exportParts),
    );
  }
}
