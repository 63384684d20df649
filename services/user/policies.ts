const minute = 60_000;
const day = 24 * 60 * minute;

/** Addresses are told apart in this form. */
export const normalizeEmail = (email: string) => email.trim().toLowerCase();

/** What a user is called who gave no name. */
export const chooseName = (given: string | undefined, email: string) =>
  (given?.trim() || email.slice(0, email.lastIndexOf("@"))).slice(0, 100);

/** Since when a session must have been used, and since when begun, to be alive. */
export function limitsOfLife(settings: { SESSION_IDLE_DAYS: number; SESSION_MAX_DAYS: number }, now: number) {
  return { usedAfter: now - settings.SESSION_IDLE_DAYS * day, createdAfter: now - settings.SESSION_MAX_DAYS * day };
}
export type LimitsOfLife = ReturnType<typeof limitsOfLife>;

interface Life {
  createdAt: number;
  lastUsedAt: number;
  endedAt?: number;
}

export function isAlive({ createdAt, lastUsedAt, endedAt }: Life, limits: LimitsOfLife): boolean {
  return endedAt === undefined && lastUsedAt > limits.usedAfter && createdAt > limits.createdAfter;
}

/** The last use as it is stored: to the minute, which is all that anybody wants to know. */
export const noteUse = (lastUsedAt: number, now: number) => (now - lastUsedAt >= minute ? now : lastUsedAt);

/**
 * What a refresh token is good for. `rotate`: it is the current one. `repeat`: it was replaced just now, and the
 * answer was lost or two tabs asked. `reused`: two people hold it, so neither keeps the session. `refused`: it is
 * nothing of ours, or its session is over.
 */
export function judgeRefresh(
  session: Life & { generation: number; rotatedAt: number },
  token: { generation: number; current: boolean; genuine: boolean },
  limits: LimitsOfLife,
  { now, grace }: { now: number; grace: number },
): "rotate" | "repeat" | "reused" | "refused" {
  if (!isAlive(session, limits)) return "refused";
  if (token.current) return "rotate";
  if (!token.genuine || token.generation >= session.generation) return "refused";
  const justReplaced = token.generation === session.generation - 1 && now - session.rotatedAt <= grace;
  return justReplaced ? "repeat" : "reused";
}
