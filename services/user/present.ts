import type { Act, AdminUser, Me, Profile, Report } from "@confab/contracts";
import { provedEmail } from "./addresses.ts";
import { isClosed } from "./policies.ts";
import type { StoredAct, StoredReport } from "./store/admin.store.ts";
import type { StoredUser } from "./store/documents.ts";

export const presentTime = (ms: number) => new Date(ms).toISOString();
const timeOrNull = (ms: number | undefined) => (ms === undefined ? null : presentTime(ms));

/** Where the gateway serves pictures. */
const presentAvatar = (avatarId: string | undefined) => (avatarId ? `/avatars/${avatarId}` : null);
export const presentData = (data: string | undefined) => JSON.parse(data ?? "{}") as Record<string, unknown>;

/** A user as others see one: never the address. */
export const presentProfile = ({ _id, name, avatarId, data }: StoredUser): Profile => ({
  id: _id,
  name,
  avatar: presentAvatar(avatarId),
  data: presentData(data),
});

/** A user as seen by oneself. */
export const presentMe = (user: StoredUser, role: Me["role"]): Me => ({
  ...presentProfile(user),
  externalId: user.externalId ?? null,
  email: user.email ?? null,
  emailVerified: user.email !== undefined && user.emailVerified !== false,
  hasPassword: user.passwordHash !== undefined,
  hasTotp: user.totpSecret !== undefined,
  role,
  eraseAt: timeOrNull(user.eraseAt),
  createdAt: presentTime(user.createdAt),
});

/**
 * Where somebody may be mailed what they did not ask for just now. Nowhere while the account is closed, or its owner
 * wants it erased; and an address by the host's word alone may be a stranger's.
 */
export function presentRecipient(user: StoredUser, now: number): { userId: string; email: string; name: string } | undefined {
  const email = provedEmail(user);
  if (email === undefined || !isToStay(user, now)) return undefined;
  return { userId: user._id, email, name: user.name };
}

/** Why it is so. */
export const presentMailed = (user: StoredUser, now: number) => ({
  userId: user._id,
  isProved: provedEmail(user) !== undefined,
  isOpen: isToStay(user, now),
});

const isToStay = (user: StoredUser, now: number) => !isClosed(user, now) && user.eraseAt === undefined;

/** A user as administrators see one. */
export const presentAdminUser = (user: StoredUser, role: Me["role"]): AdminUser => ({
  ...presentMe(user, role),
  ban: user.ban ? { reason: user.ban.reason, at: presentTime(user.ban.at), until: timeOrNull(user.ban.until) } : null,
  erasedAt: timeOrNull(user.erasedAt),
});

export const presentReport = ({ _id, openKey: _, createdAt, closedAt, ...report }: StoredReport): Report => ({
  id: _id,
  ...report,
  createdAt: presentTime(createdAt),
  closedAt: closedAt === null ? null : presentTime(closedAt),
});

export const presentAct = ({ _id, at, details, ...act }: StoredAct): Act => ({
  id: _id,
  at: presentTime(at),
  ...act,
  details: JSON.parse(details) as Record<string, unknown>,
});
