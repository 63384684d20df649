import type { Entry, Message } from "@confab/contracts";
import type { ChatState } from "@confab/sdk";
import { useEffect, useState } from "preact/hooks";
import { client } from "./client.ts";
import { addEntries, firstGap, noParts, type Line, type LogParts } from "./log-parts.ts";
import { membersChanged } from "./members.ts";

/* What happened in a chat besides messages: the page reads it from the log, for the part whose messages are shown. */

const known = new Map<string, LogParts>();
const listeners = new Set<() => void>();
const running = new Map<string, Promise<void>>();
const pageSize = 100;

function take(chatId: string, from: number, to: number, entries: readonly Entry[]): void {
  const before = known.get(chatId) ?? noParts;
  const now = addEntries(before, from, to, entries);
  known.set(chatId, now);
  if (now.lines === before.lines) return;
  for (const listener of [...listeners]) listener();
  if (entries.some(({ type }) => type.startsWith("member."))) membersChanged(chatId);
}

client.on("chat:entry", (entry) => take(entry.chatId, entry.rev - 1, entry.rev, [entry]));

async function read(chatId: string, from: number, to: number): Promise<void> {
  for (let gap = firstGap(known.get(chatId) ?? noParts, from, to); gap; gap = firstGap(known.get(chatId) ?? noParts, from, to)) {
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
  if (chat.type !== "group") return noParts.lines;
  return (known.get(chat.id) ?? noParts).lines;
}
