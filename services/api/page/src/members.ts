import type { Result } from "@confab/contracts";
import { useCallback, useEffect, useState } from "preact/hooks";
import { client } from "./client.ts";

export type ChatMember = Result<"chat.member.list">["items"][number];

const listeners = new Set<(chatId: string) => void>();

/** The members of a chat are others now, or have other roles. */
export function membersChanged(chatId: string): void {
  for (const listener of [...listeners]) listener(chatId);
}

/** The members of a chat, in pages of a hundred, read again when they change. */
export function useMembers(chatId: string) {
  const [members, setMembers] = useState<readonly ChatMember[]>([]);
  const [cursor, setCursor] = useState<string | null>(null);

  const load = useCallback(async () => {
    const page = await client.call("chat.member.list", { chatId });
    setMembers(page.items);
    setCursor(page.nextCursor);
  }, [chatId]);
  useEffect(() => {
    const look = (changed: string) => changed === chatId && void load().catch(() => {});
    look(chatId);
    listeners.add(look);
    return () => void listeners.delete(look);
  }, [load]);

  const more = async () => {
    if (!cursor) return;
    const page = await client.call("chat.member.list", { chatId, cursor });
    setMembers((known) => [...known, ...page.items]);
    setCursor(page.nextCursor);
  };
  return { members, more: cursor ? more : undefined };
}
