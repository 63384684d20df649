import type { Collection, Document, Filter, Update } from "./collection.ts";

/**
 * Changes the first match as `updateOne` does, for polls that mostly find none: it looks first. A write that changes nothing costs a
 * trip to the writer's thread in SQLite, and in MongoDB waits for the majority; the look costs neither.
 */
export async function updateIfAny<D extends Document>(
  collection: Pick<Collection<D>, "findOne" | "updateOne">,
  filter: Filter<D>,
  update: Update<D>,
): Promise<D | null> {
  return (await collection.findOne(filter)) === null ? null : collection.updateOne(filter, update);
}
