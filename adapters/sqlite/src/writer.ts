import { type DatabaseSync } from "node:sqlite";
import { codeOf } from "./errors.ts";
import { Layout } from "./layout.ts";
import { applyUpdate } from "./matching.ts";
import { timeout } from "./open.ts";
import { inserted, type Answer, type Batch, type Inserted, type Operation } from "./operations.ts";
import { quote, type IndexSchema, type SqliteDocument, type SqlValue, type TableSchema } from "./schema.ts";
import { Connection, TableReader, type FoundRow } from "./table.ts";
import { encodeValue } from "./values.ts";

const constraintCode = 19;
/** Commits after which the length of the log is looked at. */
const measuredEvery = 16;
const uniqueFailure = /^UNIQUE constraint failed: (.*)$/;

const noteOpening = `
  CREATE TABLE IF NOT EXISTS "$opened" (n INTEGER PRIMARY KEY, times INTEGER NOT NULL) STRICT;
  INSERT INTO "$opened" VALUES (1, 1) ON CONFLICT (n) DO UPDATE SET times = times + 1;
`;

const noteScrub = `
  CREATE TABLE IF NOT EXISTS "$scrubbed" (n INTEGER PRIMARY KEY) STRICT;
  INSERT OR IGNORE INTO "$scrubbed" VALUES (1);
`;

/** A change that a unique index refuses; the statement changed nothing. */
class UniqueFailure extends Error {
  readonly columns: readonly string[];
  constructor(columns: readonly string[]) {
    super("unique index");
    this.columns = columns;
  }
}

/** Applies batches of changes, each in one transaction. It is the only writer of its file. */
export class Writer {
  readonly #connection: Connection;
  readonly #tables = new Map<string, TableReader>();
  #logPages = 0;
  #commits = 0;

  constructor(database: DatabaseSync, options: { refuseScans?: boolean }) {
    this.#connection = new Connection(database, options);
  }

  /** Stores all of the batch or nothing. A refused insert or a wrong request concerns its own operation only. */
  apply(operations: readonly Operation[]): Batch {
    const { database } = this.#connection;
    const [first] = operations;
    if (operations.length === 1 && (first!.do === "checkpoint" || first!.do === "truncateLog")) {
      return this.#checkpoint(first.do === "truncateLog" ? "TRUNCATE" : "PASSIVE");
    }
    if (operations.length === 1 && first!.do === "compact") return this.#compact(first.maxPages);
    try {
      this.#connection.prepare("BEGIN IMMEDIATE").run();
      const answers = operations.map((operation) => this.#answer(operation));
      this.#connection.prepare("COMMIT").run();
      if (++this.#commits % measuredEvery === 0) this.#logPages = this.#measureLog();
      return { answers, logPages: this.#logPages };
    } catch (err) {
      // After a full disk SQLite has rolled back already.
      if (database.isTransaction) this.#connection.prepare("ROLLBACK").run();
      return { failed: { code: codeOf(err), message: (err as Error).message }, logPages: this.#logPages };
    }
  }

  #checkpoint(mode: "PASSIVE" | "TRUNCATE"): Batch {
    try {
      // Nobody who sends waits for a reader that keeps the log from being emptied.
      this.#connection.database.exec("PRAGMA busy_timeout = 0");
      const [row] = this.#connection.all(`PRAGMA wal_checkpoint(${mode})`, []);
      const [busy, log, done] = row!.map(Number);
      this.#logPages = log! - done!;
      return { answers: [{ ok: busy === 0 && log === done }], logPages: this.#logPages };
    } catch (err) {
      return { failed: { code: codeOf(err), message: (err as Error).message }, logPages: this.#logPages };
    } finally {
      this.#connection.database.exec(`PRAGMA busy_timeout = ${timeout}`);
    }
  }

  #compact(maxPages: number): Batch {
    try {
      const isNoted = this.#connection.all(`SELECT 1 FROM sqlite_schema WHERE name = '$scrubbed'`, []).length > 0;
      const [row] = this.#connection.all("PRAGMA page_count", []);
      if (isNoted && Number(row![0]) <= maxPages) this.#connection.database.exec(`VACUUM; DROP TABLE "$scrubbed";`);
      return { answers: [{}], logPages: this.#logPages };
    } catch (err) {
      return { failed: { code: codeOf(err), message: (err as Error).message }, logPages: this.#logPages };
    }
  }

  #measureLog(): number {
    const [row] = this.#connection.all("PRAGMA wal_checkpoint(NOOP)", []);
    return Number(row![1]) - Number(row![2]);
  }

  #answer(operation: Operation): Answer {
    try {
      return { ok: this.#do(operation) };
    } catch (err) {
      if (err instanceof UniqueFailure) {
        const table = "table" in operation ? this.#table(operation.table) : undefined;
        return { conflict: table?.layout.indexOver(err.columns) ?? "_id" };
      }
      // SQLite failed: the whole transaction is in doubt.
      if (codeOf(err) !== 0) throw err;
      return { wrong: (err as Error).message };
    }
  }

  #do(operation: Operation): unknown {
    switch (operation.do) {
      case "open":
        return void this.#connection.database.exec(noteOpening);
      case "noteScrub":
        return void this.#connection.database.exec(noteScrub);
      case "define":
        return this.#define(operation.schema);
      case "insert":
        return this.#insertMany(this.#table(operation.table), operation.documents, operation.ordered);
      case "updateOne":
        return this.#update(this.#table(operation.table), operation.filter, operation.update, 1)[0] ?? null;
      case "updateMany":
        return this.#update(this.#table(operation.table), operation.filter, operation.update, Infinity).length;
      case "replaceOne":
        return this.#replace(this.#table(operation.table), operation);
      case "removeMany":
        return this.#remove(this.#table(operation.table), operation.filter, operation.limit).length;
      case "removeOne":
        return this.#remove(this.#table(operation.table), operation.filter, 1)[0]?.document ?? null;
      default:
        throw new TypeError(`${operation.do} goes alone`);
    }
  }

  #table(name: string): TableReader {
    const table = this.#tables.get(name);
    if (!table) throw new TypeError(`the collection ${name} is not defined`);
    return table;
  }

  #define(schema: TableSchema): void {
    const layout = new Layout(schema);
    const known = this.#connection.all(`PRAGMA table_info(${layout.table})`, []).map((row) => row[1] as string);
    for (const sql of layout.definition(known)) this.#connection.database.exec(sql);
    const table = new TableReader(this.#connection, layout);
    this.#tables.set(schema.name, table);
    if (layout.addedTo(known)) for (const row of table.rows({}, Infinity)) this.#store(table, row, row.document);
  }

  #insertMany(table: TableReader, documents: readonly SqliteDocument[], ordered: boolean): Inserted[] {
    const outcomes: Inserted[] = [];
    let isRefused = false;
    for (const document of documents) {
      if (isRefused && ordered) {
        outcomes.push(inserted.untried);
        continue;
      }
      try {
        this.#insert(table, document);
        outcomes.push(inserted.stored);
      } catch (err) {
        if (!(err instanceof UniqueFailure)) throw err;
        isRefused = true;
        // SQLite names any index that refuses it; `_id` comes first.
        const isKnown = table.rows({ _id: document._id }, 1).length > 0;
        outcomes.push(isKnown ? "_id" : table.layout.indexOver(err.columns));
      }
    }
    return outcomes;
  }

  #insert(table: TableReader, document: SqliteDocument): void {
    const { layout } = table;
    const { lastInsertRowid } = this.#run(layout.insertSql, layout.toRow(document));
    for (const index of layout.arrays) this.#insertElements(table, index, lastInsertRowid, document);
  }

  #insertElements({ layout }: TableReader, index: IndexSchema, n: number | bigint, document: SqliteDocument): void {
    const elements = document[index.fields[0]!];
    if (!Array.isArray(elements)) return;
    const sql = `INSERT OR IGNORE INTO ${layout.sideTable(index)} (value, n) VALUES (?, ?)`;
    for (const element of elements) {
      const value = encodeValue(element);
      if (value !== null) this.#run(sql, [value, BigInt(n)]);
    }
  }

  #removeElements({ layout }: TableReader, n: number): void {
    for (const index of layout.arrays) this.#run(`DELETE FROM ${layout.sideTable(index)} WHERE n = ?`, [BigInt(n)]);
  }

  /** Puts a document in the place of the one in that row. */
  #store(table: TableReader, { n }: FoundRow, document: SqliteDocument): void {
    const { layout } = table;
    this.#run(layout.updateSql, [...layout.toRow(document), BigInt(n)]);
    this.#removeElements(table, n);
    for (const index of layout.arrays) this.#insertElements(table, index, n, document);
  }

  #update(table: TableReader, filter: Record<string, unknown>, update: object, limit: number): SqliteDocument[] {
    return table.rows(filter, limit).map((row) => {
      const next = applyUpdate(row.document, update);
      this.#store(table, row, next);
      return next;
    });
  }

  /** Whether the document was stored. */
  #replace(table: TableReader, { filter, document }: { filter: Record<string, unknown>; document: SqliteDocument }): boolean {
    const { _id, ...conditions } = filter;
    const [known] = table.rows({ _id }, 1);
    if (!known) {
      this.#insert(table, document);
      return true;
    }
    const [row] = Object.keys(conditions).length > 0 ? table.rows(filter, 1) : [known];
    if (row) this.#store(table, row, document);
    return row !== undefined;
  }

  #remove(table: TableReader, filter: Record<string, unknown>, limit: number): FoundRow[] {
    const rows = table.rows(filter, limit);
    for (const { n } of rows) {
      this.#removeElements(table, n);
      this.#run(`DELETE FROM ${quote(table.layout.name)} WHERE n = ?`, [BigInt(n)]);
    }
    return rows;
  }

  #run(sql: string, params: readonly SqlValue[]) {
    try {
      return this.#connection.prepare(sql).run(...params);
    } catch (err) {
      if ((codeOf(err) & 0xff) !== constraintCode) throw err;
      const columns = uniqueFailure.exec((err as Error).message)?.[1];
      if (columns === undefined) throw err;
      // `table.column, table.column`; neither name contains a dot or a comma.
      throw new UniqueFailure(columns.split(", ").map((column) => column.slice(column.lastIndexOf(".") + 1)));
    }
  }
}
