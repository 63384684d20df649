import type { Entry, Message } from "@confab/contracts";
import type { ChatState } from "@confab/sdk";
import { useEffect, useState } from "preact/hooks";
import { client } from "./client.ts";
import { membersChanged } from "./members.ts";

/* What happened in a chat besides messages: the page reads it from the log, for the part whose messages are shown. */

export type Line = Exclude<
  Entry,
  { type: `message.${string}` | `reaction.${string}` | "pin.removed" | "ban.added" | "ban.removed" | "chat.deleted" }
>;

interface Known {
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
const nothing: Known = { lines: [], read: [] };
const known = new Map<string, Known>();
const listeners = new Set<() => void>();
const running = new Map<string, Promise<void>>();
const pageSize = 100;

/** Takes in what the log holds after `from` up to `to`. */
export function addEntries(state: Known, from: number, to: number, entries: readonly Entry[]): Known {
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
export function firstGap(state: Known, from: number, to: number): { from: number; to: number } | undefined {
  let at = from;
  for (const part of state.read) {
    if (part.from > at) break;
    at = Math.max(at, part.to);
  }
  if (at >= to) return undefined;
  const next = state.read.find((part) => part.from > at);
  return { from: at, to: Math.min(to, next?.from ?? to) };
}

function take(chatId: string, from: number, to: number, entries: readonly Entry[]): void {
  const before = known.get(chatId) ?? nothing;
  const now = addEntries(before, from, to, entries);
  known.set(chatId, now);
  if (now.lines === before.lines) return;
  for (const listener of [...listeners]) listener();
  if (entries.some(({ type }) => type.startsWith("member."))) membersChanged(chatId);
}

client.on("chat:entry", (entry) => take(entry.chatId, entry.rev - 1, entry.rev, [entry]));

async function read(chatId: string, from: number, to: number): Promise<void> {
  for (let gap = firstGap(known.get(chatId) ?? nothing, from, to); gap; gap = firstGap(known.get(chatId) ?? nothing, from, to)) {
    const limit = Math.min(pageSize, gap.to - gap.from);
    const { items } = await client.call("chat.entry.list", { chatId, after: gap.from, limit });
    // Places that one may not see are left out: a short page goes to the end.
    take(chatId, gap.from, items.length < limit ? gap.to : items.at(-1)!.rev, items);
  }
}

/** Reads one part after the other. */
function readLater(chatId: string, from: number, to: number): void {
  const next = (running.get(chatId) ?? Promise.resolve()).then(() => read(chatId, from, to).catch(() => {}));
  running.set(chatId, next);
}

export function forgetEntries(): void {
  known.clear();
}

/** The lines that belong between these messages, and after them where they are the newest. */
export function useLines({ chat, rev, older, window }: ChatState, messages: readonly Message[]): readonly Line[] {
  const [, redraw] = useState(0);
  // A changed message has a later place than its first one; some neighbour has its own still.
  const first = messages.reduce((least, message) => Math.min(least, message.rev), rev + 1);
  const last = messages.reduce((most, message) => Math.max(most, message.rev), 0);
  const from = (window ? window.before : older) === null ? 0 : first - 1;
  const to = window && window.after !== null ? last : rev;
  useEffect(() => {
    if (chat.type === "group" && to > from) readLater(chat.id, from, to);
  }, [chat.id, from, to]);
  useEffect(() => {
    const listener = () => redraw((count) => count + 1);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  if (chat.type !== "group") return nothing.lines;
  return (known.get(chat.id) ?? nothing).lines;
}
