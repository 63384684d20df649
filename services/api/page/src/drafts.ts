import { useEffect, useState } from "preact/hooks";

/* What one is writing in each chat, kept in this browser until it is sent or one signs out. */

export interface Draft {
  text: string;
  /** The message that it answers. */
  replyTo?: { id: string; seq: number };
  /** Names in the text that stand for people. */
  mentions?: Record<string, string>;
}

const keyOf = (userId: string) => `confab:drafts:${userId}`;
const listeners = new Set<() => void>();

function read(userId: string): Record<string, Draft> {
  try {
    return JSON.parse(localStorage.getItem(keyOf(userId)) ?? "{}") as Record<string, Draft>;
  } catch {
    return {};
  }
}

export const draftOf = (userId: string, chatId: string): Draft => read(userId)[chatId] ?? { text: "" };

export function keepDraft(userId: string, chatId: string, draft: Draft): void {
  const { [chatId]: _, ...others } = read(userId);
  const drafts = draft.text.trim() || draft.replyTo ? { ...others, [chatId]: draft } : others;
  try {
    localStorage.setItem(keyOf(userId), JSON.stringify(drafts));
  } catch {
    // A browser that keeps nothing still sends.
  }
  for (const listener of [...listeners]) listener();
}

export function forgetDrafts(userId: string): void {
  try {
    localStorage.removeItem(keyOf(userId));
  } catch {
    // It kept nothing.
  }
}

/** The drafts of all chats, for the list. */
export function useDrafts(userId: string): Record<string, Draft> {
  const [drafts, setDrafts] = useState(() => read(userId));
  useEffect(() => {
    const look = () => setDrafts(read(userId));
    listeners.add(look);
    return () => void listeners.delete(look);
  }, [userId]);
  return drafts;
}
