import type { StoredSession, StoredUser } from "./store/documents.ts";

const minute = 60_000;
const day = 24 * 60 * minute;

/** Addresses are told apart in this form. */
export const normalizeEmail = (email: string) => email.trim().toLowerCase();

/** A name as it is searched: without marks, in lower case, and no longer than a name is, whatever its characters decompose to. */
export const nameKey = (name: string) =>
  [...name.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().trim()].slice(0, 100).join("");

/** What a user is called who gave no name. */
export const chooseName = (given: string | undefined, email: string) =>
  given?.trim() || email.slice(0, email.lastIndexOf("@")).slice(0, 100);

/** Since when a session must have been used, and since when begun, to be alive. */
export function limitsOfLife(settings: { SESSION_IDLE_DAYS: number; SESSION_MAX_DAYS: number }, now: number) {
  return { usedAfter: now - settings.SESSION_IDLE_DAYS * day, createdAfter: now - settings.SESSION_MAX_DAYS * day };
}
export type LimitsOfLife = ReturnType<typeof limitsOfLife>;

/** What decides whether a session is alive: what is stored of it, and of its user. */
type Life = Pick<StoredSession, "_id" | "createdAt" | "lastUsedAt" | "endedAt" | "epoch">;
type Owner = Pick<StoredUser, "epoch" | "keptSession" | "ban" | "erasing" | "erasedAt">;

export function isAlive(session: Life, owner: Owner, limits: LimitsOfLife, now: number): boolean {
  const { createdAt, lastUsedAt, endedAt, epoch, _id } = session;
  const isOver = endedAt !== undefined || lastUsedAt <= limits.usedAfter || createdAt <= limits.createdAfter;
  const isOfNow = epoch === (owner.epoch ?? 0) || owner.keptSession === _id;
  return !isOver && isOfNow && !isClosed(owner, now);
}

export const isBanned = ({ ban }: Pick<Owner, "ban">, now: number) =>
  ban !== undefined && (ban.until === undefined || ban.until > now);

/** Whether nobody may be signed in to the account. */
export const isClosed = (owner: Pick<Owner, "ban" | "erasing" | "erasedAt">, now: number) =>
  isBanned(owner, now) || owner.erasing === true || owner.erasedAt !== undefined;

/** The last use as it is stored: to the minute, which is all that anybody wants to know. */
export const noteUse = (lastUsedAt: number, now: number) => (now - lastUsedAt >= minute ? now : lastUsedAt);

/**
 * What a refresh token is good for. `rotate`: it is the current one. `repeat`: it was replaced just now, and the
 * answer was lost or two tabs asked. `reused`: two people hold it, so neither keeps the session. `refused`: it is
 * nothing of ours, or its session is over.
 */
export function judgeRefresh(
  session: Pick<StoredSession, "generation" | "rotatedAt">,
  token: { generation: number; current: boolean; genuine: boolean },
  { alive, now, grace }: { alive: boolean; now: number; grace: number },
): "rotate" | "repeat" | "reused" | "refused" {
  if (!alive) return "refused";
  if (token.current) return "rotate";
  if (!token.genuine || token.generation >= session.generation) return "refused";
  const justReplaced = token.generation === session.generation - 1 && now - session.rotatedAt <= grace;
  return justReplaced ? "repeat" : "reused";
}
