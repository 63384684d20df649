import { operatorsOf } from "./matching.ts";
import {
  quote,
  type Filter,
  type FindOptions,
  type IndexSchema,
  type NumberedField,
  type SqliteDocument,
  type SqlValue,
  type TableSchema,
} from "./schema.ts";
import { decodeValue, encodeValue, joinNumbered, pack, unpack } from "./values.ts";

/** How a column holds the field of its name. */
type ColumnKind = "value" | "packed" | "copy" | "flag";
interface Column {
  field: string;
  kind: ColumnKind;
  /** Of a copy: where in the document the value is. */
  path?: readonly string[];
}

/** A row as a statement reads it: the document's JSON, then the columns. */
export type Row = SqlValue[];

/**
 * The table of a collection. Where the schema has no compact form, `doc` holds the whole document and a column repeats
 * each indexed field; in the compact form each field is stored once.
 */
export class Layout {
  readonly name: string;
  readonly table: string;
  readonly isCompact: boolean;
  readonly columns: readonly Column[];
  readonly arrays: readonly IndexSchema[];
  readonly numbered: ReadonlyMap<string, NumberedField>;
  /** The columns that a read needs to make documents. */
  readonly selected: string;
  readonly insertSql: string;
  readonly updateSql: string;
  readonly #schema: TableSchema;
  readonly #byField: ReadonlyMap<string, Column>;
  readonly #places: ReadonlyMap<string, number>;
  #lastPacked: SqlValue = null;
  #lastUnpacked = "";

  constructor(schema: TableSchema) {
    this.#schema = schema;
    this.name = schema.name;
    this.table = quote(schema.name);
    this.isCompact = schema.compact !== undefined;
    this.arrays = schema.indexes.filter(({ array }) => array);
    this.numbered = new Map(Object.entries(schema.compact?.numbered ?? {}));
    this.columns = this.isCompact ? compactColumns(schema) : indexedColumns(schema);
    this.#byField = new Map(this.columns.map((column) => [column.field, column]));
    this.#places = new Map(this.columns.map(({ field }, at) => [field, at]));
    const names = this.columns.map(({ field }) => quote(field));
    this.selected = ["doc", ...(this.isCompact ? names : [])].join(", ");
    const stored = ["doc", ...names];
    this.insertSql = `INSERT INTO ${this.table} (${stored.join(", ")}) VALUES (${stored.map(() => "?").join(", ")})`;
    this.updateSql = `UPDATE ${this.table} SET ${stored.map((name) => `${name} = ?`).join(", ")} WHERE rowid = ?`;
  }

  /** The statements that make what is not there yet. `known` are the columns of a table that exists. */
  definition(known: readonly string[]): string[] {
    const missing = this.columns.filter(({ field }) => !known.includes(field));
    const statements: string[] = [];
    if (known.length === 0) {
      const columns = this.columns.map((column) => `${quote(column.field)}${affinityOf(column)}`);
      statements.push(`CREATE TABLE ${this.table} (n INTEGER PRIMARY KEY, doc TEXT NOT NULL, ${columns.join(", ")}) STRICT`);
    } else if (missing.length > 0) {
      if (this.isCompact) throw new Error(`the compact table ${this.name} lacks ${missing.map(({ field }) => field).join(", ")}`);
      for (const { field } of missing) statements.push(`ALTER TABLE ${this.table} ADD COLUMN ${quote(field)} ANY`);
    }
    for (const index of this.#indexes()) {
      if (index.array) {
        const side = this.sideTable(index);
        statements.push(
          `CREATE TABLE IF NOT EXISTS ${side} (value ANY, n INTEGER, PRIMARY KEY (value, n)) STRICT, WITHOUT ROWID`,
          `CREATE INDEX IF NOT EXISTS ${quote(`${this.name}.${index.name}.n`)} ON ${side} (n)`,
        );
        continue;
      }
      const unique = index.unique ? "UNIQUE " : "";
      const fields = index.fields.map(quote);
      const where = index.sparse ? ` WHERE ${fields[0]} IS NOT NULL` : "";
      const name = quote(`${this.name}.${index.name}`);
      statements.push(`CREATE ${unique}INDEX IF NOT EXISTS ${name} ON ${this.table} (${fields.join(", ")})${where}`);
    }
    return statements;
  }

  /** Columns that were added to a table that may have rows. */
  addedTo(known: readonly string[]): boolean {
    return known.length > 0 && this.columns.some(({ field }) => !known.includes(field));
  }

  /** The index that holds the elements of an array. */
  sideTable({ name }: IndexSchema): string {
    return quote(`${this.name}.${name}`);
  }

  column(field: string): Column | undefined {
    return this.#byField.get(field);
  }

  /** The value to compare a column with, for a scalar of a filter. */
  encode(column: Column, value: unknown): SqlValue {
    if ((column.kind === "packed" || column.kind === "copy") && typeof value === "string") return pack(value);
    return encodeValue(value);
  }

  /** The values of `insertSql`. */
  toRow(document: SqliteDocument): SqlValue[] {
    if (!this.isCompact) return [JSON.stringify(document), ...this.columns.map(({ field }) => encodeValue(document[field]))];
    for (const [field, { of, number }] of this.numbered) {
      const value = document[field];
      if (value !== undefined && value !== joinNumbered(document[of] as string, document[number] as number))
        throw new TypeError(`${this.name}.${field} is not made of ${of} and ${number}`);
    }
    const values = this.columns.map((column) => this.#toValue(document, column));
    const rest: Record<string, unknown> = {};
    for (const field of Object.keys(document)) {
      const at = this.#places.get(field);
      // What a column cannot hold, such as null, stays in the JSON.
      if (at === undefined ? !this.numbered.has(field) : isKept(document[field], values[at]!)) rest[field] = document[field];
    }
    return [JSON.stringify(rest), ...values];
  }

  #toValue(document: SqliteDocument, { field, kind, path }: Column): SqlValue {
    const value = document[field];
    if (kind === "flag") return value === undefined ? null : 1n;
    if (kind === "value") return encodeValue(value);
    if (kind === "copy" && value !== undefined && value !== valueAt(document, path!))
      throw new TypeError(`${this.name}.${field} is not what ${path!.join(".")} is`);
    return typeof value === "string" ? pack(value) : null;
  }

  /** Parses all rows at once, which costs half of parsing each. */
  toDocuments(rows: readonly Row[]): SqliteDocument[] {
    if (rows.length === 0) return [];
    const documents = JSON.parse(`[${rows.map(([json]) => json as string).join(",")}]`) as SqliteDocument[];
    if (this.isCompact) documents.forEach((document, at) => this.#complete(document, rows[at]!));
    return documents;
  }

  #complete(document: SqliteDocument, row: Row): void {
    this.columns.forEach(({ field, kind, path }, at) => {
      const value = row[at + 1]!;
      if (value === null || kind === "flag") return;
      if (kind === "copy") document[field] = valueAt(document, path!);
      else {
        const decoded = kind === "packed" ? this.#unpack(value as Uint8Array) : decodeValue(value);
        if (decoded !== undefined) document[field] = decoded;
      }
    });
    for (const [field, { of, number }] of this.numbered) {
      const flag = this.columns.findIndex((column) => column.field === field);
      if (flag >= 0 && row[flag + 1] === null) continue;
      document[field] = joinNumbered(document[of] as string, document[number] as number);
    }
  }

  /** Rows that are read together often repeat a value. */
  #unpack(value: Uint8Array): string {
    if (this.#lastPacked !== null && Buffer.compare(value, this.#lastPacked as Uint8Array) === 0) return this.#lastUnpacked;
    this.#lastPacked = value;
    return (this.#lastUnpacked = unpack(value));
  }

  /** The name that the schema gives to the unique index over these columns. */
  indexOver(fields: readonly string[]): string {
    const found = this.#indexes().find((index) => index.unique && index.fields.join() === fields.join());
    return found?.name ?? "_id";
  }

  /**
   * The index that brings the first of what is sorted without reading the rest: equal values, then the order wanted.
   * Without statistics SQLite would rather take a range and sort it.
   */
  indexFor(filter: Filter, sort: NonNullable<FindOptions["sort"]>): string | undefined {
    const sorted = Object.keys(sort);
    if (sorted.some((field) => this.numbered.has(field))) return undefined;
    const isEqual = (field: string) => filter[field] !== undefined && Object.keys(operatorsOf(filter[field])).join() === "$eq";
    // The more fields are equal, the less is read.
    const equal = ({ fields }: IndexSchema) => fields.indexOf(sorted[0]!);
    const [best] = this.#indexes()
      .filter(({ fields, sparse, array }) => {
        const at = fields.indexOf(sorted[0]!);
        if (array || at < 0 || (sparse && filter[fields[0]!] === undefined)) return false;
        const isBounded = at > 0 ? fields.slice(0, at).every(isEqual) : filter[sorted[0]!] !== undefined;
        return isBounded && fields.slice(at, at + sorted.length).join() === sorted.join();
      })
      .sort((one, other) => equal(other) - equal(one));
    return best && `${this.name}.${best.name}`;
  }

  /** All indexes, the one of `_id` first, over columns that exist. */
  #indexes(): IndexSchema[] {
    const id = this.numbered.get("_id");
    const key: IndexSchema = { name: "_id", fields: id ? [id.of, id.number] : ["_id"], unique: true };
    const others = this.#schema.indexes.filter(({ fields }) => !this.numbered.has(fields[0]!));
    return [key, ...others];
  }
}

function indexedColumns({ indexes }: TableSchema): Column[] {
  const fields = new Set(["_id", ...indexes.filter(({ array }) => !array).flatMap(({ fields }) => fields)]);
  return [...fields].map((field) => ({ field, kind: "value" }));
}

function compactColumns({ compact = {} }: TableSchema): Column[] {
  const { columns = [], packed = [], copies = {}, numbered = {} } = compact;
  return [
    ...(numbered["_id"] ? [] : [{ field: "_id", kind: "value" } as const]),
    ...packed.map((field): Column => ({ field, kind: "packed" })),
    ...columns.map((field): Column => ({ field, kind: "value" })),
    ...Object.entries(copies).map(([field, path]): Column => ({ field, kind: "copy", path })),
    ...Object.keys(numbered)
      .filter((field) => field !== "_id")
      .map((field): Column => ({ field, kind: "flag" })),
  ];
}

const isKept = (value: unknown, encoded: SqlValue): boolean =>
  encoded === null || (typeof value === "object" && value !== undefined);

const affinityOf = ({ kind }: Column): string => (kind === "packed" || kind === "copy" ? " BLOB" : " ANY");

function valueAt(document: SqliteDocument, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], document);
}
