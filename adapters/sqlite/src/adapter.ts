import { randomUUID } from "node:crypto";
import type { Service, ServiceBroker } from "moleculer";
import type { SqliteCollection } from "./collection.ts";
import { SqliteDatabase, type DatabaseOptions } from "./database.ts";
import { UniqueConflict } from "./errors.ts";
import { inserted } from "./operations.ts";
import type { Filter, SqliteDocument, TableSchema, Update } from "./schema.ts";

/** What moleculer-db passes to `find`, `findOne` and `count`. */
export interface Filters {
  query?: Filter;
  /** `name` or `-name` for descending. */
  sort?: string | readonly string[];
  limit?: number;
  offset?: number;
  /** Documents in which one of the fields contains this, without regard to case. It reads the whole collection. */
  search?: string;
  searchFields?: string | readonly string[];
}

/** How the adapter is opened: on a file of its own, or on a database that several adapters share. */
export type AdapterOptions = (DatabaseOptions | { database: SqliteDatabase }) & { collection?: TableSchema };

type Entity = Record<string, unknown> & { _id?: string };

/** An adapter of moleculer-db that keeps a service's documents in a SQLite file, by Node's own `node:sqlite`. */
export class SqliteAdapter {
  readonly #options: AdapterOptions;
  #name = "documents";
  /** The open database, after `connect`. */
  database!: SqliteDatabase;
  /** The collection itself, after `connect`. */
  collection!: SqliteCollection;
  broker!: ServiceBroker;
  service!: Service;

  constructor(options: AdapterOptions) {
    this.#options = options;
  }

  init(broker: ServiceBroker, service: Service): void {
    this.broker = broker;
    this.service = service;
    this.#name = service.name;
  }

  async connect(): Promise<void> {
    const options = this.#options;
    this.database = "database" in options ? options.database : await SqliteDatabase.open(options);
    this.collection = await this.database.collection(options.collection ?? { name: this.#name, indexes: [] });
  }

  async disconnect(): Promise<void> {
    if (!("database" in this.#options)) await this.database.close();
  }

  async find(filters: Filters = {}): Promise<SqliteDocument[]> {
    const { query = {}, limit, offset } = filters;
    const sort = readSort(filters.sort);
    if (!filters.search) return this.collection.find(query, { sort, limit: limit || undefined, offset: offset || undefined });
    const found = this.collection.find(query, { sort }).filter((document) => contains(document, filters));
    return found.slice(offset ?? 0, limit ? (offset ?? 0) + limit : undefined);
  }

  async findOne(query: Filter): Promise<SqliteDocument | null> {
    return this.collection.find(query, { limit: 1 })[0] ?? null;
  }

  findById(_id: string): Promise<SqliteDocument | null> {
    return this.findOne({ _id });
  }

  async findByIds(ids: readonly string[]): Promise<SqliteDocument[]> {
    return this.collection.find({ _id: { $in: ids } });
  }

  async count(filters: Filters = {}): Promise<number> {
    if (filters.search) return (await this.find({ ...filters, limit: 0, offset: 0 })).length;
    return this.collection.count(filters.query ?? {});
  }

  async insert(entity: Entity): Promise<SqliteDocument> {
    const document = withId(entity);
    await this.collection.insert(document);
    return document;
  }

  /** Stores all of them in one transaction, up to the first that a unique index refuses. */
  async insertMany(entities: readonly Entity[]): Promise<SqliteDocument[]> {
    const documents = entities.map(withId);
    const outcomes = await this.collection.insertMany(documents, true);
    const refused = outcomes.find((outcome) => outcome !== inserted.stored);
    if (refused !== undefined) throw new UniqueConflict(String(refused));
    return documents;
  }

  updateMany(query: Filter, update: Update): Promise<number> {
    return this.collection.updateMany(query, update);
  }

  updateById(_id: string, update: Update): Promise<SqliteDocument | null> {
    return this.collection.updateOne({ _id }, update);
  }

  removeMany(query: Filter): Promise<number> {
    return this.collection.removeMany(query);
  }

  async removeById(_id: string): Promise<SqliteDocument | null> {
    const known = await this.findById(_id);
    await this.collection.removeMany({ _id });
    return known;
  }

  clear(): Promise<number> {
    return this.collection.removeMany({});
  }

  entityToObject(entity: SqliteDocument): SqliteDocument {
    return entity;
  }

  beforeSaveTransformID(entity: Entity, idField: string): Entity {
    if (idField === "_id" || entity[idField] === undefined) return { ...entity };
    const { [idField]: _id, ...rest } = entity;
    return { ...rest, _id: _id as string };
  }

  afterRetrieveTransformID(entity: Entity, idField: string): Entity {
    if (idField === "_id") return entity;
    const { _id, ...rest } = entity;
    return { ...rest, [idField]: _id };
  }
}

const withId = (entity: Entity): SqliteDocument => ({ ...entity, _id: entity._id ?? randomUUID() });

function readSort(sort: Filters["sort"]): Record<string, 1 | -1> | undefined {
  if (!sort) return undefined;
  const fields = typeof sort === "string" ? sort.split(/[\s,]+/) : sort;
  return Object.fromEntries(fields.map((field) => (field.startsWith("-") ? [field.slice(1), -1] : [field, 1])));
}

function contains(document: SqliteDocument, { search = "", searchFields }: Filters): boolean {
  const fields = typeof searchFields === "string" ? searchFields.split(" ") : searchFields;
  const values = fields ? fields.map((field) => document[field]) : Object.values(document);
  return values.some((value) => String(value).toLowerCase().includes(search.toLowerCase()));
}
