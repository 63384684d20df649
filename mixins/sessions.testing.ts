import { createHmac, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { tokenTerms } from "./sessions.ts";

type Json = Record<string, unknown>;
const encode = (value: Json) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A token as its maker wants it, whatever a library would say to that. */
function craft(head: Json, claims: Json, signature: (text: string) => Buffer): string {
  const text = `${encode(head)}.${encode(claims)}`;
  return `${text}.${signature(text).toString("base64url")}`;
}

const ecdsa = (key: KeyObject) => (text: string) => sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" });
const hmac = (secret: string) => (text: string) => createHmac("sha256", secret).update(text).digest();

function flip(token: string, part: number): string {
  const parts = token.split(".");
  const bytes = Buffer.from(parts[part]!, "base64url");
  const at = Math.floor(bytes.length / 2);
  bytes[at] = bytes[at]! ^ 1;
  return parts.map((text, index) => (index === part ? bytes.toString("base64url") : text)).join(".");
}

/** Of the last letter of a signature base64url uses two bits of six. */
function flipUnused(token: string): string {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return token.slice(0, -1) + letters[letters.indexOf(token.at(-1)!) ^ 1]!;
}

const stranger = generateKeyPairSync("ec", { namedCurve: "P-256" });

export interface KeyPair {
  privateKey: KeyObject;
  publicKey: KeyObject;
}

/** A good token of the key `k1`, which the others differ from by one thing each. */
export function goodToken({ privateKey }: KeyPair, whose: { userId: string; sessionId: string }): string {
  return craft(head, claimsOf(whose), ecdsa(privateKey));
}

const head = { alg: tokenTerms.algorithm, typ: "JWT", kid: "k1" };

function claimsOf({ userId, sessionId }: { userId: string; sessionId: string }): Json {
  const { issuer: iss, audience: aud } = tokenTerms;
  const now = Math.floor(Date.now() / 1000);
  return { sub: userId, sid: sessionId, iss, aud, iat: now, exp: now + 300 };
}

/** Tokens that nobody is to be let in with, each with what is wrong about it. */
export const badTokens: Record<string, (keys: KeyPair, whose: { userId: string; sessionId: string }) => string> = {
  "alg: none": (_keys, whose) => craft({ ...head, alg: "none" }, claimsOf(whose), () => Buffer.alloc(0)),
  "alg: none over a signature": ({ privateKey }, whose) => craft({ ...head, alg: "nOnE" }, claimsOf(whose), ecdsa(privateKey)),
  "HS256 by the public key": ({ publicKey }, whose) =>
    craft({ ...head, alg: "HS256" }, claimsOf(whose), hmac(publicKey.export({ format: "pem", type: "spki" }) as string)),
  "HS256 by nothing": (_keys, whose) => craft({ ...head, alg: "HS256" }, claimsOf(whose), hmac("")),
  "an unknown kid": ({ privateKey }, whose) => craft({ ...head, kid: "k9" }, claimsOf(whose), ecdsa(privateKey)),
  "a path for a kid": (_keys, whose) => craft({ ...head, alg: "HS256", kid: "../../dev/null" }, claimsOf(whose), hmac("")),
  "a name of every object for a kid": ({ privateKey }, whose) =>
    craft({ ...head, kid: "__proto__" }, claimsOf(whose), ecdsa(privateKey)),
  "an object for a kid": ({ privateKey }, whose) => craft({ ...head, kid: { k1: 1 } }, claimsOf(whose), ecdsa(privateKey)),
  "no kid": ({ privateKey }, whose) => craft({ ...head, kid: undefined }, claimsOf(whose), ecdsa(privateKey)),
  "another key under jku": (_keys, whose) =>
    craft({ ...head, jku: "http://127.0.0.1:9/jwks.json" }, claimsOf(whose), ecdsa(stranger.privateKey)),
  "another key under jwk": (_keys, whose) =>
    craft({ ...head, jwk: stranger.publicKey.export({ format: "jwk" }) }, claimsOf(whose), ecdsa(stranger.privateKey)),
  expired: ({ privateKey }, whose) =>
    craft(head, { ...claimsOf(whose), exp: Math.floor(Date.now() / 1000) - 1 }, ecdsa(privateKey)),
  "not yet valid": ({ privateKey }, whose) =>
    craft(head, { ...claimsOf(whose), nbf: Math.floor(Date.now() / 1000) + 60 }, ecdsa(privateKey)),
  "of no end": ({ privateKey }, whose) => craft(head, { ...claimsOf(whose), exp: undefined }, ecdsa(privateKey)),
  "another issuer": ({ privateKey }, whose) => craft(head, { ...claimsOf(whose), iss: "other" }, ecdsa(privateKey)),
  "another audience": ({ privateKey }, whose) => craft(head, { ...claimsOf(whose), aud: "other" }, ecdsa(privateKey)),
  "a bit flipped in the head": (keys, whose) => flip(goodToken(keys, whose), 0),
  "a bit flipped in the claims": (keys, whose) => flip(goodToken(keys, whose), 1),
  "a bit flipped in the signature": (keys, whose) => flip(goodToken(keys, whose), 2),
  "a bit flipped behind the signature": (keys, whose) => flipUnused(goodToken(keys, whose)),
  "a refresh token": (_keys, { sessionId }) => `${sessionId}.1.${"A".repeat(43)}`,
  "a server key": () => `ck_${"A".repeat(43)}`,
  nothing: () => "",
  "a very long one": (keys, whose) => `${goodToken(keys, whose)}${"A".repeat(10_000)}`,
};
