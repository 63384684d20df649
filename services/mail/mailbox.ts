import { domainToASCII } from "node:url";

/** A name and an address, as in `Confab <no-reply@example.com>`. */
export interface Mailbox {
  name: string;
  address: string;
}

/** The signs of RFC 5322's atoms, and letters, marks, digits and pictures of every script (RFC 6531). */
const atom = /^[\w!#$%&'*+/=?^`{|}~\p{L}\p{M}\p{N}\p{Extended_Pictographic}-]+$/u;
const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const hostSigns = /^[\p{L}\p{M}\p{N}.-]+$/u;
/** What a name may hold: nothing that ends it, or turns what stands after it. */
const plainName = /^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}<>"\\]{0,100}$/u;

/**
 * Whether it is one plain address, such as ann@example.org or ännchen@bücher.example. What RFC 5322 allows besides (quotes,
 * comments, groups, lists, addresses by number) nobody has who is not up to something.
 */
export function isAddress(given: string): boolean {
  const [local = "", host = "", ...rest] = given.split("@");
  if (rest.length > 0 || Buffer.byteLength(local) > 64 || Buffer.byteLength(given) > 254) return false;
  return isLocal(local) && isLocal(local.normalize("NFKC")) && isHost(host);
}

const isLocal = (local: string) => local.split(".").every((part) => atom.test(part));

function isHost(host: string): boolean {
  if (!hostSigns.test(host)) return false;
  // Empty for what is no domain; a number in any of the ways to write one becomes an address.
  const labels = domainToASCII(host).split(".");
  return labels.join(".").length <= 253 && labels.every((one) => label.test(one)) && !/^\d+$/.test(labels.at(-1)!);
}

/** Undefined where it is not one plain address, with or without a name, on one line. */
export function readMailbox(given: string): Mailbox | undefined {
  const [, name = "", address = given] = /^([^<>]*)<([^<>]*)>$/.exec(given) ?? [];
  const mailbox = { name: name.replace(/^ +| +$/g, "").replace(/^"(.*)"$/, "$1"), address };
  return isAddress(mailbox.address) && plainName.test(mailbox.name) ? mailbox : undefined;
}

/** Text for a header: on one line. */
export const headerText = (given: string) => given.toWellFormed().replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ");
