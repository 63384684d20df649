import { type DatabaseSync, type StatementSync } from "node:sqlite";
import type { Layout, Row } from "./layout.ts";
import { compareValues, matches, valueOf } from "./matching.ts";
import { quote, type Filter, type FindOptions, type SqliteDocument, type SqlValue } from "./schema.ts";
import { select } from "./selection.ts";

const cachedStatements = 300;

/** A query that would read a whole table. Only thrown where scans are refused, which is in tests. */
export class ScanRefused extends Error {}

/** A connection with its prepared statements. Preparing costs as much as reading a row. */
export class Connection {
  readonly database: DatabaseSync;
  readonly #refuseScans: boolean;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync, { refuseScans = false }: { refuseScans?: boolean } = {}) {
    this.database = database;
    this.#refuseScans = refuseScans;
  }

  /** The statement for this SQL; it answers rows as arrays. */
  prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) {
      // The least recently used statement is first.
      this.#statements.delete(sql);
      this.#statements.set(sql, known);
      return known;
    }
    const statement = this.database.prepare(sql);
    statement.setReturnArrays(true);
    this.#statements.set(sql, statement);
    if (this.#statements.size > cachedStatements) this.#statements.delete(this.#statements.keys().next().value!);
    return statement;
  }

  all(sql: string, params: readonly SqlValue[]): Row[] {
    return this.prepare(sql).all(...params) as unknown as Row[];
  }

  /** Throws where the query, which has a filter, scans a table or sorts by itself. */
  checkPlan(sql: string, params: readonly SqlValue[]): void {
    if (!this.#refuseScans || this.#statements.has(sql)) return;
    const plan = this.all(`EXPLAIN QUERY PLAN ${sql}`, params).map((row) => String(row[3]));
    const sorts = !sql.includes("IN (SELECT") && plan.find((line) => line.includes("TEMP B-TREE FOR ORDER"));
    const scans = plan.find(
      (line) => line.startsWith("SCAN ") && !line.includes("USING") && !/CONSTANT|VALUES CLAUSE/.test(line),
    );
    const bad = sorts || scans;
    if (bad) throw new ScanRefused(`no index serves this query (${bad}): ${sql}`);
  }
}

/** The documents that a selection finds, with the numbers of their rows. */
export interface FoundRow {
  n: number;
  document: SqliteDocument;
}

/** Reads a collection on one connection. */
export class TableReader {
  readonly layout: Layout;
  readonly #connection: Connection;

  constructor(connection: Connection, layout: Layout) {
    this.#connection = connection;
    this.layout = layout;
  }

  find(filter: Filter, options: FindOptions = {}): SqliteDocument[] {
    const { sql, params, residual, sortsAfter, isEmpty } = this.#query(this.layout.selected, filter, options);
    if (isEmpty) return [];
    const { limit = -1, offset = 0, sort = {} } = options;
    if (residual.length === 0 && !sortsAfter) return this.layout.toDocuments(this.#connection.all(sql, params));
    const found: SqliteDocument[] = [];
    const enough = sortsAfter || limit < 0 ? Infinity : offset + limit;
    for (const row of this.#connection.prepare(sql).iterate(...params) as Iterable<unknown>) {
      const [document] = this.layout.toDocuments([row as Row]);
      if (residual.every((condition) => matches(document!, condition))) found.push(document!);
      if (found.length >= enough) break;
    }
    if (sortsAfter) found.sort((one, other) => compareBy(sort, one, other));
    return found.slice(offset, limit < 0 ? undefined : offset + limit);
  }

  /** How many match, `limit` at most. */
  count(filter: Filter, limit?: number): number {
    const { sql, params, residual, isEmpty } = this.#query("1", filter, { limit });
    if (isEmpty) return 0;
    if (residual.length > 0) return this.find(filter, { limit }).length;
    return Number(this.#connection.all(`SELECT count(*) FROM (${sql})`, params)[0]![0]);
  }

  /** The first matches with their rows, for changing them. */
  rows(filter: Filter, limit: number): FoundRow[] {
    const { sql, params, residual, isEmpty } = this.#query(`n, ${this.layout.selected}`, filter, {});
    const found: FoundRow[] = [];
    if (isEmpty) return found;
    for (const row of this.#connection.prepare(sql).iterate(...params) as Iterable<unknown>) {
      const [n, ...rest] = row as Row;
      const [document] = this.layout.toDocuments([rest]);
      if (residual.every((condition) => matches(document!, condition))) found.push({ n: Number(n), document: document! });
      if (found.length >= limit) break;
    }
    return found;
  }

  #query(columns: string, filter: Filter, options: FindOptions) {
    const selection = select(this.layout, filter, options, this.#bisect);
    const { where, params, residual, orderBy, sortsAfter, isEmpty } = selection;
    const hint =
      options.sort && options.limit !== undefined && !sortsAfter ? this.layout.indexFor(filter, options.sort) : undefined;
    let sql = `SELECT ${columns} FROM ${this.layout.table}${hint ? ` INDEXED BY ${quote(hint)}` : ""}`;
    if (where) sql += ` WHERE ${where}`;
    if (orderBy) sql += ` ORDER BY ${orderBy}`;
    const isLimited = residual.length === 0 && !sortsAfter && (options.limit !== undefined || options.offset !== undefined);
    const bound = isLimited ? [...params, BigInt(options.limit ?? -1), BigInt(options.offset ?? 0)] : params;
    if (isLimited) sql += " LIMIT ? OFFSET ?";
    if (Object.keys(filter).length > 0 && !isEmpty) this.#connection.checkPlan(sql, bound);
    return { sql, params: bound, residual, sortsAfter, isEmpty };
  }

  /** By halves over the index of the field that rises with it; the first guess is right where both numbers are equal. */
  readonly #bisect = (field: string, name: string, number: number): number => {
    const { layout } = this;
    const { of, number: numberField, risesWith } = layout.numbered.get(field)!;
    const key = quote(layout.numbered.get(risesWith!)!.number);
    const packed = layout.encode(layout.column(of)!, name);
    const probe = `SELECT ${key}, ${quote(numberField)} FROM ${layout.table} WHERE ${quote(of)} = ? AND ${key}`;
    const last = this.#connection.all(`${probe} >= 0 ORDER BY ${key} DESC LIMIT 1`, [packed])[0];
    if (!last || Number(last[1]) < number) return last ? Number(last[0]) + 1 : 1;
    let [low, high, found] = [0, Number(last[0]), Number(last[0])];
    let guess = Math.round((high * number) / Math.max(1, Number(last[1])));
    for (let step = 8; high - low > 1; step *= 4) {
      guess = Math.min(Math.max(guess, low + 1), high - 1);
      const row = this.#connection.all(`${probe} >= ? ORDER BY ${key} LIMIT 1`, [packed, BigInt(guess)])[0]!;
      const isReached = Number(row[1]) >= number;
      if (isReached) [high, found] = [guess, Number(row[0])];
      else low = Number(row[0]);
      // Gallop away from the first guess, which is near, then halve.
      const middle = Math.floor((low + high) / 2);
      guess = isReached ? Math.max(high - step, middle) : Math.min(low + step, middle);
    }
    return found;
  };
}

function compareBy(sort: NonNullable<FindOptions["sort"]>, one: SqliteDocument, other: SqliteDocument): number {
  for (const [field, direction] of Object.entries(sort)) {
    const order = compareValues(valueOf(one, field), valueOf(other, field));
    if (order !== 0) return direction === -1 ? -order : order;
  }
  return 0;
}
