import type { Limits } from "@confab/contracts";
import { declareSettings, integer, type Values } from "./settings.ts";

/** The limits that several services keep and that clients are told of. */
export const limitSettings = declareSettings("limits", {
  MAX_TEXT: integer({ about: "Longest message, in characters.", default: 8000, min: 1, max: 65_536 }),
  MAX_MEMBERS: integer({ about: "Most members of a chat.", default: 1000, min: 2, max: 1001 }),
  MAX_BODY: integer({ about: "Largest request body or socket message, in bytes.", default: 65_536, min: 1024 }),
  EDIT_WINDOW: integer({ about: "Seconds that a message can be edited; 0 is for ever.", default: 86_400 }),
  MAX_REACTIONS: integer({ about: "Most different emoji on a message.", default: 50, min: 1, max: 1000 }),
  MAX_PINS: integer({ about: "Most pinned messages of a chat.", default: 100, min: 1, max: 1000 }),
  LIVE_RECEIPTS: integer({ about: "Receipts are told live in chats of up to so many members.", default: 100 }),
  LIVE_TYPING: integer({ about: "Typing is told in chats of up to so many members.", default: 100 }),
  TYPING_EVERY: integer({
    about: "Seconds between two times that a client says again that somebody is typing.",
    default: 3,
    min: 1,
  }),
});

export function presentLimits(settings: Values<typeof limitSettings.declarations>): Limits {
  return {
    maxText: settings.MAX_TEXT,
    maxMembers: settings.MAX_MEMBERS,
    maxBody: settings.MAX_BODY,
    maxPage: 100,
    editWindow: settings.EDIT_WINDOW,
    maxReactions: settings.MAX_REACTIONS,
    maxPins: settings.MAX_PINS,
    liveReceipts: settings.LIVE_RECEIPTS,
    liveTyping: settings.LIVE_TYPING,
    typingEvery: settings.TYPING_EVERY,
  };
}
