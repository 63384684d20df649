import type { Service } from "moleculer";
import MongooseAdapter from "moleculer-db-adapter-mongoose";
import mongoose, { type mongo } from "mongoose";
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

/** Nothing that we acknowledge may be rolled back, and nothing that we show. */
const durable = {
  writeConcern: { w: "majority", journal: true },
  readConcern: { level: "majority" },
  readPreference: "primary",
} as const;
const serverSelectionTimeoutMS = 5000;
const duplicateKey = 11_000;
/** Of the specification of retryable reads: shut down, stepped down, not primary, unreachable, time-out, cursor of another primary. */
const retryableCodes = new Set([6, 7, 43, 89, 91, 134, 189, 262, 9001, 10_107, 11_600, 11_602, 13_435, 13_436]);

/** The adapter stands on mongoose's one connection, so the last service of a process to close closes it. */
let users = 0;

/** Opens MongoDB for a service; its collections are named `service.collection`. */
export function openMongo(service: Service, mongoUrl: string): Database {
  users++;
  // The adapter of each collection listens to the one connection.
  mongoose.connection.setMaxListeners(0);
  return {
    shared: true,
    async collection<D extends Document>({ name, indexes }: CollectionSchema<D>) {
      const fullName = `${service.name}.${name}`;
      const schema = new mongoose.Schema(
        { _id: String },
        { strict: false, versionKey: false, collection: fullName, autoIndex: false, autoCreate: false },
      );
      const adapter = new MongooseAdapter(mongoUrl, { serverSelectionTimeoutMS, maxPoolSize: 50, retryWrites: true, ...durable });
      const model = mongoose.models[fullName] ?? mongoose.model(fullName, schema);
      adapter.init(
        service.broker,
        Object.assign(Object.create(service) as Service, { schema: { model } }) as unknown as Parameters<typeof adapter.init>[1],
      );
      await adapter.connect();
      const native = mongoose.connection.db!.collection<D>(fullName, durable);
      for (const index of indexes) {
        const keys = Object.fromEntries(index.fields.map((field) => [field, 1 as const]));
        await native.createIndex(keys, { name: index.name, unique: index.unique ?? false, sparse: index.sparse ?? false });
      }
      return new MongoCollection(native, mongoose.connection.getClient(), mongoose.connection.db!);
    },
    // What is removed there leaves the data files in its own time; no query finds it again.
    async scrub() {},
    async close() {
      if (--users === 0) await mongoose.disconnect();
    },
  };
}

/** Documents in one answer of the server, as far as they fit into 16 MB: the default of 101 makes two round trips of most lists. */
const batchSize = 1000;
/** What is stored was written by the driver, so it is UTF-8. Checking that again is a tenth of the cost of a page. */
const decoding = { enableUtf8Validation: false } as const;

/** The part of an answer that holds documents. */
interface Batch<D> {
  cursor: { id: number | mongo.Long; firstBatch?: D[]; nextBatch?: D[] };
}

class MongoCollection<D extends Document> implements Collection<D> {
  readonly #native: mongo.Collection<D>;
  readonly #client: mongo.MongoClient;
  readonly #db: mongo.Db;

  constructor(native: mongo.Collection<D>, client: mongo.MongoClient, db: mongo.Db) {
    this.#native = native;
    this.#client = client;
    this.#db = db;
  }

  async insert(document: D) {
    await this.#native.insertOne(document as mongo.OptionalUnlessRequiredId<D>).catch(translate);
  }

  async insertMany(documents: readonly D[], ordered: boolean): Promise<Outcome[]> {
    try {
      await this.#native.insertMany(documents as mongo.OptionalUnlessRequiredId<D>[], { ordered });
      return documents.map(() => "stored");
    } catch (err) {
      return readOutcomes(err, documents.length, ordered);
    }
  }

  /**
   * The `find` command itself, since the cursors of the driver cost half as much again for a page and twice as much for a single
   * document. They also repeat a read that a lost connection or a new primary interrupted, so in that case they are asked.
   */
  async find(filter: Filter<D>, options: FindOptions<D> = {}): Promise<D[]> {
    try {
      return await this.#find(filter, options);
    } catch (err) {
      return isInterrupted(err) ? this.#findByCursor(filter, options).catch(translate) : translate(err);
    }
  }

  async #find(filter: Filter<D>, { sort, limit }: FindOptions<D>): Promise<D[]> {
    const { collectionName } = this.#native;
    const { readConcern } = durable;
    const command: mongo.Document = { find: collectionName, filter, batchSize, readConcern };
    if (sort) command["sort"] = sort;
    if (limit) command["limit"] = limit;
    // The server gives more of a result only to the session that asked for it.
    const session = this.#client.startSession({ causalConsistency: false });
    try {
      let { cursor } = (await this.#db.command(command, { ...decoding, session })) as unknown as Batch<D>;
      const found = cursor.firstBatch!;
      while (!isOver(cursor.id)) {
        const more = { getMore: asLong(cursor.id), collection: collectionName, batchSize };
        ({ cursor } = (await this.#db.command(more, { ...decoding, session })) as unknown as Batch<D>);
        found.push(...cursor.nextBatch!);
      }
      return found;
    } finally {
      await session.endSession();
    }
  }

  #findByCursor(filter: Filter<D>, { sort, limit }: FindOptions<D>): Promise<D[]> {
    let cursor = this.#native.find(filter as mongo.Filter<D>, { batchSize, ...decoding });
    if (sort) cursor = cursor.sort(sort as mongo.Sort);
    if (limit) cursor = cursor.limit(limit);
    return cursor.toArray() as Promise<D[]>;
  }

  async findOne(filter: Filter<D>, options: FindOptions<D> = {}): Promise<D | null> {
    const [first] = await this.find(filter, { ...options, limit: 1 });
    return first ?? null;
  }

  /** By the `count` command, which reads nothing but keys of the index. With a filter it counts each document once, on shards too. */
  async count(filter: Filter<D>, limit: number): Promise<number> {
    const command = { count: this.#native.collectionName, query: filter, limit, readConcern: durable.readConcern };
    try {
      return Number(((await this.#db.command(command)) as { n: number }).n);
    } catch (err) {
      if (!isInterrupted(err)) translate(err);
      return this.#native.countDocuments(filter as mongo.Filter<D>, { limit }).catch(translate);
    }
  }

  updateOne(filter: Filter<D>, update: Update<D>): Promise<D | null> {
    const options = { returnDocument: "after" } as const;
    return (
      this.#native.findOneAndUpdate(filter as mongo.Filter<D>, update as mongo.UpdateFilter<D>, options) as Promise<D | null>
    ).catch(translate);
  }

  async replaceOne(filter: Filter<D> & { _id: string }, document: D) {
    await this.#native
      .replaceOne(filter as mongo.Filter<D>, document as mongo.WithoutId<D>, { upsert: true })
      .catch(translate)
      // There is one already, and the filter does not hold for it: it stays.
      .catch((err: unknown) => {
        if (!(err instanceof Conflict && err.index === "_id")) throw err;
      });
  }

  async removeMany(filter: Filter<D>): Promise<number> {
    const { deletedCount } = await this.#native.deleteMany(filter as mongo.Filter<D>).catch(translate);
    return deletedCount;
  }
}

interface WriteError {
  index: number;
  code: number;
  errmsg?: string;
}

/**
 * Which documents of a refused batch are stored. Only duplicate keys leave that known; after anything else (a lost
 * connection, no majority in time) some may be stored or may yet be.
 */
function readOutcomes(err: unknown, count: number, ordered: boolean): Outcome[] {
  if (!(err instanceof mongoose.mongo.MongoBulkWriteError)) throw new Unavailable(err);
  const errors = [err.writeErrors].flat() as unknown as WriteError[];
  const unconfirmed = err.result.getWriteConcernError() !== undefined;
  if (errors.length === 0 || unconfirmed || errors.some(({ code }) => code !== duplicateKey)) throw new Unavailable(err);
  const refused = new Map(errors.map((error) => [error.index, new Conflict(readIndex(error.errmsg ?? ""))]));
  const last = ordered ? errors[0]!.index : count;
  return Array.from({ length: count }, (_, at) => refused.get(at) ?? (at > last ? "untried" : "stored"));
}

const readIndex = (message: string) => {
  const name = /index: (\S+)/.exec(message)?.[1] ?? "unknown";
  return name === "_id_" ? "_id" : name;
};

const isOver = (cursorId: number | mongo.Long): boolean => (typeof cursorId === "number" ? cursorId === 0 : cursorId.isZero());
/** A number is sent as a double, which no cursor is found by. */
const asLong = (cursorId: number | mongo.Long): mongo.Long =>
  typeof cursorId === "number" ? mongoose.mongo.Long.fromNumber(cursorId) : cursorId;

/** Whether a read failed because a connection or the primary was lost, so that a retry may succeed. */
function isInterrupted(err: unknown): boolean {
  const { MongoNetworkError, MongoServerError } = mongoose.mongo;
  if (err instanceof MongoNetworkError) return true;
  return err instanceof MongoServerError && retryableCodes.has(Number(err.code));
}

function translate(err: unknown): never {
  if ((err as { code?: unknown }).code === duplicateKey) throw new Conflict(readIndex((err as Error).message));
  throw new Unavailable(err);
}
