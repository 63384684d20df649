/* The epoch names a store. Clients that knew another one forget what they know and start over. */
import { setTimeout as pause } from "node:timers/promises";
import { Conflict, Unavailable, type Database } from "@confab/mixins/store/collection.ts";
import { v7 as uuid } from "uuid";
import { facts } from "./documents.ts";

/** The epoch of the store, which gets one when it is first opened. */
export async function readEpoch(database: Pick<Database, "collection">): Promise<string> {
  const all = await database.collection(facts);
  const known = await all.findOne({ _id: "epoch" });
  if (known) return known.value;
  const value = uuid();
  try {
    await all.insert({ _id: "epoch", value });
    return value;
  } catch (err) {
    if (!(err instanceof Conflict)) throw err;
    return (await settled(() => all.findOne({ _id: "epoch" }))).value;
  }
}

/**
 * Gives the store another epoch, which its nodes read when they start. For a store that went back to an earlier state.
 * Undefined where the store has never been opened, and so has none.
 */
export async function renewEpoch(database: Pick<Database, "collection">): Promise<string | undefined> {
  const all = await database.collection(facts);
  return (await all.updateOne({ _id: "epoch" }, { $set: { value: uuid() } }))?.value;
}

/** What refused our insert is there, but may still be on its way to the majority that we read from. */
export async function settled<T>(find: () => Promise<T | null>): Promise<T> {
  for (let wait = 5; wait < 3000; wait *= 2) {
    const found = await find();
    if (found) return found;
    await pause(wait);
  }
  throw new Unavailable(new Error("a document that exists has not reached the majority"));
}
