/* What an entry does to one message. Pure. */
import type { Entry, Message } from "@confab/contracts";

/** An entry about a message that is there already. */
export type ChangeEntry = Extract<Entry, { data: { messageId: string } }>;

const changes: readonly string[] = [
  "message.edited",
  "message.deleted",
  "reaction.added",
  "reaction.removed",
  "pin.added",
  "pin.removed",
] satisfies ChangeEntry["type"][];

/** Whether the entry is about a message that is there already. */
export const isChange = (entry: Entry): entry is ChangeEntry => changes.includes(entry.type);

/**
 * The message after the entry. The same object where it is about something else, or is in the message already: a page
 * may be of a later moment than the entries that are being applied.
 */
export function changeMessage(message: Message, entry: Entry, myId: string): Message {
  if (!isChange(entry) || entry.data.messageId !== message.id || entry.rev <= message.rev) return message;
  const after = { ...message, rev: entry.rev };
  switch (entry.type) {
    case "message.edited": {
      const { text, mentions, data } = entry.data;
      return { ...after, text, mentions, data, editedAt: entry.at };
    }
    case "message.deleted":
      return { ...after, text: "", mentions: [], data: {}, reactions: [], pinned: false, deletedAt: entry.at };
    case "reaction.added":
      return { ...after, reactions: react(message.reactions, entry.data.emoji, 1, entry.by === myId) };
    case "reaction.removed":
      return { ...after, reactions: react(message.reactions, entry.data.emoji, -1, entry.by === myId) };
    case "pin.added":
      return { ...after, pinned: true };
    case "pin.removed":
      return { ...after, pinned: false };
  }
}

type Reactions = Message["reactions"];

/** In the order of their first appearance; what nobody stands behind any more is gone. */
function react(reactions: Reactions, emoji: string, step: 1 | -1, isMine: boolean): Reactions {
  const known = reactions.find((reaction) => reaction.emoji === emoji);
  if (!known) return step === 1 ? [...reactions, { emoji, count: 1, mine: isMine }] : reactions;
  const now = { emoji, count: known.count + step, mine: isMine ? step === 1 : known.mine };
  return reactions.flatMap((reaction) => (reaction !== known ? reaction : now.count > 0 ? now : []));
}

/** Whether the message names this person, and is not their own. */
export const mentions = (message: Message, userId: string): boolean =>
  message.senderId !== userId && (message.mentions === "all" || message.mentions.includes(userId));

/** Of two forms of one message the later. */
export const newer = (one: Message, other: Message | null | undefined): Message =>
  other && other.id === one.id && other.rev > one.rev ? other : one;
