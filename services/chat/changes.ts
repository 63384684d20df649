/* What a message is after all that happened to it. Pure: entries go in, its present form comes out. */
import type { EntryType } from "@confab/contracts";
import { place, type StoredChanges, type StoredEntry, type StoredEntryOf } from "./store/documents.ts";

const changeTypes = [
  "message.edited",
  "message.deleted",
  "reaction.added",
  "reaction.removed",
  "pin.added",
  "pin.removed",
] as const satisfies readonly EntryType[];
export type ChangeEntry = StoredEntryOf<(typeof changeTypes)[number]>;

const isChangeType = new Set<string>(changeTypes);
/** Whether the entry changes a message that is there already. */
export const isChange = (entry: StoredEntry): entry is { [T in ChangeEntry["type"]]: StoredEntryOf<T> }[ChangeEntry["type"]] =>
  isChangeType.has(entry.type);

const untouched = (chatId: string, seq: number): StoredChanges => ({
  _id: place(chatId, seq),
  chatId,
  seq,
  rev: 0,
  reactions: [],
  pinned: false,
});

/** The changes of a message with one more entry; those that are in it already change nothing. Never in place. */
export function applyChange(changes: StoredChanges | null | undefined, entry: StoredEntry): StoredChanges {
  if (!isChange(entry)) throw new Error(`${entry.type} changes no message`);
  const before = changes ?? untouched(entry.chatId, entry.body.seq);
  if (entry.rev <= before.rev) return before;
  const after = { ...before, rev: entry.rev };
  switch (entry.type) {
    case "message.edited": {
      const { text, data, mentions } = entry.body;
      return { ...after, edited: { text, data, mentions, at: entry.at }, edits: (before.edits ?? 0) + 1 };
    }
    case "message.deleted": {
      const { edited } = after;
      return {
        ...after,
        ...(edited ? { edited: { ...edited, text: "", data: "{}", mentions: [] } } : {}),
        deletedAt: entry.at,
        reactions: [],
        pinned: false,
      };
    }
    case "reaction.added":
      return { ...after, reactions: addReaction(after.reactions, entry.body.emoji, entry.by) };
    case "reaction.removed":
      return { ...after, reactions: removeReaction(after.reactions, entry.body.emoji, entry.by) };
    case "pin.added":
      return { ...after, pinned: true };
    case "pin.removed":
      return { ...after, pinned: false };
  }
}

type Reactions = StoredChanges["reactions"];

function addReaction(reactions: Reactions, emoji: string, userId: string): Reactions {
  if (!reactions.some(([known]) => known === emoji)) return [...reactions, [emoji, [userId]]];
  return reactions.map(([known, userIds]) => [known, known === emoji ? [...userIds, userId] : userIds]);
}

function removeReaction(reactions: Reactions, emoji: string, userId: string): Reactions {
  return reactions
    .map(([known, userIds]): Reactions[number] => [known, known === emoji ? userIds.filter((id) => id !== userId) : userIds])
    .filter(([, userIds]) => userIds.length > 0);
}

export const hasReacted = (changes: StoredChanges | null | undefined, emoji: string, userId: string): boolean =>
  changes?.reactions.some(([known, userIds]) => known === emoji && userIds.includes(userId)) ?? false;

/** The changes of a message as stored, with those entries of the log that came after. */
export function bringForward(stored: StoredChanges | null | undefined, seq: number, later: readonly StoredEntry[]) {
  let changes = stored ?? null;
  for (const entry of later) if (isChange(entry) && entry.body.seq === seq) changes = applyChange(changes, entry);
  return changes;
}

/** What is left of words when their message was deleted. */
export const erase = <B extends { text: string; data: string; erased?: true }>(body: B): B => ({
  ...body,
  text: "",
  data: "{}",
  mentions: [],
  erased: true,
});
