import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, hkdfSync, type KeyObject } from "node:crypto";
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { PublicKey } from "@confab/contracts";
import { tokenTerms } from "@confab/mixins/sessions.ts";
import { inMemory, makeFolder } from "@confab/mixins/store/sqlite.ts";

/** The signing key and all that is derived from it. Only `published` ever leaves this service. */
export interface Keys {
  signing: KeyObject;
  published: PublicKey;
  /** Under this key mailed codes are hashed: the store alone does not tell which of a million it was. */
  code: Buffer;
  /** Under this key refresh tokens are made. */
  refresh: Buffer;
  /** Under this key mails are sealed that the mail service does not have yet: the store alone tells no code. */
  mail: Buffer;
}

/** The key that is signed with, and all that are good: it, those before it, and perhaps the one to come. */
export interface KeyRing extends Keys {
  all: readonly Keys[];
}

/** The key that a PEM holds, `\n` written out or base64 around it; nothing where it is not a private key on P-256. */
export function readSigningKey(given: string): KeyObject | undefined {
  const pem = given.includes("-----BEGIN") ? given.replaceAll("\\n", "\n") : Buffer.from(given, "base64").toString();
  try {
    const key = createPrivateKey(pem);
    return key.asymmetricKeyDetails?.namedCurve === "prime256v1" ? key : undefined;
  } catch {
    return undefined;
  }
}

interface KeySettings {
  SIGNING_KEY?: string | undefined;
  OLD_SIGNING_KEYS?: readonly string[];
  DATA_DIR: string;
}

/** The key of the settings, or the one that lies in the data folder, made at the first start; and those beside it. */
export function openKeys(settings: KeySettings): KeyRing {
  const current = openKey(settings);
  const others = (settings.OLD_SIGNING_KEYS ?? []).map((given) => deriveKeys(readSigningKey(given)!));
  return { ...current, all: [current, ...others.filter(({ published }) => published.kid !== current.published.kid)] };
}

function openKey({ SIGNING_KEY, DATA_DIR }: KeySettings): Keys {
  if (SIGNING_KEY) return deriveKeys(readSigningKey(SIGNING_KEY)!);
  if (DATA_DIR === inMemory) return deriveKeys(makeSigningKey());
  const file = join(DATA_DIR, "signing-key.pem");
  const key = readSigningKey(readIfThere(file) ?? keep(file, DATA_DIR));
  if (!key)
    throw new Error(`${file} does not hold a private EC key on P-256. Put it right, or remove it: everybody then signs in anew.`);
  return deriveKeys(key);
}

/** Stores a new key, unless another process was first: the file appears whole, once, and what it then holds is the key. */
function keep(file: string, folder: string): string {
  makeFolder(folder);
  const draft = `${file}.${process.pid}`;
  rmSync(draft, { force: true });
  const fd = openSync(draft, "wx", 0o600);
  try {
    writeSync(fd, makeSigningKey().export({ format: "pem", type: "pkcs8" }) as string);
    fsyncSync(fd);
    linkSync(draft, file);
    syncFolder(folder);
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== "EEXIST") throw err;
  } finally {
    closeSync(fd);
    rmSync(draft, { force: true });
  }
  return readFileSync(file, "utf8");
}

/** Makes the names in a folder durable: a key that a power cut takes signs everybody out. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw err;
  }
}

const makeSigningKey = () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;

export function deriveKeys(signing: KeyObject): Keys {
  const { x, y } = createPublicKey(signing).export({ format: "jwk" }) as { x: string; y: string };
  // RFC 7638: these members, in this order.
  const kid = createHash("sha256")
    .update(JSON.stringify({ crv: "P-256", kty: "EC", x, y }))
    .digest("base64url");
  const secret = Buffer.from((signing.export({ format: "jwk" }) as { d: string }).d, "base64url");
  const derive = (purpose: string) => Buffer.from(hkdfSync("sha256", secret, "", `confab ${purpose}`, 32));
  return {
    signing,
    published: { kty: "EC", crv: "P-256", x, y, kid, alg: tokenTerms.algorithm, use: "sig" },
    code: derive("code"),
    refresh: derive("refresh"),
    mail: derive("mail"),
  };
}
