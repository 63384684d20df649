/* How much goes into one answer or event. Brokers take messages of so many bytes, and a channel that is given more is closed. */
import type { Mentions } from "@confab/contracts";
import type { StoredEntry } from "./store/documents.ts";

/** Bytes of JSON that an answer or event is held to, but for a single item that is larger by itself. */
export const maxBytes = 1_000_000;

const frame = 700;
/** A character of text is six bytes of JSON at worst, as in \u0001. */
const perCharacter = 6;
/** A character of the host's data, which is JSON already. */
const perDatum = 3;
const perMember = 100;
const perReaction = 100;

/** What an entry comes to as JSON, at most: an estimate that costs nothing, since it is made on every send. */
export function weigh({ body }: StoredEntry): number {
  let bytes = frame;
  if ("text" in body) bytes += body.text.length * perCharacter + perMember * countMentions(body.mentions);
  if ("members" in body) bytes += body.members.length * perMember;
  if ("data" in body) bytes += body.data.length * perDatum;
  return bytes;
}

const countMentions = (mentions: Mentions | undefined) => (mentions === undefined || mentions === "all" ? 0 : mentions.length);

interface Words {
  text: string;
  data: object;
  mentions: Mentions;
  reactions?: readonly unknown[];
}

/** The same of a message, or of what it said once, in the form in which it leaves. */
export function weighWords({ text, data, mentions, reactions = [] }: Words): number {
  const dataBytes = Object.keys(data).length === 0 ? 0 : JSON.stringify(data).length * perDatum;
  return frame + text.length * perCharacter + dataBytes + perMember * countMentions(mentions) + perReaction * reactions.length;
}

/** As many from the beginning as the budget holds, and one at least. */
export function takeFirst<T>(items: readonly T[], weight: (item: T) => number, budget = maxBytes): T[] {
  let left = budget;
  const end = items.findIndex((item, at) => (left -= weight(item)) < 0 && at > 0);
  return items.slice(0, end < 0 ? items.length : end);
}

/** As many from the end as the budget holds, and one at least. */
export function takeLast<T>(items: readonly T[], weight: (item: T) => number, budget = maxBytes): T[] {
  return takeFirst(items.toReversed(), weight, budget).reverse();
}

/** All of them, in parts that the budget holds. */
export function split<E extends StoredEntry>(entries: readonly E[]): E[][] {
  const parts: E[][] = [];
  for (let from = 0; from < entries.length; from += parts.at(-1)!.length) parts.push(takeFirst(entries.slice(from), weigh));
  return parts;
}
