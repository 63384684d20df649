import { createHash } from "node:crypto";
import { isIPv6 } from "node:net";
import type { Meta } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import type { UserService } from "./service.ts";

/* Guesses are counted in the database, so that they stay limited whatever else is away. */

/** Wrong guesses for one account, from places that it does not know, within an hour. */
const strangersPerHour = 50;
/** Wrong guesses from one address, for whatever accounts, within an hour. */
const perAddressPerHour = 100;

/** What is counted is stored as a hash: nobody's address lies about in counters. Not under a key, which may change. */
const blind = (...words: string[]) => createHash("sha256").update(JSON.stringify(words)).digest("base64url");

/** Where somebody asks from, as guesses are counted: of IPv6 the network, since a household has all of it. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = "", tail] = address.split("::");
  const before = head.split(":").filter(Boolean);
  const after = (tail ?? "").split(":").filter(Boolean);
  const groups =
    tail === undefined ? before : [...before, ...Array<string>(8 - before.length - after.length).fill("0"), ...after];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}

/** An account at an address, as it is remembered after a sign-in from there. */
export const placeOf = (account: string, address: string) => blind("place", account, networkOf(address));

export interface Guess {
  /** It was right: it uses nothing up. */
  succeed(): Promise<void>;
}

/**
 * Takes one of the guesses that are left for an account, before it is looked at, so that no number of them at once
 * gets more. `account` is the address or the id that is guessed at, whether there is such an account or not. Strangers
 * cannot lock out its owner: where it was signed in from before, only guesses from there count.
 */
export async function takeGuess(
  { store, settings }: UserService,
  kind: "password" | "totp",
  account: string,
  { address = "" }: Meta,
): Promise<Guess> {
  const now = Date.now();
  const network = networkOf(address);
  const isKnown = await store.isKnownPlace(placeOf(account, address));
  const budgets: [key: string, limit: number][] = [
    [blind(kind, account, network), settings.TRIES_PER_HOUR],
    // The same work either way, so that its time does not tell who has been here.
    [isKnown ? blind(kind, account, network, "known") : blind(kind, account), strangersPerHour],
    [blind("address", network), perAddressPerHour],
  ];
  const taken: typeof budgets = [];
  const giveBack = async () => void (await Promise.all(taken.map(([key, limit]) => store.giveAllowanceBack(key, limit, now))));
  for (const [key, limit] of budgets) {
    const freeAt = await store.takeAllowance(key, limit, now);
    if (freeAt !== undefined) {
      await giveBack();
      throw problem("user.too_many_tries", { retryAfter: Math.max(1, Math.ceil((freeAt - now) / 1000)) });
    }
    taken.push([key, limit]);
  }
  return { succeed: giveBack };
}

/** Codes mailed to one address because of strangers, within an hour: its owner has others where the account is known. */
const strangersCodesPerHour = 20;

/** Takes one of the codes that an address may be mailed within an hour, whoever asks: nothing here tells whether it is known. */
export async function takeCode({ store, settings }: UserService, email: string, { address = "" }: Meta): Promise<void> {
  const now = Date.now();
  const network = networkOf(address);
  const isKnown = await store.isKnownPlace(placeOf(email, address));
  const budgets: [key: string, limit: number][] = [
    [blind("code", email, network), settings.CODES_PER_HOUR],
    [
      isKnown ? blind("code", email, network, "known") : blind("code", email),
      Math.max(strangersCodesPerHour, settings.CODES_PER_HOUR),
    ],
  ];
  for (const [key, limit] of budgets) {
    const freeAt = await store.takeAllowance(key, limit, now);
    if (freeAt !== undefined) throw problem("user.too_many_codes", { retryAfter: Math.max(1, Math.ceil((freeAt - now) / 1000)) });
  }
}
