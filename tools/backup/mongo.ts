/* Backup and restore of the database that MONGO_URL names. */
import { createWriteStream, createReadStream } from "node:fs";
import { readdirSync } from "node:fs";
import { once } from "node:events";
import { finished } from "node:stream/promises";
import { basename, join } from "node:path";
import { schemas, type StoredSchema } from "@confab/mixins/store/migrations.ts";
import mongoose, { type mongo } from "mongoose";
import { readEpochOfMongo, renewEpochOfMongo } from "./epoch.ts";
import { readManifest, writeManifest, type Manifest } from "./manifest.ts";
import { Refusal } from "./refusal.ts";

const serverSelectionTimeoutMS = 5000;
const ending = ".bson";
/** Of documents that are inserted together. */
const batchBytes = 4 * 1024 * 1024;
const snapshotTooOld = 239;
const durable = { writeConcern: { w: "majority", journal: true } } as const;

/**
 * Writes each collection to a file of BSON documents, one after another (as mongodump does), all of them read from one
 * snapshot of the replica set: a log that is read while others append to it would have holes.
 */
export async function backUpMongo(url: string, to: string): Promise<Manifest> {
  const createdAt = new Date().toISOString();
  await withDatabase(url, async (database, client) => {
    const session = client.startSession({ snapshot: true });
    try {
      for (const name of await collectionsOf(database))
        await dump(database.collection(name), session, join(to, `${name}${ending}`));
    } catch (err) {
      if ((err as { code?: number }).code !== snapshotTooOld) throw err;
      throw new Refusal(
        "MongoDB keeps a snapshot for five minutes, and reading everything took longer. Raise its parameter " +
          "minSnapshotHistoryWindowInSeconds, or copy the database by other means (docs/operations.md).",
      );
    } finally {
      await session.endSession();
    }
  });
  return writeManifest(to, { store: "mongodb", createdAt, epoch: await readEpochOfMongo(url) });
}

/** Fills an empty database, under a new epoch. No node starts on it before it is whole. */
export async function restoreMongo(backup: string, url: string): Promise<{ manifest: Manifest; epoch: string }> {
  const manifest = await readManifest(backup, "mongodb");
  const names = readdirSync(backup).filter((file) => file.endsWith(ending));
  const collections = names.map((file) => basename(file, ending));
  const schemaNames = collections.filter((name) => name.endsWith(`.${schemas.name}`));
  await withDatabase(url, async (database) => {
    const there = await collectionsOf(database);
    for (const name of there)
      if (await database.collection(name).findOne({}, { projection: { _id: 1 } }))
        throw new Refusal(
          `The database ${database.databaseName} is not empty (${name}). Name another one in MONGO_URL, restore into that, and start the nodes on it.`,
        );
    for (const name of schemaNames) await database.collection<StoredSchema>(name, durable).insertOne(unfinished);
    for (const name of collections)
      if (!schemaNames.includes(name)) await load(join(backup, `${name}${ending}`), database.collection(name, durable));
  });
  const epoch = await renewEpochOfMongo(url);
  await withDatabase(url, async (database) => {
    for (const name of schemaNames) {
      await database.collection<StoredSchema>(name, durable).deleteOne({ _id: unfinished._id });
      await load(join(backup, `${name}${ending}`), database.collection(name, durable));
    }
  });
  return { manifest, epoch };
}

const unfinished: StoredSchema = {
  ...{ _id: "schema", number: 0, minimumReader: 0, until: 0 },
  refused: "a restore into it was interrupted. Drop the database and restore again.",
};

type Native = mongo.Collection<mongo.Document>;

async function withDatabase<T>(url: string, act: (database: mongo.Db, client: mongo.MongoClient) => Promise<T>): Promise<T> {
  const connection = await mongoose.createConnection(url, { serverSelectionTimeoutMS }).asPromise();
  try {
    // mongoose has a type of its own for its own driver.
    return await act(connection.db as unknown as mongo.Db, connection.getClient());
  } finally {
    await connection.close();
  }
}

/** The database is Confab's alone. */
async function collectionsOf(database: mongo.Db): Promise<string[]> {
  const all = await database.listCollections({ type: "collection" }, { nameOnly: true }).toArray();
  return all
    .map(({ name }) => name)
    .filter((name) => !name.startsWith("system."))
    .sort();
}

async function dump(native: Native, session: mongo.ClientSession, file: string): Promise<void> {
  const out = createWriteStream(file, { mode: 0o600 });
  try {
    for await (const document of native.find({}, { session, raw: true })) if (!out.write(document)) await once(out, "drain");
  } finally {
    out.end();
  }
  await finished(out);
}

async function load(file: string, native: Native): Promise<void> {
  let batch: mongo.Document[] = [];
  let bytes = 0;
  const store = async () => {
    if (batch.length > 0) await native.insertMany(batch, { ordered: true });
    [batch, bytes] = [[], 0];
  };
  for await (const document of documentsIn(file)) {
    batch.push(mongoose.mongo.BSON.deserialize(document, { promoteValues: false, bsonRegExp: true }));
    bytes += document.length;
    if (bytes > batchBytes) await store();
  }
  await store();
}

/** Each begins with its length. */
async function* documentsIn(file: string): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0);
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 })) {
    rest = Buffer.concat([rest, chunk as Buffer]);
    while (rest.length >= 4 && rest.length >= rest.readInt32LE()) {
      const length = rest.readInt32LE();
      yield rest.subarray(0, length);
      rest = rest.subarray(length);
    }
  }
  if (rest.length > 0) throw new Refusal(`${file} ends in the middle of a document.`);
}
