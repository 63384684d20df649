import { createHash } from "node:crypto";
import { networkOf } from "@confab/mixins/address.ts";
import type { Meta } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import type { UserService } from "./service.ts";

/* Guesses are counted in the database, so that they stay limited whatever else is away. */

/** Wrong guesses for one account, from places that it does not know, within an hour. */
const strangersPerHour = 50;
/** Wrong guesses from one address, for whatever accounts, within an hour. */
const perAddressPerHour = 300;

/** What is counted is stored as a hash: nobody's address lies about in counters. Not under a key, which may change. */
const blind = (...words: string[]) => createHash("sha256").update(JSON.stringify(words)).digest("base64url");

/** An account at an address, as it is remembered after a sign-in from there. */
export const placeOf = (account: string, address: string) => blind("place", account, networkOf(address));

/**
 * Looks whether a guess is right, where some are left for the account: it is taken before it is looked at, so that no
 * number of them at once gets more, and given back where it was right or nobody could look. `account` is the address
 * or the id that is guessed at, whether there is such an account or not. Strangers cannot lock out its owner: where
 * it was signed in from before, only guesses from there count.
 */
export async function guess(
  { store, settings }: UserService,
  kind: "password" | "totp",
  account: string,
  { address = "" }: Meta,
  isRight: () => Promise<boolean>,
): Promise<boolean> {
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
  let counts = false;
  try {
    for (const [key, limit] of budgets) {
      const freeAt = await store.takeAllowance(key, limit, now);
      if (freeAt !== undefined)
        throw problem("user.too_many_tries", { retryAfter: Math.max(1, Math.ceil((freeAt - now) / 1000)) });
      taken.push([key, limit]);
    }
    const right = await isRight();
    counts = !right;
    return right;
  } finally {
    if (!counts) await Promise.all(taken.map(([key, limit]) => store.giveAllowanceBack(key, limit, now)));
  }
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
