/* The full-text index of one process: a file, or memory. Runs in the worker, or for a store in memory in the process itself. */
import type { DatabaseSync } from "node:sqlite";
import type { Found, Query, Said } from "../index.ts";
import { TimeBounds } from "./bounds.ts";
import { defaultLimits, Finder, type FinderLimits } from "./finder.ts";
import { defaultSizes, type Sizes } from "./layout.ts";
import { Names } from "./names.ts";
import { closeFile, isDamage, isUnusable, openFile, readMeta, removeFile, writeMeta, type Condition } from "./schema.ts";
import { Writer, type Removal } from "./writer.ts";

export interface EngineOptions {
  /** Of the file, or `:memory:`. */
  path: string;
  /** Of the log. The index of another one is of no use. */
  epoch: string;
  sizes?: Sizes;
  limits?: FinderLimits;
}

export interface Batch {
  put: readonly Said[];
  removed: readonly Removal[];
  removedChats: readonly string[];
  /** The messages were read from the log, and may be older than all that are indexed. */
  fromLog?: boolean;
  /** The id of the oldest message, down to which the index is filled now. */
  filledTo?: string;
}

export interface Written {
  /** Messages that were not as they are now. */
  changed: number;
  /** Whether words were removed that `scrub` has yet to take out of the files. */
  hasRemains: boolean;
}

/** What the process needs to know of an index that was opened. */
export interface EngineState {
  condition: Condition;
  /** The id of the message up to which the index was filled from the log, downwards; null if that is done. */
  fillFrom: string | null;
  /** A message that the log must have. */
  newest: { chatId: string; seq: number } | null;
}

/** Above every message's id. */
export const topId = "ffffffff-ffff-ffff-ffff-ffffffffffff";
const removedAtOnce = 100;
/** Bytes of a file that is written anew after words were removed: a second of work at most. In a larger one fragments may stay. */
const vacuumedUpTo = 64 * 1024 * 1024;

export class Engine {
  readonly #options: EngineOptions;
  #db!: DatabaseSync;
  #names!: Names;
  #writer!: Writer;
  #finder!: Finder;
  #condition!: Condition;
  /** Whether the WAL may hold words that were removed. */
  #hasRemains = false;

  constructor(options: EngineOptions) {
    this.#options = options;
    try {
      this.#open();
    } catch (err) {
      if (!isUnusable(err)) throw err;
      this.#replace();
    }
  }

  state(): EngineState {
    const newest = this.#db
      .prepare("select c.id as chatId, m.seq from messages m join chats c on c.number = m.chat order by m.id desc limit 1")
      .get() as EngineState["newest"] | undefined;
    const fillFrom = readMeta(this.#db).get("fillFrom") as string | null;
    return { condition: this.#condition, fillFrom, newest: newest ? { ...newest } : null };
  }

  /** All of it in one transaction. */
  write({ put, removed, removedChats, fromLog = false, filledTo }: Batch): Written {
    const changed = this.#transaction(() => {
      for (const chatId of removedChats) this.#names.removeChat(chatId);
      const { count, hasRemoved } = this.#writer.write([...put, ...removed], fromLog);
      this.#hasRemains ||= hasRemoved;
      if (filledTo !== undefined) writeMeta(this.#db, "fillFrom", filledTo);
      return count;
    });
    return { changed, hasRemains: this.#hasRemains };
  }

  /** Removes a part of the messages of removed chats; whether there may be more. */
  removeSome(): boolean {
    return this.#transaction(() => {
      const chat = this.#db.prepare("select number from chats where removed = 1 limit 1").get()?.["number"] as number | undefined;
      if (chat === undefined) return false;
      this.#hasRemains = true;
      if (this.#writer.removeSome(chat, removedAtOnce))
        this.#db.prepare("update chats set removed = 2 where number = ?").run(chat);
      return true;
    });
  }

  /** Removes a part of the messages of this chat; whether there may be more. */
  removeSomeOf(chatId: string): boolean {
    return this.#transaction(() => {
      const chat = this.#names.findChat(chatId);
      if (!chat) return false;
      this.#hasRemains = true;
      return !this.#writer.removeSome(chat.number, removedAtOnce);
    });
  }

  find(query: Query): Found {
    return this.#guarded(() => this.#finder.find(query));
  }

  endFilling(): void {
    this.#transaction(() => writeMeta(this.#db, "fillFrom", null));
  }

  /** Deletes everything. */
  reset(): void {
    try {
      this.#db.close();
    } catch {
      // A damaged file may not close.
    }
    this.#replace();
  }

  /** Leaves no word in the files that was removed before. */
  scrub(): void {
    if (!this.#hasRemains) return;
    // secure_delete does not overwrite what SQLite leaves behind when it moves rows between pages.
    if (sizeOf(this.#db) <= vacuumedUpTo) this.#db.exec("vacuum");
    this.#db.exec("pragma wal_checkpoint(truncate)");
    this.#hasRemains = false;
  }

  close(): void {
    closeFile(this.#db);
  }

  #open(): void {
    const { path, epoch, sizes = defaultSizes, limits = defaultLimits } = this.#options;
    const { db, condition } = openFile(path, epoch);
    this.#db = db;
    this.#condition = condition;
    try {
      this.#load(sizes, limits);
      if (condition === "behind" || condition === "empty") writeMeta(db, "fillFrom", topId);
    } catch (err) {
      db.close();
      throw err;
    }
  }

  #load(sizes: Sizes, limits: FinderLimits): void {
    const bounds = new TimeBounds(this.#db, sizes);
    this.#names = new Names(this.#db);
    this.#writer = new Writer(this.#db, this.#names, bounds);
    this.#finder = new Finder(this.#db, this.#names, bounds, sizes, limits);
  }

  #replace(): void {
    removeFile(this.#options.path);
    this.#open();
  }

  #transaction<T>(write: () => T): T {
    return this.#guarded(() => {
      this.#db.exec("begin immediate");
      try {
        const result = write();
        this.#db.exec("commit");
        return result;
      } catch (err) {
        // After some errors, as of a full disk, SQLite has rolled back already.
        if (this.#db.isTransaction) this.#db.exec("rollback");
        // What is cached may be of the transaction.
        this.#load(this.#options.sizes ?? defaultSizes, this.#options.limits ?? defaultLimits);
        throw err;
      }
    });
  }

  /** A damaged file is replaced by an empty one, which is filled from the log. */
  #guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (err) {
      if (isDamage(err)) this.reset();
      throw err;
    }
  }
}

function sizeOf(db: DatabaseSync): number {
  const read = (name: string) => Number(Object.values(db.prepare(`pragma ${name}`).get()!)[0]);
  return read("page_count") * read("page_size");
}
