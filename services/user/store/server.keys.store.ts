import type { Scope } from "@confab/contracts";
import { collection, type Collection, type Database } from "@confab/mixins/store/collection.ts";

export interface StoredServerKey {
  _id: string;
  name: string;
  /** Of the secret part. */
  hash: string;
  scopes: Scope[];
  createdBy: string;
  createdAt: number;
  expiresAt?: number;
  lastUsedAt?: number;
}

export const serverKeys = collection<StoredServerKey>("serverKeys");

export class ServerKeyStore {
  readonly #keys: Collection<StoredServerKey>;

  private constructor(keys: Collection<StoredServerKey>) {
    this.#keys = keys;
  }

  static async open(database: Database): Promise<ServerKeyStore> {
    return new ServerKeyStore(await database.collection(serverKeys));
  }
}
