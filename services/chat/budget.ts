/* How much goes into one answer or event. Brokers take messages of so many bytes, and a channel that is given more is closed. */
import type { StoredEntry } from "./store/documents.ts";

/** Bytes of JSON that an answer or event is held to, but for a single entry that is larger by itself. */
export const maxBytes = 1_000_000;

const frame = 700;
/** A character of text is six bytes of JSON at worst, as in \u0001. */
const perCharacter = 6;
const perMember = 100;

/** What an entry comes to as JSON, at most: an estimate that costs nothing, since it is made on every send. */
export function weigh({ type, body }: StoredEntry): number {
  // The host's data is JSON already.
  const content = type === "message.sent" ? body.text.length * perCharacter : body.members.length * perMember;
  return frame + content + body.data.length * 3;
}

/** As many from the beginning as the budget holds, and one at least. */
export function takeFirst<E extends StoredEntry>(entries: readonly E[], budget = maxBytes): E[] {
  let left = budget;
  const end = entries.findIndex((entry, at) => (left -= weigh(entry)) < 0 && at > 0);
  return entries.slice(0, end < 0 ? entries.length : end);
}

/** As many from the end as the budget holds, and one at least. */
export function takeLast<E extends StoredEntry>(entries: readonly E[], budget = maxBytes): E[] {
  return takeFirst(entries.toReversed(), budget).reverse();
}

/** All of them, in parts that the budget holds. */
export function split<E extends StoredEntry>(entries: readonly E[]): E[][] {
  const parts: E[][] = [];
  for (let from = 0; from < entries.length; from += parts.at(-1)!.length) parts.push(takeFirst(entries.slice(from)));
  return parts;
}
