import { UniqueConflict } from "./errors.ts";
import type { SqliteDatabase } from "./database.ts";
import { inserted, type Inserted } from "./operations.ts";
import type { Filter, FindOptions, SqliteDocument, Update } from "./schema.ts";
import type { TableReader } from "./table.ts";

/** Documents are removed in transactions of so many, so that other changes have their turn in between. */
const removedAtOnce = 500;

/** A collection with MongoDB's filters and updates, as far as README.md lists them. */
export class SqliteCollection {
  readonly #database: SqliteDatabase;
  readonly #reader: TableReader;

  constructor(database: SqliteDatabase, reader: TableReader) {
    this.#database = database;
    this.#reader = reader;
  }

  get #table(): string {
    return this.#reader.layout.name;
  }

  /** Reads what is committed. Throws WriteFailed where the store is closed. */
  find(filter: Filter, options?: FindOptions): SqliteDocument[] {
    this.#database.requireOpen();
    return this.#reader.find(defined(filter), options);
  }

  /** How many documents match, `limit` at most. */
  count(filter: Filter, limit?: number): number {
    this.#database.requireOpen();
    return this.#reader.count(defined(filter), limit);
  }

  /** Throws UniqueConflict where a unique index has the document already. */
  async insert(document: SqliteDocument): Promise<void> {
    const [outcome] = await this.insertMany([document], true);
    if (outcome !== inserted.stored) throw new UniqueConflict(String(outcome));
  }

  /**
   * Stores many in one transaction. `ordered`: in order, up to the first that a unique index refuses; otherwise each for
   * itself. Answers for each that it is stored (1), not tried (0), or the name of the index.
   */
  insertMany(documents: readonly SqliteDocument[], ordered: boolean): Promise<Inserted[]> {
    const operation = { do: "insert", table: this.#table, documents, ordered } as const;
    return this.#database.write(operation) as Promise<Inserted[]>;
  }

  /** Changes the first match and answers it as it is after that. */
  updateOne(filter: Filter, update: Update): Promise<SqliteDocument | null> {
    return this.#database.write({
      do: "updateOne",
      table: this.#table,
      filter: defined(filter),
      update,
    }) as Promise<SqliteDocument | null>;
  }

  /** Changes all matches in one transaction and answers how many there were. */
  updateMany(filter: Filter, update: Update): Promise<number> {
    return this.#database.write({ do: "updateMany", table: this.#table, filter: defined(filter), update }) as Promise<number>;
  }

  /** Stores the document in place of the one with its `_id`, if there is none or the rest of the filter holds for it. */
  replaceOne(filter: Filter & { _id: string }, document: SqliteDocument): Promise<boolean> {
    return this.#database.write({ do: "replaceOne", table: this.#table, filter: defined(filter), document }) as Promise<boolean>;
  }

  /** Removes the first match and answers it. */
  removeOne(filter: Filter): Promise<SqliteDocument | null> {
    const operation = { do: "removeOne", table: this.#table, filter: defined(filter) } as const;
    return this.#database.write(operation) as Promise<SqliteDocument | null>;
  }

  /** Removes all matches, in several transactions where there are many. */
  async removeMany(filter: Filter): Promise<number> {
    for (let total = 0; ;) {
      const operation = { do: "removeMany", table: this.#table, filter: defined(filter), limit: removedAtOnce } as const;
      const removed = (await this.#database.write(operation)) as number;
      total += removed;
      if (removed < removedAtOnce) return total;
    }
  }
}

/** A filter for JSON, which would drop a condition that is undefined, and so match every document. It means a missing field. */
function defined(filter: Filter): Filter {
  if (!Object.values(filter).includes(undefined)) return filter;
  return Object.fromEntries(Object.entries(filter).map(([field, condition]) => [field, condition ?? null]));
}
