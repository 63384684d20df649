/* What a message is after all that happened to it. Pure: entries go in, its present form comes out. */
import type { EntryType, Mentions, Message } from "@confab/contracts";
import { place, type StoredEntry, type StoredEntryOf } from "./store/documents.ts";
import type { StoredChanges, StoredReactor } from "./store/projections.ts";

const changeTypes = [
  "message.edited",
  "message.deleted",
  "reaction.added",
  "reaction.removed",
  "pin.added",
  "pin.removed",
] as const satisfies readonly EntryType[];
export type ChangeEntry = StoredEntryOf<(typeof changeTypes)[number]>;
type AnyChange = { [T in ChangeEntry["type"]]: StoredEntryOf<T> }[ChangeEntry["type"]];

const isChangeType = new Set<string>(changeTypes);
/** Whether the entry changes a message that is there already. */
export const isChange = (entry: StoredEntry): entry is AnyChange => isChangeType.has(entry.type);

/** By what one person has reacted to a message. */
export type Reactor = Pick<StoredReactor, "userId" | "rev" | "emojis">;

/** What happened to a message after it was sent, as it is put together from what is stored and from entries. */
export interface Changes extends Omit<StoredChanges, "edited"> {
  /** Undefined as long as it says what was sent. */
  edited?: { rev: number; at: number; text: string; data: string; mentions: Mentions };
  /** The reactions of the person who asks, where those of all are only counted. */
  own?: Reactor;
}

/** Reactions whose authors are kept with the message. Of more they are kept apart, so that one more rewrites little. */
const maxListed = 32;

const untouched = (chatId: string, seq: number): Changes => ({
  _id: place(chatId, seq),
  chatId,
  seq,
  rev: 0,
  reactions: [],
  pinned: false,
});

/** The changes of a message with one more entry; those that are in it already change nothing. Never in place. */
export function applyChange(changes: Changes | null | undefined, entry: StoredEntry): Changes {
  if (!isChange(entry)) throw new Error(`${entry.type} changes no message`);
  const before = changes ?? untouched(entry.chatId, entry.body.seq);
  if (entry.rev <= before.rev) return before;
  const after = { ...before, rev: entry.rev };
  switch (entry.type) {
    case "message.edited": {
      const { text, data, mentions } = entry.body;
      return { ...after, edited: { rev: entry.rev, at: entry.at, text, data, mentions }, edits: (before.edits ?? 0) + 1 };
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
    case "reaction.removed":
      return react(after, entry);
    case "pin.added":
      return { ...after, pinned: true };
    case "pin.removed":
      return { ...after, pinned: false };
  }
}

type ReactionEntry = StoredEntryOf<"reaction.added"> | StoredEntryOf<"reaction.removed">;
type Reactions = Changes["reactions"];

const countOf = (who: Reactions[number][1]): number => (typeof who === "number" ? who : who.length);

/** All nodes that read the same entries find `many` at the same rev, so none stores a list over what another has counted. */
function react(changes: Changes, entry: ReactionEntry): Changes {
  const change = entry.type === "reaction.added" ? addReaction : removeReaction;
  const reactions = change(changes.reactions, entry.body.emoji, entry.by);
  const { own } = changes;
  const isMany = changes.many ?? reactions.reduce((sum, [, who]) => sum + countOf(who), 0) > maxListed;
  return {
    ...changes,
    reactions,
    ...(isMany ? { many: true } : {}),
    ...(own?.userId === entry.by ? { own: reactAs(own, entry) } : {}),
  };
}

function addReaction(reactions: Reactions, emoji: string, userId: string): Reactions {
  if (!reactions.some(([known]) => known === emoji)) return [...reactions, [emoji, [userId]]];
  return reactions.map(([known, who]) => {
    if (known !== emoji) return [known, who];
    return [known, typeof who === "number" ? who + 1 : [...who, userId]];
  });
}

function removeReaction(reactions: Reactions, emoji: string, userId: string): Reactions {
  return reactions
    .map(([known, who]): Reactions[number] => {
      if (known !== emoji) return [known, who];
      return [known, typeof who === "number" ? who - 1 : who.filter((id) => id !== userId)];
    })
    .filter(([, who]) => countOf(who) > 0);
}

/** A person's reactions with one more entry of theirs. */
export function reactAs(reactor: Reactor, entry: ReactionEntry): Reactor {
  if (entry.rev <= reactor.rev) return reactor;
  const others = reactor.emojis.filter(([emoji]) => emoji !== entry.body.emoji);
  const added: Reactor["emojis"] = entry.type === "reaction.added" ? [[entry.body.emoji, entry.rev]] : [];
  return { ...reactor, rev: entry.rev, emojis: [...others, ...added] };
}

const isReaction = (entry: StoredEntry): entry is ReactionEntry =>
  entry.type === "reaction.added" || entry.type === "reaction.removed";

/** Who must be stored apart after these entries of a message: those of the entries, and all that are listed before. */
export function reactorsOf(before: Changes | null, entries: readonly StoredEntry[]): Map<string, Reactor> {
  const reactors = new Map<string, Reactor>();
  const rev = before?.rev ?? 0;
  for (const [emoji, who] of before?.reactions ?? []) {
    if (typeof who === "number") continue;
    who.forEach((userId, at) => {
      const emojis = reactors.get(userId)?.emojis ?? [];
      reactors.set(userId, { userId, rev, emojis: [...emojis, [emoji, at - who.length]] });
    });
  }
  for (const { by: userId } of entries.filter(isReaction))
    if (!reactors.has(userId)) reactors.set(userId, { userId, rev: before?.many ? 0 : rev, emojis: [] });
  return reactors;
}

/** The same people after the entries. */
export function bringReactors(reactors: ReadonlyMap<string, Reactor>, entries: readonly StoredEntry[]): Map<string, Reactor> {
  const after = new Map(reactors);
  for (const entry of entries.filter(isReaction))
    after.set(entry.by, reactAs(after.get(entry.by) ?? { userId: entry.by, rev: 0, emojis: [] }, entry));
  return after;
}

/** Who has reacted by an emoji, the first first. */
export const authorsOf = (reactors: Iterable<Reactor>, emoji: string): string[] =>
  [...reactors]
    .flatMap(({ userId, emojis }) => emojis.filter(([known]) => known === emoji).map(([, order]) => ({ userId, order })))
    .sort((a, b) => a.order - b.order)
    .map(({ userId }) => userId);

/** `changes` must have been read for that user. */
export const hasReacted = (changes: Changes | null | undefined, emoji: string, userId: string): boolean =>
  changes?.reactions.some(([known, who]) => {
    if (known !== emoji) return false;
    if (typeof who !== "number") return who.includes(userId);
    return changes.own?.userId === userId && changes.own.emojis.some(([one]) => one === emoji);
  }) ?? false;

/** The reactions as a person sees them for whom the changes were read. */
export const presentReactions = (changes: Changes, viewerId: string): Message["reactions"] =>
  changes.reactions.map(([emoji, who]) => ({ emoji, count: countOf(who), mine: hasReacted(changes, emoji, viewerId) }));

/** The changes of a message as stored, with those entries of the log that came after. */
export function bringForward(stored: Changes | null | undefined, seq: number, later: readonly StoredEntry[]) {
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
