import type { ActionContract, Offer } from "@confab/contracts";
import { declareSettings, flag, oneOf, type Values } from "./settings.ts";

/** Whose accounts there are. Whoever answers for routes, documents or sign-ins reads these. */
export const accountSettings = declareSettings("accounts", {
  AUTH: oneOf(["own", "host", "both"], {
    about: "Whose accounts there are: Confab's own, those of the host that vouches for its users, or both.",
    default: "own",
  }),
  AUTH_CODE: flag({ about: "Whether one can sign in by a mailed code.", default: true }),
});

type AccountSettings = Values<typeof accountSettings.declarations>;

/** How one can sign in here. */
export function waysToSignIn({ AUTH, AUTH_CODE }: AccountSettings): Record<Offer, boolean> {
  return { own: AUTH !== "host", code: AUTH !== "host" && AUTH_CODE, host: AUTH !== "own" };
}

/** Whether an action is there at all: where not, its route answers as any unknown address does. */
export function isOffered({ offered }: Pick<ActionContract, "offered">, settings: AccountSettings): boolean {
  return offered === undefined || waysToSignIn(settings)[offered];
}
