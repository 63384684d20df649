import type { Scope } from "@confab/contracts";
import { collection, Conflict, type Collection, type Database } from "@confab/mixins/store/collection.ts";

/** Enough for a host's services and their rotation. */
export const maxServerKeys = 50;

export interface StoredServerKey {
  _id: string;
  /** Which of the places it has that there are for keys. */
  slot: number;
  name: string;
  /** Of the secret part. */
  hash: string;
  scopes: Scope[];
  createdBy: string;
  createdAt: number;
  expiresAt?: number;
  /** To the minute. */
  lastUsedAt?: number;
}

export const serverKeys = collection<StoredServerKey>("serverKeys", [
  { name: "expiresAt", fields: ["expiresAt"], sparse: true, carries: "Removing what has expired." },
  { name: "slot", fields: ["slot"], unique: true, carries: "How many keys there are, also when many are made at once." },
]);

export class ServerKeyStore {
  readonly #keys: Collection<StoredServerKey>;

  private constructor(keys: Collection<StoredServerKey>) {
    this.#keys = keys;
  }

  static async open(database: Database): Promise<ServerKeyStore> {
    return new ServerKeyStore(await database.collection(serverKeys));
  }

  /** Stores a key where there is room for it, and says whether there was. Those that have expired make room. */
  async add(key: Omit<StoredServerKey, "slot">, now: number): Promise<boolean> {
    await this.#keys.removeMany({ expiresAt: { $lte: now } });
    const taken = new Set((await this.#keys.find({})).map(({ slot }) => slot));
    for (let slot = 0; slot < maxServerKeys; slot++) {
      if (!taken.has(slot) && (await this.#put({ ...key, slot }))) return true;
    }
    return false;
  }

  async #put(key: StoredServerKey): Promise<boolean> {
    try {
      await this.#keys.insert(key);
      return true;
    } catch (err) {
      if (err instanceof Conflict) return false;
      throw err;
    }
  }

  byId(keyId: string): Promise<StoredServerKey | null> {
    return this.#keys.findOne({ _id: keyId });
  }

  /** Those that have not expired, the latest first. */
  async good(now: number): Promise<StoredServerKey[]> {
    const found = await this.#keys.find({});
    return found.filter((key) => isGood(key, now)).sort((a, b) => b.createdAt - a.createdAt || (a._id < b._id ? 1 : -1));
  }

  async noteUse(keyId: string, now: number): Promise<void> {
    await this.#keys.updateOne({ _id: keyId }, { $set: { lastUsedAt: now } });
  }

  /** Whether there was one. */
  async remove(keyId: string): Promise<boolean> {
    return (await this.#keys.removeMany({ _id: keyId })) === 1;
  }
}

export const isGood = ({ expiresAt }: Pick<StoredServerKey, "expiresAt">, now: number) =>
  expiresAt === undefined || expiresAt > now;
