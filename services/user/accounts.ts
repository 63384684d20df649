import type { UserRole } from "@confab/contracts";
import { broadcast, type Meta } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import { v7 as uuid } from "uuid";
import { isAlive, isClosed, limitsOfLife, normalizeEmail } from "./policies.ts";
import type { UserService } from "./service.ts";
import type { StoredSession, StoredUser } from "./store/documents.ts";

/** What an account may, by what is stored and by the setting of first administrators: they must have proved the address. */
export function roleOf(service: UserService, user: StoredUser): UserRole {
  return isFirstAdmin(service, user) ? "admin" : (user.role ?? "user");
}

export function isFirstAdmin({ settings }: UserService, { email, emailVerified }: StoredUser): boolean {
  return email !== undefined && emailVerified !== false && settings.ADMINS.some((one) => normalizeEmail(one) === email);
}

/** The session that asks, and whose it is, both alive. */
export async function requireSession(
  { store, settings }: UserService,
  { userId, sessionId }: Meta,
): Promise<{ user: StoredUser; session: StoredSession }> {
  const [user, session] = await Promise.all([
    userId === undefined ? null : store.userById(userId),
    sessionId === undefined ? null : store.sessionById(sessionId),
  ]);
  const now = Date.now();
  if (!user || !session || session.userId !== userId || !isAlive(session, user, limitsOfLife(settings, now), now))
    throw problem("unauthenticated");
  return { user, session };
}

/** The same, where its user has proved to be there a short while ago. */
export async function requireRecent(service: UserService, meta: Meta): Promise<{ user: StoredUser; session: StoredSession }> {
  const found = await requireSession(service, meta);
  const { confirmedAt = found.session.createdAt } = found.session;
  if (Date.now() - confirmedAt > service.settings.RECENT_MINUTES * 60_000) throw problem("user.recent_sign_in_required");
  return found;
}

/** Ends one session. Told also where it had ended before: whoever ended it may have died before telling. */
export async function endSession(service: UserService, { _id: sessionId, userId }: Pick<StoredSession, "_id" | "userId">) {
  // G6: the store holds the end before anybody hears of it.
  await service.store.endSession(sessionId, userId, Date.now());
  broadcast(service.broker, "user.session.ended", { userId, sessionId });
}

type Change = Parameters<UserService["store"]["nextEpoch"]>[2];

/**
 * Ends all sessions of a user, those among them that are just being started: by the same write that stores what they
 * end for. Answers the user as it is then; null where there is none.
 */
export async function endSessions(
  service: UserService,
  userId: string,
  { change = {} }: { change?: Change } = {},
): Promise<StoredUser | null> {
  // G6: one write, and none of them is alive any more.
  const user = await service.store.nextEpoch(userId, null, change);
  broadcast(service.broker, "user.sessions.ended", { userId, except: null });
  return user;
}

/**
 * The same, for all but the session that asks. Null where it was not done: where something has ended this one since it was
 * found alive, or it would come back to life as the one that is kept (G6).
 */
export async function endOtherSessions(
  service: UserService,
  { user, session }: { user: StoredUser; session: StoredSession },
  { change = {} }: { change?: Change } = {},
): Promise<StoredUser | null> {
  const { _id: userId, epoch } = user;
  const changed = await service.store.nextEpoch(userId, { sessionId: session._id, epoch }, change);
  if (changed) broadcast(service.broker, "user.sessions.ended", { userId, except: session._id });
  return changed;
}

/** Puts an act into the audit log, before it is done: nothing is done that is not told of. */
export async function noteAct(
  { store }: UserService,
  meta: Meta,
  { action, target = null, details = {} }: { action: string; target?: string | null; details?: Record<string, unknown> },
): Promise<void> {
  const by = meta.userId ?? (meta.keyId ? `key:${meta.keyId}` : "system");
  await store.admin.noteAct({
    ...{ _id: uuid(), at: Date.now(), by, action, target },
    ...{ address: meta.address ?? "", details: JSON.stringify(details) },
  });
}

/** Nobody signs in to an account that is closed, or on its way out. */
export function requireOpen(user: StoredUser): void {
  if (isClosed(user, Date.now())) throw problem("user.banned");
}
