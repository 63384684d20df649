import type { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { explain, explainFailure, StoreRefused, UniqueConflict, WriteFailed } from "./errors.ts";
import { DataFolder } from "./folder.ts";
import { Layout } from "./layout.ts";
import type { MaintenanceTask } from "./maintenance.ts";
import { openInMemory, openReading } from "./open.ts";
import type { Answer, Batch, Operation } from "./operations.ts";
import type { TableSchema } from "./schema.ts";
import { SqliteCollection } from "./collection.ts";
import { Connection, TableReader } from "./table.ts";
import { Thread } from "./thread.ts";
import { Writer } from "./writer.ts";

export interface DatabaseOptions {
  /** The folder of the files; undefined keeps everything in memory. */
  folder?: string;
  /** The name of the file, without its ending. */
  name: string;
  /** Throws where no index serves a query. For tests. */
  refuseScans?: boolean;
  /** Called when changes begin to fail, with what the operator can do, and without it when one is stored again. */
  onFailure?: (message?: string) => void;
}

interface Waiting {
  operation: Operation;
  done: (result: unknown) => void;
  failed: (err: Error) => void;
}

/** Files that are open in this process. A second writer would wait for the first, and outlive its lists of what is clean. */
const openFiles = new Set<string>();

/** A batch has at most so many operations, so that the thread that writes answers in between. */
const maxBatch = 1000;
/** Pages in the log after which they are copied into the file, and after which the thread that writes helps. */
const logPages = { many: 2000, tooMany: 16_000 } as const;

/** A reader of another process, such as a backup, keeps the log from being emptied while it reads. */
const [scrubTries, scrubPauseMs] = [50, 200];
/** 64 MB: such a file is rewritten in two seconds, which a process has when it stops. */
const maxCompactPages = 16_384;

type Apply = (operations: readonly Operation[]) => Promise<Batch>;

/**
 * One file, or memory. Changes go to a thread of their own: what is asked for while a transaction runs shares the next one.
 * Reads go through a second connection on this thread, and see only what is committed and synced.
 */
export class SqliteDatabase {
  readonly #options: DatabaseOptions;
  readonly #folder: DataFolder | undefined;
  readonly #file: string | undefined;
  #writer: Thread | undefined;
  #maintenance: Thread | undefined;
  #reader!: Connection;
  #apply!: Apply;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  #maintaining: Promise<unknown> = Promise.resolve();
  #isCopying = false;
  #isScrubNoted = false;
  #isFailing = false;
  #isClosed = false;

  private constructor(options: DatabaseOptions) {
    this.#options = options;
    if (options.folder === undefined) return;
    this.#folder = DataFolder.claim(options.folder);
    try {
      this.#file = claimFile(this.#folder, options.name);
    } catch (err) {
      this.#folder.release();
      throw err;
    }
  }

  /** Throws StoreRefused where the files are not fit to be used. */
  static async open(options: DatabaseOptions): Promise<SqliteDatabase> {
    const database = new SqliteDatabase(options);
    try {
      await database.#start();
      return database;
    } catch (err) {
      await database.#writer?.close();
      database.#release();
      throw err;
    }
  }

  /** Makes the table and indexes of a collection where they are missing. */
  async collection(schema: TableSchema): Promise<SqliteCollection> {
    const layout = new Layout(schema);
    await this.write({ do: "define", schema });
    return new SqliteCollection(this, new TableReader(this.#reader, layout));
  }

  /** Answers when the change is on the disk. */
  write(operation: Operation): Promise<unknown> {
    if (this.#isClosed) return Promise.reject(new WriteFailed(0, "the store is closed"));
    return new Promise((done, failed) => {
      this.#waiting.push({ operation, done, failed });
      this.#running ??= this.#run();
    });
  }

  requireOpen(): void {
    if (this.#isClosed) throw new WriteFailed(0, "the store is closed");
  }

  /**
   * Empties the log, so that what was removed up to now is in no file. Fragments of a few rows that SQLite had moved between
   * pages may remain; a file of up to 64 MB is therefore rewritten at the next `close`.
   */
  async scrub(): Promise<void> {
    if (!this.#file) return;
    if (!this.#isScrubNoted) await this.write({ do: "noteScrub" });
    this.#isScrubNoted = true;
    for (let tries = 0; tries < scrubTries; tries++) {
      // The other thread copies most of it, so that writing stops for a moment only.
      await this.#maintain({ do: "checkpoint" });
      if (await this.write({ do: "truncateLog" })) return;
      await pause(scrubPauseMs);
    }
    throw new WriteFailed(0, `the log of ${this.#file} could not be emptied`);
  }

  /** Copies the file as it is at one moment to another, while this one is used. */
  async backup(to: string): Promise<void> {
    if (!this.#file) throw new TypeError("a store in memory has no backup");
    await this.#maintain({ do: "backup", to });
  }

  /** What is wrong with the file; empty where nothing is. */
  async check(): Promise<string[]> {
    if (!this.#file) return [];
    const found = (await this.#maintain({ do: "check" })) as string[];
    return found.filter((line) => line !== "ok");
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    while (this.#running) await this.#running;
    await this.#maintaining.catch(() => {});
    if (!this.#file) return this.#reader.database.close();
    await this.#maintenance?.close();
    // A full disk: the note stays, and the next close tries again.
    await this.#apply([{ do: "compact", maxPages: maxCompactPages }]).catch(() => {});
    const emptied = await this.#apply([{ do: "truncateLog" }]).catch(() => undefined);
    const [answer] = emptied?.answers ?? [];
    if (answer && "ok" in answer && answer.ok) this.#folder!.markClean(`${this.#options.name}.db`);
    this.#reader.database.close();
    await this.#writer!.close();
    this.#release();
  }

  #release(): void {
    if (this.#file) openFiles.delete(this.#file);
    this.#folder?.release();
  }

  async #start(): Promise<void> {
    const { name, refuseScans = false } = this.#options;
    if (!this.#file) {
      const memory = openInMemory();
      const writer = new Writer(memory, { refuseScans });
      this.#apply = async (operations) => copy(writer.apply(copy(operations)));
      this.#reader = new Connection(memory, { refuseScans });
      return;
    }
    const writer = new Thread("worker", { file: this.#file, refuseScans });
    this.#writer = writer;
    const started = (await writer.answer()) as string;
    if (started !== "ready") throw new StoreRefused((JSON.parse(started) as { refused: string }).refused);
    this.#apply = async (operations) => JSON.parse((await writer.ask(JSON.stringify(operations))) as string) as Batch;
    // The first commit makes the log; from then on a missing log is noticed.
    const { failed } = await this.#apply([{ do: "open" }]);
    if (failed) throw explain(this.#file, failed.code, failed.message);
    this.#folder!.markOpen(`${name}.db`);
    this.#reader = new Connection(readingOf(this.#file), { refuseScans });
  }

  async #run(): Promise<void> {
    // What is asked for in the same turn goes into one transaction.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#takeBatch();
      try {
        const { answers, failed, logPages: pages } = await this.#apply(batch.map(({ operation }) => operation));
        this.#note(failed);
        if (failed) throw new WriteFailed(failed.code, failed.message);
        batch.forEach((one, at) => settle(one, answers![at]!));
        this.#copyLog(pages);
      } catch (err) {
        for (const { failed } of batch) failed(err as Error);
      }
    }
    // In the same turn as the last look at what waits.
    this.#running = undefined;
  }

  /** Tells of the first failure, and of the first success after it. */
  #note(failed: Batch["failed"]): void {
    if (this.#isFailing === (failed !== undefined)) return;
    this.#isFailing = failed !== undefined;
    this.#options.onFailure?.(failed && explainFailure(this.#file ?? this.#options.name, failed.code, failed.message));
  }

  /** Emptying the log is no transaction, and goes alone. */
  #takeBatch(): Waiting[] {
    const alone = this.#waiting.findIndex(({ operation }) => operation.do === "checkpoint" || operation.do === "truncateLog");
    return this.#waiting.splice(0, alone === -1 ? maxBatch : Math.max(1, alone));
  }

  /** Copies the log into the file by the other thread; by the one that writes only where that does not keep up. */
  #copyLog(pages: number): void {
    if (pages < logPages.many || this.#isCopying || !this.#file || this.#isClosed) return;
    this.#isCopying = true;
    this.#maintain({ do: "checkpoint" })
      .then((left) => (pages > logPages.tooMany && Number(left) > 0 ? this.write({ do: "checkpoint" }) : undefined))
      // A full disk: the next batch tries again.
      .catch(() => {})
      .finally(() => (this.#isCopying = false));
  }

  #maintain(task: MaintenanceTask): Promise<unknown> {
    const turn = this.#maintaining
      .catch(() => {})
      .then(async () => {
        this.#maintenance ??= new Thread("maintenance", { file: this.#file });
        const answer = (await this.#maintenance.ask(task)) as { done: unknown } | { failed: string };
        if ("failed" in answer) throw new WriteFailed(0, answer.failed);
        return answer.done;
      });
    this.#maintaining = turn;
    return turn;
  }
}

/** The path of the file, which is this database's until it is closed. */
function claimFile(folder: DataFolder, name: string): string {
  if (!/^[\w.$-]+$/.test(name) || name === "owner") throw new TypeError(`${name} is not the name of a database`);
  const file = folder.prepare(`${name}.db`);
  if (openFiles.has(file))
    throw new StoreRefused(`${file} is open already in this process. Share it: give one SqliteDatabase to all adapters.`);
  openFiles.add(file);
  return file;
}

function settle({ operation, done, failed }: Waiting, answer: Answer): void {
  if ("conflict" in answer) failed(new UniqueConflict(answer.conflict));
  else if ("wrong" in answer) failed(new TypeError(`${operation.do}: ${answer.wrong}`));
  else done(answer.ok);
}

/** Between the writer and its caller everything is JSON, also where both are on one thread. */
const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

function readingOf(file: string): DatabaseSync {
  try {
    return openReading(file);
  } catch (err) {
    throw explain(file, (err as { errcode?: number }).errcode ?? 0, (err as Error).message);
  }
}
