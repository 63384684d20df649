import { useEffect } from "preact/hooks";
import { useClient } from "./client.ts";
import { inFuture } from "./time.ts";

/** The window's title tells how many chats wait that are neither muted nor archived. */
export function useTitle(): void {
  const waiting = useClient(
    ({ chats }) =>
      [...chats.values()].filter(
        ({ chat: { me, unreadCount, unreadMentions } }) =>
          (unreadCount > 0 || me.markedUnread) && !me.archived && (!inFuture(me.mutedUntil) || unreadMentions > 0),
      ).length,
  );
  useEffect(() => {
    document.title = waiting > 0 ? `(${waiting}) Confab` : "Confab";
    return () => void (document.title = "Confab");
  }, [waiting]);
}
