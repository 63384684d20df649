import type { Collection, CollectionSchema, Database, Document } from "./collection.ts";

/** The same database, whose collections are each opened once however many parts of a service ask for them. */
export function openOnce(database: Database): Database {
  const opened = new Map<string, Promise<unknown>>();
  return {
    ...database,
    collection<D extends Document>(schema: CollectionSchema<D>) {
      if (!opened.has(schema.name)) opened.set(schema.name, database.collection(schema));
      return opened.get(schema.name) as Promise<Collection<D>>;
    },
  };
}
