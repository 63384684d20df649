import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { tokenTerms } from "@confab/mixins/sessions.ts";
import jwt from "jsonwebtoken";
import type { Keys } from "./signing-key.ts";

/** An access token: whose it is and on which session it stands, for whoever has the public key. */
export function signAccessToken(
  keys: Keys,
  { userId, sessionId }: { userId: string; sessionId: string },
  seconds: number,
): string {
  const { algorithm, issuer, audience } = tokenTerms;
  return jwt.sign({ sid: sessionId }, keys.signing, {
    algorithm,
    issuer,
    audience,
    subject: userId,
    expiresIn: seconds,
    keyid: keys.published.kid,
  });
}

export const newNonce = () => randomBytes(16).toString("base64url");

/**
 * The refresh token of a generation of a session: `session.generation.mac`. It can be made again, so a replaced one
 * finds its successor although the store holds only hashes; and nobody without the key can make one.
 */
export function makeRefreshToken(
  keys: Keys,
  { sessionId, nonce }: { sessionId: string; nonce: string },
  generation: number,
): string {
  const mac = createHmac("sha256", keys.refresh).update(`${sessionId}|${generation}|${nonce}`).digest("base64url");
  return `${sessionId}.${generation}.${mac}`;
}

const form = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.(\d{1,15})\.[\w-]{43}$/;

/** What a refresh token claims to be; nothing where it does not even look like one. */
export function readRefreshToken(token: string): { sessionId: string; generation: number } | undefined {
  const [, sessionId, generation] = form.exec(token) ?? [];
  return sessionId && generation ? { sessionId, generation: Number(generation) } : undefined;
}

export const hashToken = (token: string) => createHash("sha256").update(token).digest("base64url");

/** Whether two strings of one length are the same, in a time that does not tell where they differ. */
export const isSame = (one: string, other: string) =>
  one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
