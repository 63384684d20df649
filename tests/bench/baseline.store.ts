// What the bare servers keep their records in: the same collection in the same database as Confab's log.

import { parseArgs } from "node:util";
import type { Collection, Database } from "@confab/mixins/store/collection.ts";
import { openMongo } from "@confab/mixins/store/mongo.ts";
import { openSqlite } from "@confab/mixins/store/sqlite.ts";
import { ServiceBroker } from "moleculer";
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

export const openEntries = async (options: { mongo?: string; data: string }): Promise<Collection<StoredEntry>> =>
  (await openDatabase(options)).collection(entries);
