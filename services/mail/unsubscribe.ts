import { createHmac, timingSafeEqual } from "node:crypto";
import { parse, stringify } from "uuid";
import type { Job } from "./job.ts";
import type { MailService } from "./service.ts";

/*
 * The links that end a kind of mail. A token is its version, the kind, whom it is about, and an HMAC over all of that:
 * it can be neither made nor changed without the key, and is good for nothing else. Whom it is about is the user's id,
 * so that the link in an old mail still works after the address was changed; of an address that nobody's account may
 * have it is a mark that the key makes of it, so that the address can be read out of no token and out of no store.
 */

/** Their places are in tokens that were sent: only add at the end. */
const kinds = ["notification", "digest", "invitation"] as const;
export type Declinable = (typeof kinds)[number];
/** Those that a user declines; the others an address does. */
export type DeclinableByUser = Exclude<Declinable, "invitation">;

const version = 1;
const subjectBytes = 16;

/** What a token ends. */
export type Unsubscription =
  { kind: DeclinableByUser; userId: string } | { kind: "invitation"; /** Of the address. */ mark: string };

type Mine = Pick<MailService, "settings" | "declines">;
type Mailed = Pick<Job, "template" | "to" | "data">;

/** Where whoever gets the mail ends its kind; undefined for mails that nobody can decline. */
export async function unsubscribeUrlOf({ settings, declines }: Mine, job: Mailed): Promise<string | undefined> {
  const kind = kinds.find((one) => one === job.template);
  if (!kind) return undefined;
  const key = await declines.key();
  const subject = kind === "invitation" ? markOf(key, job.to) : parse((job.data as { userId: string }).userId);
  return `${settings.PUBLIC_URL.replace(/\/$/, "")}/unsubscribe/${writeToken(key, kind, subject)}`;
}

/** Whether the address of a mail has declined its kind. What a user declined is among the preferences. */
export async function hasDeclined({ declines }: Pick<MailService, "declines">, { template, to }: Mailed): Promise<boolean> {
  return template === "invitation" && declines.isDeclined(template, writeMark(markOf(await declines.key(), to)));
}

/** The kinds that an address has declined. */
export async function declinedBy({ declines }: Pick<MailService, "declines">, address: string): Promise<Declinable[]> {
  const mark = writeMark(markOf(await declines.key(), address));
  return (await declines.isDeclined("invitation", mark)) ? ["invitation"] : [];
}

/** Undefined where we did not make it so, to the last bit. */
export function readToken(key: Buffer, token: string): Unsubscription | undefined {
  const bytes = Buffer.from(token, "base64url");
  const end = 2 + subjectBytes;
  const kind = kinds[bytes[1]!];
  // The same bytes can be written in several ways, of which one is ours.
  if (bytes[0] !== version || !kind || bytes.length !== end + 32 || bytes.toString("base64url") !== token) return undefined;
  if (!timingSafeEqual(bytes.subarray(end), sign(key, bytes.subarray(0, end)))) return undefined;
  const subject = bytes.subarray(2, end);
  return kind === "invitation" ? { kind, mark: writeMark(subject) } : { kind, userId: stringify(subject) };
}

function writeToken(key: Buffer, kind: Declinable, subject: Uint8Array): string {
  const body = Buffer.from([version, kinds.indexOf(kind), ...subject]);
  return Buffer.concat([body, sign(key, body)]).toString("base64url");
}

/** The word in front keeps one use of the key from passing for the other. */
const hmac = (key: Buffer, use: string, bytes: Uint8Array | string) =>
  createHmac("sha256", key).update(`${use}\0`).update(bytes).digest();
const sign = (key: Buffer, body: Uint8Array) => hmac(key, "unsubscribe", body);
const markOf = (key: Buffer, address: string) => hmac(key, "address", address.toLowerCase()).subarray(0, subjectBytes);
const writeMark = (mark: Uint8Array) => Buffer.from(mark).toString("base64url");
