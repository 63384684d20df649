import type { Chat } from "@confab/contracts";
import { client } from "../client.ts";
import { act } from "../parts/form.tsx";
import { openMenu } from "../parts/menu.tsx";
import { inFuture } from "../time.ts";

type Mine = Pick<Partial<Chat["me"]>, "mutedUntil" | "pinned" | "archived" | "markedUnread">;

export const changeMine = (chatId: string, changes: Mine) => act(client.call("chat.me.change", { chatId, ...changes }));

const hourMs = 3_600_000;
const muteTimes = [
  { label: "For an hour", ms: hourMs },
  { label: "For eight hours", ms: 8 * hourMs },
  { label: "For a week", ms: 7 * 24 * hourMs },
  { label: "Until I turn it on again", ms: 100 * 365 * 24 * hourMs },
];

export function openMuteMenu(anchor: Element, chatId: string): void {
  openMenu(
    anchor,
    "Mute",
    muteTimes.map(({ label, ms }) => ({
      label,
      run: () => changeMine(chatId, { mutedUntil: new Date(Date.now() + ms).toISOString() }),
    })),
  );
}

/** What one does with a chat for oneself, on all devices. */
export function openChatMenu(anchor: Element, { id, me, unreadCount }: Chat): void {
  const unread = unreadCount > 0 || me.markedUnread;
  openMenu(anchor, "Chat", [
    unread
      ? {
          label: "Mark as read",
          icon: "check",
          testid: "mark-read",
          run: () => {
            client.markRead(id);
            if (me.markedUnread) changeMine(id, { markedUnread: false });
          },
        }
      : { label: "Mark as unread", icon: "bell", testid: "mark-unread", run: () => changeMine(id, { markedUnread: true }) },
    {
      label: me.pinned ? "Unpin" : "Pin to the top",
      icon: "pin",
      testid: "pin-chat",
      run: () => changeMine(id, { pinned: !me.pinned }),
    },
    inFuture(me.mutedUntil)
      ? { label: "Unmute", icon: "bell", testid: "unmute", run: () => changeMine(id, { mutedUntil: null }) }
      : { label: "Mute …", icon: "mute", testid: "mute", run: () => openMuteMenu(anchor, id) },
    {
      label: me.archived ? "Take from the archive" : "Archive",
      icon: "archive",
      testid: "archive",
      run: () => changeMine(id, { archived: !me.archived }),
    },
  ]);
}
