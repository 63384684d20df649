/* A state as it is stored, and when it is worth storing. */
import { emptyState, type ChatState } from "./fold.ts";
import type { Interval, StoredEntry } from "./store/documents.ts";
import type { PackedInterval, StoredState } from "./store/projections.ts";

/** G9: a state that was stored with another number is rebuilt from the log. */
const form = 1;
/**
 * A state is stored once the log has grown by this part of its weight. So what is written for an entry does not grow with
 * the chat, and reading the entries after a stored state costs less than reading the state.
 */
const growth = 1 / 4;

const pack = ({ fromRev, fromSeq, sinceRev = 0, toRev, toSeq }: Interval): PackedInterval =>
  toRev === undefined ? [fromRev, fromSeq, sinceRev] : [fromRev, fromSeq, sinceRev, toRev, toSeq!];

function unpack([fromRev, fromSeq, sinceRev, toRev, toSeq]: PackedInterval): Interval {
  const since = sinceRev ? { sinceRev } : {};
  const until = toRev === undefined ? {} : { toRev, toSeq: toSeq! };
  return { fromRev: fromRev!, fromSeq: fromSeq!, ...since, ...until };
}

export function storeState(state: Readonly<ChatState>, keptAt: number): StoredState {
  const { chatId, members, past, bans, inviteUses, recent: _, recentFrom: __, lastMessage: ___, ...rest } = state;
  return {
    _id: chatId,
    form,
    keptAt,
    ...rest,
    members: [...members].map(([userId, { role, joinedAt, joinedSeq, sentSeq, sentAt, sees }]) => [
      ...([userId, role, joinedAt, joinedSeq, sentSeq, sentAt] as const),
      sees.map(pack),
    ]),
    past: [...past].map(([userId, sees]) => [userId, sees.map(pack)]),
    bans: [...bans].map(([userId, { by, at }]) => [userId, by, at]),
    inviteUses: [...inviteUses],
  };
}

/** The state again, or an empty one where it was stored in another form. */
export function restoreState(stored: StoredState): ChatState {
  const { _id: chatId, form: storedForm, keptAt: _, members, past, bans, inviteUses, ...rest } = stored;
  if (storedForm !== form) return emptyState(chatId);
  return {
    ...rest,
    chatId,
    members: new Map(
      members.map(([userId, role, joinedAt, joinedSeq, sentSeq, sentAt, sees]) => [
        userId,
        { role, joinedAt, joinedSeq, sentSeq, sentAt, sees: sees.map(unpack) },
      ]),
    ),
    past: new Map(past.map(([userId, sees]) => [userId, sees.map(unpack)])),
    bans: new Map(bans.map(([userId, by, at]) => [userId, { by, at }])),
    inviteUses: new Map(inviteUses),
    lastMessage: rest.lastSeq === 0 || rest.deleted ? null : undefined,
    recent: [],
    recentFrom: rest.rev,
  };
}

/** Whether the entry is the one that a state ends with: the log may have been restored to a time before the state. */
export const endsWith = (state: Readonly<ChatState>, entry: StoredEntry | undefined): boolean =>
  entry?.rev === state.rev && entry.seq === state.lastSeq && entry.at === state.changedAt;

const ofInterval = 24;

/** What a state comes to as JSON, about. */
export function weighState({ title, data, members, past, bans, pins, inviteUses }: Readonly<ChatState>): number {
  let bytes = 450 + (title?.length ?? 0) + data.length + 90 * bans.size + 60 * pins.length + 45 * inviteUses.size;
  for (const { sees } of members.values()) bytes += 90 + ofInterval * sees.length;
  for (const sees of past.values()) bytes += 45 + ofInterval * sees.length;
  return bytes;
}

/** What an entry comes to, at least. */
export function weighEntry({ body }: StoredEntry): number {
  let bytes = 300;
  if ("text" in body) bytes += body.text.length;
  if ("data" in body) bytes += body.data.length;
  if ("members" in body) bytes += 60 * body.members.length;
  return bytes;
}

export const isWorthKeeping = (weight: number, grown: number, { deleted }: Readonly<ChatState>): boolean =>
  deleted || grown >= weight * growth;
