import type { ChatState } from "@confab/sdk";
import { useEffect, useState } from "preact/hooks";

/* How far one has read in this browser: the server learns it only from what one writes. */

const listeners = new Set<() => void>();
const keyOf = (userId: string) => `confab:seen:${userId}`;

function read(userId: string): Record<string, number> {
  try {
    return JSON.parse(localStorage.getItem(keyOf(userId)) ?? "{}") as Record<string, number>;
  } catch {
    return {};
  }
}

export function markSeen(userId: string, chatId: string, seq: number): void {
  const seen = read(userId);
  if ((seen[chatId] ?? 0) >= seq) return;
  try {
    localStorage.setItem(keyOf(userId), JSON.stringify({ ...seen, [chatId]: seq }));
  } catch {
    return;
  }
  for (const listener of listeners) listener();
}

/** Counts the messages of a chat that one has not seen yet. */
export function useUnread(userId: string): (state: ChatState) => number {
  const [, redraw] = useState(0);
  useEffect(() => {
    const listener = () => redraw((count) => count + 1);
    listeners.add(listener);
    window.addEventListener("storage", listener);
    return () => {
      listeners.delete(listener);
      window.removeEventListener("storage", listener);
    };
  }, []);
  const seen = read(userId);
  return ({ chat }) => Math.max(0, chat.lastSeq - Math.max(chat.me.readSeq, seen[chat.id] ?? 0));
}
