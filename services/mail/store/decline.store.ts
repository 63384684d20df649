import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { falseAtConflict, type Collection, type Database } from "@confab/mixins/store/collection.ts";
import * as documents from "./documents.ts";
import type { StoredDecline, StoredKey } from "./documents.ts";

const keyId = "unsubscribe";

/** What addresses declined, and the key that the links for it are signed with. */
export class DeclineStore {
  readonly #declines: Collection<StoredDecline>;
  readonly #keys: Collection<StoredKey>;
  #key: Buffer | undefined;

  private constructor(declines: Collection<StoredDecline>, keys: Collection<StoredKey>) {
    this.#declines = declines;
    this.#keys = keys;
  }

  static async open(database: Database): Promise<DeclineStore> {
    return new DeclineStore(await database.collection(documents.declines), await database.collection(documents.keys));
  }

  /** The same on every node and for good: of many that make it at once, one does, and the others take that one's. */
  async key(): Promise<Buffer> {
    return (this.#key ??= Buffer.from((await this.#findOrMakeKey()).key, "base64url"));
  }

  async #findOrMakeKey(): Promise<StoredKey> {
    for (;;) {
      const found = await this.#keys.findOne({ _id: keyId });
      if (found) return found;
      const made = { _id: keyId, key: randomBytes(32).toString("base64url"), madeAt: Date.now() };
      if (await this.#keys.insert(made).then(() => true, falseAtConflict)) return made;
      // Another node's may be on its way to the majority that we read from.
      await pause(5);
    }
  }

  async decline(kind: string, mark: string, now: number): Promise<void> {
    // Or it was declined before.
    await this.#declines.insert({ _id: idOf(kind, mark), at: now }).catch(falseAtConflict);
  }

  async isDeclined(kind: string, mark: string): Promise<boolean> {
    return (await this.#declines.findOne({ _id: idOf(kind, mark) })) !== null;
  }
}

const idOf = (kind: string, mark: string) => `${kind}:${mark}`;
