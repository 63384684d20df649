import {
  FolderRefused,
  SqliteAdapter,
  SqliteDatabase,
  StoreRefused,
  UniqueConflict,
  WriteFailed,
  type CompactSchema,
  type SqliteCollection,
} from "@confab/sqlite";
import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Service } from "moleculer";
import {
  Conflict,
  Unavailable,
  type Collection,
  type CollectionSchema,
  type Database,
  type Document,
  type Filter,
  type FindOptions,
  type Outcome,
  type Update,
} from "./collection.ts";

export { makeFolder, StoreRefused } from "@confab/sqlite";

/** DATA_DIR for a store that keeps nothing after its process. */
export const inMemory = "memory";

/** Opens the embedded database of a service: one file in `dataDir`, which belongs to this process alone. */
export async function openSqlite(service: Service, dataDir: string, { refuseScans = false } = {}): Promise<Database> {
  const folder = dataDir === inMemory ? undefined : dataDir;
  if (folder !== undefined) refuseOldData(folder, service.name);
  const onFailure = (message?: string) =>
    message === undefined ? service.logger.info("Changes are stored again.") : service.logger.error(message);
  const database = await SqliteDatabase.open({ folder, name: service.name, refuseScans, onFailure }).catch(nameSettings);
  return {
    shared: false,
    folder,
    async collection<D extends Document>({ name, indexes, compact }: CollectionSchema<D>) {
      const adapter = new SqliteAdapter({
        database,
        collection: { name, indexes, compact: compact as CompactSchema | undefined },
      });
      adapter.init(service.broker, service);
      await adapter.connect();
      return new SqliteStoreCollection<D>(adapter.collection);
    },
    scrub: () => database.scrub().catch(translate),
    close: () => database.close(),
  };
}

class SqliteStoreCollection<D extends Document> implements Collection<D> {
  readonly #native: SqliteCollection;

  constructor(native: SqliteCollection) {
    this.#native = native;
  }

  async insert(document: D) {
    await this.#native.insert(document as never).catch(translate);
  }

  async insertMany(documents: readonly D[], ordered: boolean): Promise<Outcome[]> {
    const outcomes = await this.#native.insertMany(documents as never, ordered).catch(translate);
    return outcomes.map((outcome) => (outcome === 1 ? "stored" : outcome === 0 ? "untried" : new Conflict(outcome)));
  }

  async find(filter: Filter<D>, options?: FindOptions<D>): Promise<D[]> {
    try {
      return this.#native.find(filter, options) as unknown as D[];
    } catch (err) {
      return translate(err);
    }
  }

  async findOne(filter: Filter<D>, options: FindOptions<D> = {}): Promise<D | null> {
    const [first] = await this.find(filter, { ...options, limit: 1 });
    return first ?? null;
  }

  async count(filter: Filter<D>, limit: number): Promise<number> {
    try {
      return this.#native.count(filter, limit);
    } catch (err) {
      return translate(err);
    }
  }

  updateOne(filter: Filter<D>, update: Update<D>): Promise<D | null> {
    return this.#native.updateOne(filter, update as never).catch(translate) as Promise<D | null>;
  }

  async replaceOne(filter: Filter<D> & { _id: string }, document: D) {
    await this.#native.replaceOne(filter, document as never).catch(translate);
  }

  removeMany(filter: Filter<D>): Promise<number> {
    return this.#native.removeMany(filter).catch(translate);
  }
}

function translate(err: unknown): never {
  if (err instanceof UniqueConflict) throw new Conflict(err.index);
  // What the disk or SQLite refuses may be tried again; all else is a mistake in the request.
  if (err instanceof WriteFailed || (err as { errcode?: number }).errcode !== undefined) throw new Unavailable(err);
  throw err;
}

function nameSettings(err: unknown): never {
  if (err instanceof FolderRefused)
    throw new StoreRefused(`${err.message} The folder is set by DATA_DIR. Several processes share a MongoDB (MONGO_URL).`);
  throw err;
}

/** Before 0.1.0 each service kept a folder of files in another format. */
function refuseOldData(folder: string, name: string): void {
  const old = join(folder, name);
  if (!existsSync(old) || !readdirSync(old).some((file) => file.endsWith(".db"))) return;
  throw new StoreRefused(
    `${resolve(old)} was written by a version before 0.1.0, whose data cannot be read. Move it away, or choose another DATA_DIR.`,
  );
}
