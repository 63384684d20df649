// What the bare servers keep their records in: the same collection in the same database as Confab's log.

import { parseArgs } from "node:util";
import type { Database, Filter } from "@confab/mixins/store/collection.ts";
import { openMongo } from "@confab/mixins/store/mongo.ts";
import { openSqlite } from "@confab/mixins/store/sqlite.ts";
import { ServiceBroker } from "moleculer";
import mongoose from "mongoose";
import { entries, type StoredEntry } from "../../services/chat/store/documents.ts";

export function readOptions() {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "0" },
      data: { type: "string", default: "memory" },
      mongo: { type: "string" },
      chat: { type: "string", default: "" },
      user: { type: "string", default: "" },
      count: { type: "string", default: "0" },
      chats: { type: "string", default: "0" },
    },
  });
  return { ...values, port: Number(values.port), count: Number(values.count), chats: Number(values.chats) };
}

export async function openDatabase({ mongo, data }: { mongo?: string; data: string }): Promise<Database> {
  const service = new ServiceBroker({ logger: false }).createService({ name: "chat" });
  return mongo ? openMongo(service, mongo) : openSqlite(service, data);
}

/** The log as a bare server reads it: the driver as it comes, where there is one. */
export interface BareEntries {
  insert(entry: StoredEntry): Promise<void>;
  find(filter: Filter<StoredEntry>, sort?: { [K in keyof StoredEntry]?: 1 }): Promise<StoredEntry[]>;
}

export async function openEntries(options: { mongo?: string; data: string }): Promise<BareEntries> {
  if (options.mongo === undefined) {
    const stored = await (await openDatabase(options)).collection(entries);
    return { insert: (entry) => stored.insert(entry), find: (filter, sort) => stored.find(filter, sort ? { sort } : {}) };
  }
  const client = new mongoose.mongo.MongoClient(options.mongo, { readConcern: { level: "majority" } });
  const stored = client.db().collection<StoredEntry>(`chat.${entries.name}`);
  return {
    insert: async (entry) => void (await stored.insertOne(entry)),
    find: (filter, sort) => {
      const cursor = stored.find(filter as object);
      return (sort ? cursor.sort(sort) : cursor).toArray();
    },
  };
}
