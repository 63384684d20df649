/* Numbered forward migrations of a service's store, run under a lease while the service serves. docs/decisions/18-migrations.md */
import { setTimeout as pause } from "node:timers/promises";
import type { Service } from "moleculer";
import { v7 as uuid } from "uuid";
import { collection, falseAtConflict, Unavailable, type Collection, type Database, type Document } from "./collection.ts";

/** What a migration gets to work with. */
export interface MigrationRun {
  /** Opens the service's collections, with the schemas that the service itself opens them with. */
  readonly database: Pick<Database, "collection">;
  /** What was saved last; undefined where the migration begins. */
  readonly progress: string | undefined;
  /**
   * Records how far the migration is: after a kill, the next node continues from there. Throws where this node has to
   * stop, and pauses as long as the work since the last call took, so that requests are served meanwhile.
   */
  save(progress: string): Promise<void>;
}

/**
 * One step of a store's schema. A node may die anywhere in it, and a node that stood still for longer than its lease may
 * do its last writes beside its successor: every write must be conditional and repeatable.
 */
export interface Migration {
  /** 1, 2, 3 … without gaps. A released number never changes its meaning. */
  number: number;
  /** What it does, for the log. */
  name: string;
  /**
   * The lowest schema number whose code works on a store that this migration has begun to change. G9: at most the number
   * that version N-1 knows, since its nodes keep running.
   */
  minimumReader: number;
  /** Left out where only the code changes: it reads and writes a new form from this number on. */
  run?: (run: MigrationRun) => Promise<void>;
}

/** The schema of a store. There is one such document. */
export interface StoredSchema extends Document {
  _id: "schema";
  /** The last migration that is done. */
  number: number;
  minimumReader: number;
  /** How far the next migration is. */
  progress?: string;
  /** The node that runs it, and until when no other may. */
  worker?: string;
  until: number;
  /** Why no node may open the store now. */
  refused?: string;
}

export const schemas = collection<StoredSchema>("schema");

/** The store was migrated beyond what this version can read. */
export class SchemaRefused extends Error {
  override name = "SchemaRefused";

  constructor(message: string) {
    super(message);
    // The broker logs the stack of what prevents its start: here it would only hide the sentence.
    this.stack = message;
  }
}

export interface MigratorOptions {
  /** What is opened, for the message that refuses it: "The data of chat in /srv/data". */
  place: string;
  migrations: readonly Migration[];
  log: Pick<Service["logger"], "info" | "warn">;
  leaseMs?: number;
  /** The first pause after a migration failed; the following ones grow. */
  retryMs?: number;
}

const longestRetryMs = 60_000;
const stopPatienceMs = 1500;

/** Brings one store up to the schema that the code knows, on whichever node gets the lease. */
export class Migrator {
  readonly #database: Database;
  readonly #schemas: Collection<StoredSchema>;
  readonly #options: Required<MigratorOptions>;
  readonly #worker = uuid();
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;

  private constructor(database: Database, opened: Collection<StoredSchema>, options: MigratorOptions) {
    this.#database = database;
    this.#schemas = opened;
    this.#options = { leaseMs: 30_000, retryMs: 1000, ...options };
  }

  /** Throws SchemaRefused, before any other collection is opened, where this version cannot read the store. */
  static async open(database: Database, options: MigratorOptions): Promise<Migrator> {
    checkMigrations(options.migrations);
    const migrator = new Migrator(database, await database.collection(schemas), options);
    const { number, minimumReader, refused } = await migrator.#read();
    if (refused) throw new SchemaRefused(`${options.place} cannot be used: ${refused}`);
    const known = options.migrations.length;
    // G9: the release before this one reads what is here, and serves on; what is older must not guess.
    if (minimumReader > known)
      throw new SchemaRefused(
        `${options.place} has schema ${number}, which needs a version that knows schema ${minimumReader} or a later one; ` +
          `this version knows schema ${known}. Start a newer version, or choose another store.`,
      );
    return migrator;
  }

  /** Runs in the background what is left to do. */
  start(): void {
    this.#running ??= this.#runAll();
  }

  /** Resolves once the store has the schema that the code knows, or this node stops. */
  async done(): Promise<void> {
    await this.#running;
  }

  /** Ends the migration at its next save; another node continues from there. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.race([this.#running, pause(stopPatienceMs, undefined, { ref: false })]);
  }

  async #read(): Promise<StoredSchema> {
    const found = await this.#schemas.findOne({ _id: "schema" });
    if (found) return found;
    const first: StoredSchema = { _id: "schema", number: 0, minimumReader: 0, until: 0 };
    if (await this.#schemas.insert(first).then(() => true, falseAtConflict)) return first;
    // A write: a read may not show yet what another node has just inserted.
    const other = await this.#schemas.updateOne({ _id: "schema" }, { $inc: { number: 0 } });
    if (!other) throw new Unavailable(new Error("the schema of the store was removed"));
    return other;
  }

  async #runAll(): Promise<void> {
    const { migrations, leaseMs, retryMs, log } = this.#options;
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted;) {
      let waitMs = leaseMs / 2;
      try {
        const { number } = await this.#read();
        if (number >= migrations.length) return;
        const claimed = await this.#claim(number);
        if (claimed) {
          await this.#runClaimed(claimed);
          failures = 0;
          continue;
        }
      } catch (err) {
        if (signal.aborted) return;
        waitMs = Math.min(retryMs * 2 ** failures++, longestRetryMs);
        log.warn(`A migration did not come to its end, trying again in ${waitMs / 1000} s: ${(err as Error).message}`);
      }
      await pause(waitMs, undefined, { ref: false, signal }).catch(() => {});
    }
  }

  /** Takes the lease. Null where another node holds it, or the schema has moved on. */
  #claim(number: number): Promise<StoredSchema | null> {
    const now = Date.now();
    // An embedded store has one process, so another holder of the lease is dead.
    const isFree = this.#database.shared ? { until: { $lte: now } } : {};
    const lease = { worker: this.#worker, until: now + this.#options.leaseMs };
    return this.#schemas.updateOne({ _id: "schema", number, ...isFree }, { $set: lease });
  }

  /** Runs the next migration and gives the lease back. */
  async #runClaimed(schema: StoredSchema): Promise<void> {
    const { migrations, log } = this.#options;
    const { number, name, minimumReader, run } = migrations[schema.number]!;
    const lost = new AbortController();
    const renewing = this.#renew(lost);
    const mine = { _id: "schema", worker: this.#worker, number: number - 1 } as const;
    const update = async (change: Partial<StoredSchema>, unset?: { progress: true }) => {
      this.#stopping.signal.throwIfAborted();
      lost.signal.throwIfAborted();
      const isMine = await this.#schemas.updateOne(mine, { $set: change, ...(unset ? { $unset: unset } : {}) });
      if (!isMine) throw new Error("another node has the lease");
    };
    try {
      // Before the first document changes, so that a version that cannot read it does not start.
      await update({ minimumReader: Math.max(schema.minimumReader, minimumReader) });
      log.info(`Migration ${number} (${name}) ${schema.progress === undefined ? "begins" : "continues"}`);
      let workedFrom = performance.now();
      const save = async (progress: string) => {
        await update({ progress });
        await pause(Math.min(performance.now() - workedFrom, 1000), undefined, { signal: this.#stopping.signal });
        workedFrom = performance.now();
      };
      await run?.({ database: this.#database, progress: schema.progress, save });
      await update({ number }, { progress: true });
      log.info(`Migration ${number} (${name}) is done`);
    } finally {
      clearInterval(renewing);
      await this.#release();
    }
  }

  #renew(lost: AbortController): NodeJS.Timeout {
    const { leaseMs } = this.#options;
    let until = Date.now() + leaseMs;
    const lose = () => lost.abort(new Error("the lease is over"));
    const renewing = setInterval(() => {
      // This process stood still, or the store was away: another node may have the lease by now.
      if (Date.now() > until) return lose();
      const next = Date.now() + leaseMs;
      this.#schemas.updateOne({ _id: "schema", worker: this.#worker }, { $set: { until: next } }).then(
        (isMine) => (isMine ? (until = next) : lose()),
        () => {},
      );
    }, leaseMs / 3);
    return renewing.unref();
  }

  async #release(): Promise<void> {
    const mine = { _id: "schema", worker: this.#worker } as const;
    // What cannot be given back runs out.
    await this.#schemas.updateOne(mine, { $set: { until: 0 }, $unset: { worker: true } }).catch(() => {});
  }
}

const batch = 50;

/**
 * Goes through a collection by `_id`, in batches that are saved: the body of most migrations. `change` is called for each
 * document, also again after a kill, and must write only where the document still has the old form.
 */
export async function changeEach<D extends Document>(
  { progress, save }: Pick<MigrationRun, "progress" | "save">,
  documents: Collection<D>,
  change: (document: D) => Promise<unknown>,
): Promise<void> {
  for (let after = progress ?? ""; ;) {
    const found = await documents.find({ _id: { $gt: after } } as never, { sort: { _id: 1 } as never, limit: batch });
    for (const document of found) await change(document);
    if (found.length < batch) return;
    after = found.at(-1)!._id;
    await save(after);
  }
}

/** A mistake in a list of migrations is found by its first start. */
function checkMigrations(migrations: readonly Migration[]): void {
  let least = 0;
  for (const [at, { number, name, minimumReader }] of migrations.entries()) {
    if (number !== at + 1) throw new Error(`Migration ${number} (${name}) must have the number ${at + 1}`);
    if (minimumReader < least || minimumReader > number)
      throw new Error(`The minimumReader of migration ${number} (${name}) must be from ${least} to ${number}`);
    least = minimumReader;
  }
}
