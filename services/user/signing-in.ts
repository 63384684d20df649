import type { SignedIn } from "@confab/contracts";
import { call, type Meta } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import { v7 as uuid } from "uuid";
import { requireOpen, roleOf } from "./accounts.ts";
import { provedEmail } from "./addresses.ts";
import { presentMe, presentTime } from "./present.ts";
import type { UserService } from "./service.ts";
import type { StoredSession, StoredUser } from "./store/documents.ts";
import { placeOf } from "./guard.ts";
import { hashToken, makeRefreshToken, newNonce, signAccessToken } from "./tokens.ts";

/**
 * Signs somebody in who has proved to be this user, the second factor included: starts a session, calls off an erasure
 * that waits, and tells of a place that the account does not know.
 */
export async function signIn(service: UserService, user: StoredUser, meta: Meta): Promise<SignedIn> {
  requireOpen(user);
  const { store } = service;
  // Before anything is stored: of an account that is being erased nothing is to be left behind.
  const stays = user.eraseAt === undefined ? user : await store.callOffErasure(user._id);
  if (!stays) throw problem("user.banned");
  const now = Date.now();
  const { device = "", address = "" } = meta;
  const session: StoredSession = {
    ...{ _id: uuid(), userId: user._id, nonce: newNonce(), generation: 1, tokenHash: "", rotatedAt: now },
    ...{ device: device.slice(0, 200), address, createdAt: now, lastUsedAt: now },
    // As it was when the proof was looked at: what ended all sessions since then ends this one too (G6).
    epoch: user.epoch ?? 0,
  };
  const refreshToken = makeRefreshToken(service.keys, { sessionId: session._id, nonce: session.nonce }, session.generation);
  await store.startSession({ ...session, tokenHash: hashToken(refreshToken) });
  await noticePlace(service, stays, session);
  return { user: presentMe(stays, roleOf(service, stays)), ...presentTokens(service, session, refreshToken) };
}

/** The pair that a session's holder gets. */
export function presentTokens(service: UserService, session: Pick<StoredSession, "_id" | "userId">, refreshToken: string) {
  const expiresIn = service.settings.ACCESS_MINUTES * 60;
  const accessToken = signAccessToken(service.keys, { userId: session.userId, sessionId: session._id }, expiresIn);
  return { accessToken, refreshToken, expiresIn };
}

/** Remembers where from, and mails the owner where that is new; not at the very first sign-in. */
async function noticePlace(service: UserService, user: StoredUser, { address, device, createdAt }: StoredSession): Promise<void> {
  const { store } = service;
  const isNew = await store.notePlace(placeOf(user._id, address), user._id, createdAt);
  // Guesses at an account name its address, and its owner has some of their own from here: whoever has proved it, nobody else.
  const email = provedEmail(user);
  if (email !== undefined) await store.notePlace(placeOf(email, address), user._id, createdAt);
  const isFirst = createdAt - user.createdAt < 60_000;
  if (!isNew || isFirst || user.email === undefined || !address) return;
  await tellOwner(service, user.email, { template: "new-device", data: { at: presentTime(createdAt), device, address } });
}

type Notice = { template: string; data: Record<string, unknown> };

/** Mails the owner of an account about what was done. The deed stands also where the mail cannot be accepted just now. */
export async function tellOwner(service: UserService, to: string, notice: Notice): Promise<void> {
  await call(service.broker, "mail.job.accept", { to, ...notice }).catch((err: unknown) =>
    service.logger.warn(`The mail ${notice.template} is not accepted`, err),
  );
}

/** When, by which device and from where something is done, for a mail about it. */
export const happened = ({ device = "", address = "" }: Meta) => ({ at: presentTime(Date.now()), device, address });
