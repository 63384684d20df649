import { randomUUID } from "node:crypto";
import type { Service, ServiceBroker } from "moleculer";
import type { SqliteCollection } from "./collection.ts";
import { SqliteDatabase, type DatabaseOptions } from "./database.ts";
import { UniqueConflict } from "./errors.ts";
import { valueOf } from "./matching.ts";
import { inserted } from "./operations.ts";
import type { Filter, FindOptions, SqliteDocument, TableSchema, Update } from "./schema.ts";

/** What moleculer-db passes to `find` and `count`. */
export interface Filters {
  query?: Filter | undefined;
  /** `name`, or `-name` for descending; several in a list, or separated by spaces or commas. */
  sort?: string | readonly string[] | undefined;
  /** How many at most; 0 and null mean all. */
  limit?: number | string | null | undefined;
  offset?: number | string | null | undefined;
  /** Documents in which one of the fields contains this, without regard to case. It reads all that the query matches. */
  search?: string | null | undefined;
  searchFields?: string | readonly string[] | null | undefined;
}

/** How the adapter is opened: on a file of its own, or on a database that several adapters share. */
export type AdapterOptions = (DatabaseOptions | { database: SqliteDatabase }) & {
  /** The collection and its indexes. Without it, the collection has the name of the service and the index of `_id` alone. */
  collection?: TableSchema;
};

type Entity = Record<string, unknown>;
/** Text or a number. */
type Id = unknown;

/** Ids that one statement looks up; SQLite takes 32,766 parameters. */
const idsAtOnce = 1000;

/** An adapter of moleculer-db that keeps a service's documents in a SQLite file, by Node's own `node:sqlite`. */
export class SqliteAdapter {
  // Moleculer copies the schema of a service deeply, with the adapter in it, but not its `#` fields. It shares functions.
  private readonly options: () => AdapterOptions;
  private connected: { collection: SqliteCollection } | undefined;
  /** The open database, after `connect`. */
  database: SqliteDatabase | undefined;
  broker: ServiceBroker | undefined;
  service: Service | undefined;

  constructor(options: AdapterOptions) {
    this.options = () => options;
  }

  init(broker: ServiceBroker, service: Service): void {
    this.broker = broker;
    this.service = service;
  }

  /** The collection itself, which also tells what became of each document of a batch. Throws before `connect`. */
  get collection(): SqliteCollection {
    if (!this.connected) throw new Error("the adapter is not connected");
    return this.connected.collection;
  }

  /** Throws StoreRefused where the files are not fit to be used. */
  async connect(): Promise<void> {
    const options = this.options();
    const onFailure = (message?: string) => this.log(message);
    const database = "database" in options ? options.database : await SqliteDatabase.open({ onFailure, ...options });
    try {
      const schema = options.collection ?? { name: this.service?.name ?? "documents", indexes: [] };
      this.connected = { collection: await database.collection(schema) };
      this.database = database;
    } catch (err) {
      if (!("database" in options)) await database.close();
      throw err;
    }
  }

  async disconnect(): Promise<void> {
    const { database } = this;
    this.database = undefined;
    this.connected = undefined;
    if (!("database" in this.options())) await database?.close();
  }

  async find(filters: Filters = {}): Promise<SqliteDocument[]> {
    return this.createCursor(filters);
  }

  async findOne(query: Filter): Promise<SqliteDocument | null> {
    return this.collection.find(toFilter(query), { limit: 1 })[0] ?? null;
  }

  async findById(_id: Id): Promise<SqliteDocument | null> {
    return isId(_id) ? (this.collection.find({ _id }, { limit: 1 })[0] ?? null) : null;
  }

  /** Those that there are, in no order. */
  async findByIds(ids: readonly Id[]): Promise<SqliteDocument[]> {
    const wanted = [...new Set(ids.filter(isId))];
    const found: SqliteDocument[] = [];
    for (let at = 0; at < wanted.length; at += idsAtOnce)
      found.push(...this.collection.find({ _id: { $in: wanted.slice(at, at + idsAtOnce) } }));
    return found;
  }

  /** How many `find` finds without `limit` and `offset`. */
  async count(filters: Filters = {}): Promise<number> {
    if (filters.search)
      return this.createCursor({ query: filters.query, search: filters.search, searchFields: filters.searchFields }).length;
    return this.collection.count(toFilter(filters.query));
  }

  /** Answers the document as it is stored. Throws UniqueConflict where a unique index refuses it. */
  async insert(entity: Entity): Promise<SqliteDocument> {
    const document = toDocument(entity);
    await this.collection.insert(document);
    return document;
  }

  /** Stores them in one transaction, in order. Where a unique index refuses one it throws, and those before it are stored. */
  async insertMany(entities: readonly Entity[]): Promise<SqliteDocument[]> {
    const documents = entities.map(toDocument);
    const outcomes = await this.collection.insertMany(documents, true);
    const refused = outcomes.find((outcome) => outcome !== inserted.stored);
    if (refused !== undefined) throw new UniqueConflict(String(refused));
    return documents;
  }

  /** Answers how many were changed. */
  async updateMany(query: Filter, update: Update): Promise<number> {
    return this.collection.updateMany(toFilter(query), update);
  }

  /** Answers the document as it is now, or null. */
  async updateById(_id: Id, update: Update): Promise<SqliteDocument | null> {
    return isId(_id) ? this.collection.updateOne({ _id }, update) : null;
  }

  /** Answers how many were removed. */
  async removeMany(query: Filter): Promise<number> {
    return this.collection.removeMany(toFilter(query));
  }

  /** Answers the document as it was, or null. */
  async removeById(_id: Id): Promise<SqliteDocument | null> {
    return isId(_id) ? this.collection.removeOne({ _id }) : null;
  }

  /** Removes all documents; answers how many there were. */
  async clear(): Promise<number> {
    return this.collection.removeMany({});
  }

  private log(failure: string | undefined): void {
    if (failure === undefined) this.service?.logger.info("Changes are stored again.");
    else this.service?.logger.error(failure);
  }

  entityToObject(entity: SqliteDocument): SqliteDocument {
    return entity;
  }

  /** The documents themselves: an open statement would keep the log from being emptied. */
  createCursor(filters: Filters = {}): SqliteDocument[] {
    const { search } = filters;
    const query = toFilter(filters.query);
    const sort = readSort(filters.sort);
    const limit = Number(filters.limit) > 0 ? Number(filters.limit) : undefined;
    const offset = Number(filters.offset) > 0 ? Number(filters.offset) : undefined;
    if (!search) return this.collection.find(query, { sort, limit, offset });
    const found = this.collection.find(query, { sort }).filter((document) => contains(document, search, filters.searchFields));
    return found.slice(offset ?? 0, limit === undefined ? undefined : (offset ?? 0) + limit);
  }

  beforeSaveTransformID(entity: Entity, idField: string): Entity {
    if (idField === "_id" || entity[idField] === undefined) return { ...entity };
    const { [idField]: _id, ...rest } = entity;
    return { ...rest, _id };
  }

  afterRetrieveTransformID(entity: Entity, idField: string): Entity {
    if (idField === "_id") return entity;
    const { _id, ...rest } = entity;
    return { ...rest, [idField]: _id };
  }
}

const isId = (id: unknown): id is string | number => typeof id === "string" || typeof id === "number";

/** The entity as JSON brings it back, with an id. */
function toDocument(entity: Entity): SqliteDocument {
  const document = JSON.parse(JSON.stringify(entity)) as Entity;
  document["_id"] ??= randomUUID();
  if (!isId(document["_id"])) throw new TypeError("_id is neither text nor a number");
  return document as SqliteDocument;
}

/** Compares with what JSON stores: a date as text. JSON would drop what is undefined, and with it the condition. */
function toFilter(query: Filter = {}): Filter {
  const text = JSON.stringify(query, (_, value: unknown) => {
    if (value instanceof RegExp || typeof value === "function") throw new TypeError("a filter compares with data only");
    return value === undefined ? null : value;
  });
  return JSON.parse(text) as Filter;
}

function readSort(sort: Filters["sort"]): FindOptions["sort"] {
  const fields = typeof sort === "string" ? sort.split(/[\s,]+/) : (sort ?? []);
  const named = fields.filter((field) => field !== "");
  if (named.length === 0) return undefined;
  return Object.fromEntries(named.map((field) => (field.startsWith("-") ? [field.slice(1), -1] : [field, 1])));
}

function contains(document: SqliteDocument, search: string, searchFields: Filters["searchFields"]): boolean {
  const fields = typeof searchFields === "string" ? searchFields.split(/[\s,]+/) : (searchFields ?? []);
  const values = fields.length > 0 ? fields.map((field) => valueOf(document, field)) : Object.values(document);
  const wanted = search.toLowerCase();
  return values.some((value) => textOf(value).toLowerCase().includes(wanted));
}

/** What a search looks through: the elements of an array, and nothing of an object. */
function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join(",");
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}
