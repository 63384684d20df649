/* The epoch of a store that no node has open. */
import { DataFolder } from "@confab/sqlite";
import type { Database } from "@confab/mixins/store/collection.ts";
import { openMongo } from "@confab/mixins/store/mongo.ts";
import { openSqlite } from "@confab/mixins/store/sqlite.ts";
import { ServiceBroker, type Service } from "moleculer";
import { readEpoch, renewEpoch } from "../../services/chat/store/epoch.ts";
import { Refusal } from "./refusal.ts";

export const readEpochOfMongo = (url: string) => within((service) => openMongo(service, url), readEpoch);

export const renewEpochOfMongo = (url: string) => within((service) => openMongo(service, url), requireEpoch);

/** Throws StoreRefused while a process owns the folder, or where it holds no store. */
export async function renewEpochOfFolder(folder: string): Promise<string> {
  // Opening the store would make one.
  DataFolder.list(folder);
  return within((service) => openSqlite(service, folder), requireEpoch);
}

async function requireEpoch(database: Database): Promise<string> {
  const epoch = await renewEpoch(database);
  if (epoch === undefined) throw new Refusal("There is no store: no node has ever started on it.");
  return epoch;
}

/** Opens the collections of chat as that service would. */
async function within<T>(
  open: (service: Service) => Database | Promise<Database>,
  act: (database: Database) => Promise<T>,
): Promise<T> {
  const broker = new ServiceBroker({ logger: false, skipProcessEventRegistration: true });
  const database = await open(broker.createService({ name: "chat" }));
  try {
    return await act(database);
  } finally {
    await database.close();
  }
}
