/* Stores for tests. */
import type { Service } from "moleculer";
import type { Database } from "./collection.ts";
import { inMemory, openSqlite } from "./sqlite.ts";

const serviceOf = (name: string) => ({ name, broker: {}, logger: console }) as unknown as Service;

/** An embedded store in memory, or in a folder, in which a query fails that no index serves. */
export function openTestStore(name = "test", folder: string = inMemory): Database {
  const opening = openSqlite(serviceOf(name), folder, { refuseScans: true });
  // The caller that awaits a collection gets the error.
  opening.catch(() => {});
  return {
    shared: false,
    folder: folder === inMemory ? undefined : folder,
    collection: async (schema) => (await opening).collection(schema),
    scrub: async () => (await opening).scrub(),
    close: async () => (await opening).close(),
  };
}
