import type { SignedIn } from "@confab/contracts";
import type { Meta } from "@confab/mixins/define.ts";
import { enclosing, type Enclosed } from "@confab/mixins/outbox.ts";
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
    ...{ device, address, createdAt: now, lastUsedAt: now },
    // As it was when the proof was looked at: what ended all sessions since then ends this one too (G6).
    epoch: user.epoch ?? 0,
  };
  const refreshToken = makeRefreshToken(service.keys, { sessionId: session._id, nonce: session.nonce }, session.generation);
  // G5: by one write, so that nobody is in whom the owner does not hear of.
  const mail = await newDeviceMail(service, stays, session, meta);
  const started = { ...session, tokenHash: hashToken(refreshToken), ...enclosing(mail) };
  await store.startSession(started);
  await notePlace(service, stays, session);
  await service.outbox.handOver("sessions", started);
  return { user: presentMe(stays, roleOf(service, stays)), ...presentTokens(service, session, refreshToken) };
}

/** The pair that a session's holder gets. */
export function presentTokens(service: UserService, session: Pick<StoredSession, "_id" | "userId">, refreshToken: string) {
  const expiresIn = service.settings.ACCESS_MINUTES * 60;
  const accessToken = signAccessToken(service.keys, { userId: session.userId, sessionId: session._id }, expiresIn);
  return { accessToken, refreshToken, expiresIn };
}

/** What the owner is mailed of a sign-in from where the account is not known to be used; not of the very first. */
async function newDeviceMail(
  { store, outbox }: UserService,
  user: StoredUser,
  { _id, address, device, createdAt }: StoredSession,
  { language }: Meta,
): Promise<Enclosed | undefined> {
  const isFirst = createdAt - user.createdAt < 60_000;
  if (isFirst || user.email === undefined || !address) return undefined;
  if (await store.isKnownPlace(placeOf(user._id, address))) return undefined;
  const data = { at: presentTime(createdAt), device, address };
  return outbox.enclose("sessions", _id, { template: "new-device", to: user.email, data, language });
}

/** Remembers where from: once the sign-in is stored, so that the next one is told of where this one came to nothing. */
async function notePlace({ store }: UserService, user: StoredUser, { address, createdAt }: StoredSession): Promise<void> {
  await store.notePlace(placeOf(user._id, address), user._id, createdAt);
  // Guesses at an account name its address, and its owner has some of their own from here: whoever has proved it, nobody else.
  const email = provedEmail(user);
  if (email !== undefined) await store.notePlace(placeOf(email, address), user._id, createdAt);
}
