import { Conflict, type Collection } from "./collection.ts";

/** One of the things that somebody may do within a time: `key#0`, `key#1` … Its _id alone carries the limit. */
export interface StoredAllowance {
  _id: string;
  takenAt: number;
}

/** What is limited: `limit` times within any `ms` milliseconds. */
export interface Limited {
  key: string;
  limit: number;
  ms: number;
}

/**
 * Takes one of those that there are for the key, however many ask at once on however many nodes. Answers nothing where
 * it got one, else when the next will be free. What is limited so stays limited whatever else is away: it stands in the database.
 */
export async function takeAllowance(
  allowances: Collection<StoredAllowance>,
  { key, limit, ms }: Limited,
  now: number,
): Promise<number | undefined> {
  const ids = Array.from({ length: limit }, (_, at) => `${key}#${at}`);
  const freed = await allowances.updateOne({ _id: { $in: ids }, takenAt: { $lte: now - ms } }, { $set: { takenAt: now } });
  if (freed) return undefined;
  const taken = await allowances.find({ _id: { $in: ids } });
  const known = new Set(taken.map(({ _id }) => _id));
  for (const _id of ids.filter((id) => !known.has(id))) if (await isTaken(allowances, _id, now)) return undefined;
  return Math.min(now, ...taken.map(({ takenAt }) => takenAt)) + ms;
}

/** Gives one of them back that was taken at that time, and turned out not to count. */
export async function giveAllowanceBack(
  allowances: Collection<StoredAllowance>,
  { key, limit }: Pick<Limited, "key" | "limit">,
  takenAt: number,
): Promise<void> {
  const ids = Array.from({ length: limit }, (_, at) => `${key}#${at}`);
  await allowances.updateOne({ _id: { $in: ids }, takenAt }, { $set: { takenAt: 0 } });
}

async function isTaken(allowances: Collection<StoredAllowance>, _id: string, takenAt: number): Promise<boolean> {
  try {
    await allowances.insert({ _id, takenAt });
    return true;
  } catch (err) {
    if (err instanceof Conflict) return false;
    throw err;
  }
}
