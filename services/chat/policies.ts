/* Who may do what in a chat. Pure: the folded state goes in, an answer or a problem comes out. */
import type { Role } from "@confab/contracts";
import { problem } from "@confab/mixins/problem.ts";
import type { ChatState } from "./fold.ts";
import type { Interval, StoredMember } from "./store/documents.ts";

type State = Readonly<ChatState>;

/** The membership of a user, or `chat.not_found`: a chat that one is not in and one that is not there look alike. */
export function requireMember(state: State, userId: string): StoredMember {
  const member = state.members.get(userId);
  if (!member) throw problem("chat.not_found");
  return member;
}

/** A chat can be created only where nothing is yet. */
export const isNew = (state: State): boolean => state.rev === 0;

/** What a role allows in a group. In a direct chat both people may write and pin, and nothing else is there to be done. */
export const rights = {
  /** While posting is for admins; else whoever is a member. */
  post: ["owner", "admin"],
  pin: ["owner", "admin"],
  deleteOthers: ["owner", "admin"],
  change: ["owner", "admin"],
  add: ["owner", "admin"],
  remove: ["owner", "admin"],
  ban: ["owner", "admin"],
  invite: ["owner", "admin"],
  promote: ["owner"],
  deleteChat: ["owner"],
} as const satisfies Record<string, readonly Role[]>;
export type Right = keyof typeof rights;

const inDirectToo = new Set<Right>(["post", "pin"]);

export function may(state: Pick<State, "type">, role: Role, right: Right): boolean {
  if (state.type === "direct") return inDirectToo.has(right);
  return (rights[right] as readonly Role[]).includes(role);
}

/** The membership of somebody who has this right. */
export function requireRight(state: State, userId: string, right: Right): StoredMember {
  const member = requireMember(state, userId);
  if (state.type === "direct" && !inDirectToo.has(right)) throw problem("chat.groups_only");
  if (!may(state, member.role, right)) throw problem("chat.not_allowed");
  return member;
}

/** Owners act on everybody, admins on members. */
export const outranks = (actor: Role, target: Role): boolean => actor === "owner" || (actor === "admin" && target === "member");

export const mayWrite = (state: State, { role }: StoredMember): boolean => state.posting === "all" || may(state, role, "post");

/** Throws where the member must not send a message now. */
export function requireMaySend(state: State, userId: string, now: number): void {
  const member = requireMember(state, userId);
  if (!mayWrite(state, member)) throw problem("chat.not_allowed");
  if (state.slowMode === 0 || member.sentSeq === 0 || may(state, member.role, "post")) return;
  const spell = state.slowMode * 1000;
  const wait = member.sentAt + spell - now;
  // Further ahead it is a clock that was wrong, and nobody is to wait for that.
  if (wait > 0 && wait <= 2 * spell) throw problem("chat.slow_mode", { retryAfter: Math.ceil(wait / 1000) });
}

/** Whoever is the last owner among others stays, or passes it on first. */
export function requireOtherOwner(state: State, userId: string): void {
  const member = state.members.get(userId);
  if (member?.role !== "owner" || state.members.size === 1) return;
  const others = [...state.members].some(([id, { role }]) => id !== userId && role === "owner");
  if (!others) throw problem("chat.last_owner");
}

/** What a member may see, or what somebody who has left could see. */
export const seesOf = (state: State, userId: string): readonly Interval[] =>
  state.members.get(userId)?.sees ?? state.past.get(userId) ?? [];

export function seesRev(sees: readonly Interval[], rev: number): boolean {
  const interval = sees.findLast(({ fromRev }) => fromRev <= rev);
  return interval !== undefined && rev <= (interval.toRev ?? Infinity);
}

export function seesSeq(sees: readonly Interval[], seq: number): boolean {
  const interval = sees.findLast(({ fromSeq }) => fromSeq <= seq);
  return interval !== undefined && seq <= (interval.toSeq ?? Infinity);
}

/**
 * Whether a user met another in this chat. A member met all who may see some of what the member may see, those among
 * them who have left: their names stand at their messages. Whoever has left met those in whose company something was
 * said, as far as that is known, and nobody who came later.
 */
export function haveMet(state: State, userId: string, other: string): boolean {
  const [mine, theirs] = [seesOf(state, userId), seesOf(state, other)];
  if (userId === other || !overlap(mine, theirs)) return false;
  if (state.members.has(userId)) return true;
  const { toRev = Infinity, toSeq = Infinity } = mine.at(-1)!;
  const member = state.members.get(other);
  return member ? member.joinedSeq < toSeq : theirs.at(-1)!.toRev! <= toRev;
}

/** Walks both once. */
function overlap(some: readonly Interval[], others: readonly Interval[]): boolean {
  for (let [at, other] = [0, 0]; at < some.length && other < others.length;) {
    const [a, b] = [some[at]!, others[other]!];
    const [endOfA, endOfB] = [a.toRev ?? Infinity, b.toRev ?? Infinity];
    if (a.fromRev <= endOfB && b.fromRev <= endOfA) return true;
    if (endOfA < endOfB) at++;
    else other++;
  }
  return false;
}

/** The messages that a member may see, as ranges without empty ones, ascending. */
export function visibleSeqs(state: State, userId: string): { from: number; to: number }[] {
  return seesOf(state, userId)
    .map(({ fromSeq, toSeq = state.lastSeq }) => ({ from: fromSeq, to: toSeq }))
    .filter(({ from, to }) => from <= to);
}
