import type { Entry } from "@confab/contracts";

/* Pure: which parts of a log have been read, and what of it is shown between the messages. */

export type Line = Exclude<
  Entry,
  { type: `message.${string}` | `reaction.${string}` | "pin.removed" | "ban.added" | "ban.removed" | "chat.deleted" }
>;

export interface LogParts {
  /** Ascending by rev. */
  lines: readonly Line[];
  /** The parts of the log that have been read: after `from`, up to `to`; ascending, apart from each other. */
  read: readonly { from: number; to: number }[];
}

const shownTypes = new Set<string>([
  "member.added",
  "member.removed",
  "member.changed",
  "chat.created",
  "chat.changed",
  "pin.added",
]);
export const noParts: LogParts = { lines: [], read: [] };
/** Takes in what the log holds after `from` up to `to`. */
export function addEntries(state: LogParts, from: number, to: number, entries: readonly Entry[]): LogParts {
  const revs = new Set(state.lines.map(({ rev }) => rev));
  const fresh = entries.filter((entry): entry is Line => shownTypes.has(entry.type) && !revs.has(entry.rev));
  const lines = fresh.length === 0 ? state.lines : [...state.lines, ...fresh].sort((a, b) => a.rev - b.rev);
  const read: { from: number; to: number }[] = [];
  for (const part of [...state.read, { from, to }].sort((a, b) => a.from - b.from)) {
    const last = read.at(-1);
    if (last && part.from <= last.to) last.to = Math.max(last.to, part.to);
    else read.push({ ...part });
  }
  return { lines, read };
}

/** The first part after `from` up to `to` that has not been read. */
export function firstGap(state: LogParts, from: number, to: number): { from: number; to: number } | undefined {
  let at = from;
  for (const part of state.read) {
    if (part.from > at) break;
    at = Math.max(at, part.to);
  }
  if (at >= to) return undefined;
  const next = state.read.find((part) => part.from > at);
  return { from: at, to: Math.min(to, next?.from ?? to) };
}
