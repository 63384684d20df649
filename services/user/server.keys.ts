import { randomBytes } from "node:crypto";
import { hashToken } from "./tokens.ts";

const form = /^ck_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_([\w-]{43})$/;

/** A secret of 256 bits, which nobody guesses: so a plain hash of it is enough, and quick. */
export function makeServerKey(keyId: string): { key: string; hash: string } {
  const secret = randomBytes(32).toString("base64url");
  return { key: `ck_${keyId}_${secret}`, hash: hashToken(secret) };
}

/** What a server key claims to be; nothing where it does not even look like one. */
export function readServerKey(key: string): { keyId: string; hash: string } | undefined {
  const [, keyId, secret] = form.exec(key) ?? [];
  return keyId && secret ? { keyId, hash: hashToken(secret) } : undefined;
}
