import { createPrivateKey, type KeyObject } from "node:crypto";
import type { MailSettings } from "../settings.ts";

/**
 * The fields that are signed where a mail has them. RFC 8058 wants both unsubscribe fields among them: who could change
 * them could make a reader's mail program post to wherever they like.
 */
const signedFields = [
  "From",
  "To",
  "Subject",
  "Date",
  "Message-ID",
  "Reply-To",
  "MIME-Version",
  "Content-Type",
  "Content-Transfer-Encoding",
  "Auto-Submitted",
  "List-Id",
  "List-Unsubscribe",
  "List-Unsubscribe-Post",
];

/** Keys below are easily broken; some servers take no signature by one that is shorter. */
export const soundKeyBits = 2048;

/** The key that a PEM holds, `\n` written out or base64 around it; nothing where it is no RSA key that signs mails. */
export function readDkimKey(given: string): KeyObject | undefined {
  const pem = given.includes("-----BEGIN") ? given.replaceAll("\\n", "\n") : Buffer.from(given, "base64").toString();
  try {
    const key = createPrivateKey(pem);
    // nodemailer signs by RSA alone, and by another key not at all, without a word; RFC 8301 wants 1024 bits.
    return key.asymmetricKeyType === "rsa" && keyBits(key) >= 1024 ? key : undefined;
  } catch {
    return undefined;
  }
}

export const keyBits = (key: KeyObject) => key.asymmetricKeyDetails?.modulusLength ?? 0;

export type DkimSettings = Partial<Pick<MailSettings, "DKIM_DOMAIN" | "DKIM_SELECTOR" | "DKIM_PRIVATE_KEY">>;

/** How nodemailer is to sign; nothing where the settings name no key. */
export function dkimOf({ DKIM_DOMAIN, DKIM_SELECTOR, DKIM_PRIVATE_KEY }: DkimSettings) {
  if (!DKIM_DOMAIN || !DKIM_SELECTOR || !DKIM_PRIVATE_KEY) return undefined;
  return {
    domainName: DKIM_DOMAIN,
    keySelector: DKIM_SELECTOR,
    privateKey: readDkimKey(DKIM_PRIVATE_KEY)!.export({ format: "pem", type: "pkcs8" }) as string,
    headerFieldNames: signedFields.join(":"),
  };
}
