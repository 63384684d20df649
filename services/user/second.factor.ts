import { randomBytes } from "node:crypto";
import type { Meta } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import { Secret, TOTP } from "otpauth";
import { guess } from "./guard.ts";
import type { UserService } from "./service.ts";
import type { StoredUser } from "./store/documents.ts";

/** RFC 6238 as every authenticator app knows it. */
const terms = { algorithm: "SHA1", digits: 6, period: 30 } as const;
const issuer = "Confab";

export const newSecret = () => new Secret({ size: 20 }).base32;

/** What an app reads from the QR code. */
export const presentUri = (secret: string, { email, name }: StoredUser) =>
  new TOTP({ ...terms, issuer, label: email ?? name, secret: Secret.fromBase32(secret) }).toString();

/** The step that a code is of: this one, or a neighbour, since clocks differ. Undefined where it is of none. */
export function stepOf(secret: string, code: string, now: number): number | undefined {
  const totp = new TOTP({ ...terms, secret: Secret.fromBase32(secret) });
  const delta = totp.validate({ token: code, timestamp: now, window: 1 });
  return delta === null ? undefined : Math.floor(now / 1000 / terms.period) + delta;
}

const alphabet = "abcdefghijklmnopqrstuvwxyz234567";
const letters = (count: number) => [...randomBytes(count)].map((byte) => alphabet[byte % 32]).join("");
/** Fifty bits each: few enough to be typed, too many to be guessed; and hashed as passwords are, too many for whoever has the store. */
export const newRecoveryCodes = () => Array.from({ length: 10 }, () => `${letters(5)}-${letters(5)}`);
export const hashRecoveryCode = ({ passwords }: UserService, userId: string, code: string) => passwords.fingerprint(code, userId);

/**
 * Asks for the second factor of whoever has one: the code of a step that was not taken yet, or a recovery code, either
 * of them once, on however many nodes it is tried at the same time.
 */
export async function requireSecondFactor(
  service: UserService,
  user: StoredUser,
  given: string | undefined,
  meta: Meta,
): Promise<void> {
  if (user.totpSecret === undefined) return;
  if (given === undefined) throw problem("user.totp_required");
  const { totpSecret } = user;
  if (!(await guess(service, "totp", user._id, meta, () => isRight(service, user._id, totpSecret, given))))
    throw problem("user.wrong_totp");
}

async function isRight(service: UserService, userId: string, secret: string, given: string): Promise<boolean> {
  const { store } = service;
  if (given.includes("-")) return store.useRecoveryCode(userId, await hashRecoveryCode(service, userId, given));
  const step = stepOf(secret, given, Date.now());
  return step !== undefined && (await store.takeTotpStep(userId, step)) !== null;
}
