import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type NedbModule from "@seald-io/nedb";
// Node finds no named exports in this package.
import DbService from "moleculer-db";
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
import { DataFile, fileMode } from "./nedb.file.ts";
import { quickenIndexes, readByIndex, type OpenIndexes } from "./nedb.index.ts";

type Nedb<D> = NedbModule.default<D>;

/** Where nothing is to be kept: tests, and whoever only looks. */
export const inMemory = "memory";

/** Opens the embedded database: a file for each collection in `dataDir`, owned by this one process. */
export function openNedb(service: Service, dataDir: string): Database {
  const folder = dataDir === inMemory ? undefined : join(dataDir, service.name);
  const unlock = folder === undefined ? () => {} : lock(folder);
  const opened: { scrub(): Promise<void>; close(): Promise<void> }[] = [];
  return {
    shared: false,
    async collection<D extends Document>(schema: CollectionSchema<D>) {
      const filename = folder && join(folder, `${schema.name}.db`);
      const file = filename === undefined ? undefined : new DataFile(filename);
      file?.truncateTornLine();
      // A damaged line in the middle is words lost: rather not start than go on without them.
      const adapter = new DbService.MemoryAdapter({
        filename,
        inMemoryOnly: !filename,
        corruptAlertThreshold: 0,
        modes: { fileMode, dirMode: 0o700 },
      });
      adapter.init(service.broker, service);
      const connecting = adapter.connect();
      const db = (adapter as unknown as { db: Nedb<D> & OpenNedb<D> }).db;
      // It is made, and reads its file a moment from now.
      quickenIndexes(db);
      await connecting;
      const known = Object.keys(db.indexes).length;
      for (const { fields, unique = false, sparse = false, only } of schema.indexes) {
        if (only === "mongodb") continue;
        const fieldName = fields.length === 1 ? fields[0] : [...fields];
        await db.ensureIndexAsync({ fieldName, unique, sparse });
      }
      if (Object.keys(db.indexes).length > known) db._resetIndexes(db.getAllData());
      const collection = new NedbCollection(db, schema, file);
      opened.push(collection);
      return collection;
    },
    async scrub() {
      for (const collection of opened) await collection.scrub();
    },
    async close() {
      for (const collection of opened.splice(0)) await collection.close();
      unlock();
    },
  };
}

/** What NeDB keeps to itself, as far as we reach for it. */
interface OpenNedb<D> extends OpenIndexes<D> {
  persistence: {
    /** Writes changed documents behind the others. */
    persistNewStateAsync(documents: unknown[]): Promise<void>;
    /** Writes all documents to a new file, and puts it in the place of the old one. */
    persistCachedDatabaseAsync(): Promise<void>;
  };
  /** Does one change after another. */
  executor: { pushAsync(task: () => Promise<void>): Promise<void> };
}

/** Changes after which a file is looked at: it holds every document that was ever written to it, and is to hold those that are. */
const lookEvery = 500;

class NedbCollection<D extends Document> implements Collection<D> {
  readonly #db: Nedb<D> & OpenNedb<D>;
  readonly #schema: CollectionSchema<D>;
  readonly #file: DataFile | undefined;
  /** Whether a write failed: what NeDB has in memory is then more than what is in the file. */
  #torn = false;
  #mending: Promise<void> | undefined;
  /** Lines of the file that later ones have taken the place of. */
  #stale = 0;
  #closed = false;

  constructor(db: Nedb<D> & OpenNedb<D>, schema: CollectionSchema<D>, file: DataFile | undefined) {
    this.#db = db;
    this.#schema = schema;
    this.#file = file;
    if (file) this.#keep(db.persistence, file);
  }

  #keep(persistence: OpenNedb<D>["persistence"], file: DataFile): void {
    // G1: NeDB changes its memory first and the file right after. Once the file has refused a write (a full disk), nothing
    // more is written behind half a line, and nothing is read that is in memory alone.
    persistence.persistNewStateAsync = async (documents) => {
      if (this.#torn) throw new Error("an earlier write failed");
      if (documents.length === 0) return;
      try {
        file.append(documents.map((document) => `${JSON.stringify(document)}\n`).join(""));
      } catch (err) {
        this.#torn = true;
        throw err;
      }
    };
    // G1: what is written after the files have changed places goes to the new one.
    const writeAnew = persistence.persistCachedDatabaseAsync.bind(persistence);
    persistence.persistCachedDatabaseAsync = async () => {
      file.requireOpen();
      file.release();
      await writeAnew();
    };
  }

  /** Ends what is under way, and does no more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#mending?.catch(() => {});
    await this.#db.executor.pushAsync(async () => this.#file?.close());
  }

  async insert(document: D) {
    await this.#whole(() => this.#db.insertAsync(document as never), document);
  }

  async insertMany(documents: readonly D[], ordered: boolean): Promise<Outcome[]> {
    try {
      // One append to the file, all or nothing.
      await this.#whole(() => this.#db.insertAsync(documents as never));
      return documents.map(() => "stored");
    } catch (err) {
      conflictOrThrow(err);
    }
    // One of them is refused: find out which.
    const outcomes: Outcome[] = [];
    for (const document of documents) {
      if (ordered && outcomes.some((outcome) => outcome !== "stored")) outcomes.push("untried");
      else outcomes.push(await this.insert(document).then(() => "stored" as const, conflictOrThrow));
    }
    return outcomes;
  }

  find(filter: Filter<D>, { sort, limit }: FindOptions<D> = {}): Promise<D[]> {
    return this.#whole(async () => {
      // Not in NeDB's queue, so that nobody waits while a file is written anew: what memory holds is in the file (#keep).
      const found = readByIndex(this.#db.indexes, filter, { sort, limit });
      if (found) return found;
      let cursor = this.#db.findAsync(filter);
      if (sort) cursor = cursor.sort(sort);
      if (limit) cursor = cursor.limit(limit);
      return await cursor;
    });
  }

  async findOne(filter: Filter<D>, options: FindOptions<D> = {}): Promise<D | null> {
    const [first] = await this.find(filter, { ...options, limit: 1 });
    return first ?? null;
  }

  count(filter: Filter<D>, limit: number): Promise<number> {
    return this.#whole(async () => await this.#db.countAsync(filter).limit(limit));
  }

  async updateOne(filter: Filter<D>, update: Update<D>): Promise<D | null> {
    const options = { multi: false, returnUpdatedDocs: true } as const;
    const { affectedDocuments } = await this.#whole(() => this.#db.updateAsync(filter, update, options));
    if (affectedDocuments) this.#outdate(1);
    return affectedDocuments ?? null;
  }

  async replaceOne(filter: Filter<D> & { _id: string }, document: D) {
    const replace = () => this.#whole(() => this.#db.updateAsync(filter, document, {}), document);
    if ((await replace()).numAffected > 0) return this.#outdate(1);
    // There is none, or one that the filter does not hold for. Somebody else may insert it at the same time.
    await this.insert(document).catch((err: unknown) => {
      if (conflictOrThrow(err).index !== "_id") throw err;
      return replace();
    });
  }

  async removeMany(filter: Filter<D>): Promise<number> {
    const removed = await this.#whole(() => this.#db.removeAsync(filter, { multi: true }));
    this.#outdate(2 * removed);
    return removed;
  }

  /** Writes the file anew with what there is now. */
  async scrub(): Promise<void> {
    if (!this.#file || this.#closed) return;
    this.#stale = 0;
    await this.#whole(() => this.#db.compactDatafileAsync());
  }

  /** Writes the file anew once most of it is stale, so that it grows with what there is and not with what was. */
  #outdate(lines: number): void {
    const looks = Math.floor(this.#stale / lookEvery);
    this.#stale += lines;
    if (!this.#file || Math.floor(this.#stale / lookEvery) === looks) return;
    if (this.#stale < 2 * this.#db.getAllData().length) return;
    this.#stale = 0;
    // The old file stays where the new one cannot be written; the next look tries again.
    this.#db.compactDatafileAsync().catch(() => {});
  }

  /** Does something on a memory that is what the file is; throws Conflict or Unavailable. */
  async #whole<T>(act: () => Promise<T>, document?: D): Promise<T> {
    if (this.#closed) throw new Unavailable(new Error("the store is closed"));
    if (this.#torn) await (this.#mending ??= this.#mend().finally(() => (this.#mending = undefined)));
    const result = await act().catch((err: unknown) => this.#translate(err, document));
    if (this.#torn) throw new Unavailable(new Error("a write failed meanwhile"));
    return result;
  }

  /** Reads the file anew, without the half line at its end; fails, and is tried again, while there is no room. */
  async #mend(): Promise<void> {
    try {
      this.#file!.truncateTornLine();
      await this.#db.loadDatabaseAsync();
      this.#torn = false;
    } catch (err) {
      throw new Unavailable(err);
    }
  }

  #translate(err: unknown, document?: D): never {
    if (!isViolation(err)) throw new Unavailable(err);
    const { key } = err as { key: unknown };
    const index = this.#schema.indexes.find(({ unique, fields }) => unique && document && holdsKey(key, document, fields));
    throw new Conflict(index?.name ?? "_id");
  }
}

function conflictOrThrow(err: unknown): Conflict {
  if (err instanceof Conflict) return err;
  throw err;
}

const isViolation = (err: unknown) => (err as { errorType?: string }).errorType === "uniqueViolated";

/** NeDB tells the key, not the index: the value of one field, or an object of several. */
function holdsKey<D extends Document>(key: unknown, document: D, fields: readonly (keyof D & string)[]): boolean {
  if (fields.length === 1) return key === document[fields[0]!];
  return typeof key === "object" && key !== null && fields.every((field) => (key as Partial<D>)[field] === document[field]);
}

/** Another process has the files. */
export class FolderInUse extends Error {}

/** Two processes on the same files would each overwrite the other's words. */
function lock(folder: string): () => void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, "lock");
  const [pid, born] = existsSync(file) ? readFileSync(file, "utf8").split(" ") : [];
  const holder = Number(pid);
  if (holder > 0 && holder !== process.pid && isAlive(holder) && birthOf(holder) === born) {
    throw new FolderInUse(`${folder} is in use by process ${holder}. An embedded store has one process; for more set MONGO_URL.`);
  }
  writeFileSync(file, `${process.pid} ${birthOf(process.pid)}`);
  return () => rmSync(file, { force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (err) {
    return (err as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** When a process began, where the system tells: after a reboot its number may be somebody else's. */
function birthOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name of the program comes before, in brackets, and may hold anything.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]!;
  } catch {
    return "unknown";
  }
}
