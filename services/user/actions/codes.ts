import { define } from "@confab/mixins/define.ts";
import { v7 as uuid } from "uuid";
import { requireOpen } from "../accounts.ts";
import { freeAddress, ownerOf } from "../addresses.ts";
import { beginFlow, requireCode, useFlow } from "../flows.ts";
import { checkPassword } from "../passwords.ts";
import { chooseName, normalizeEmail } from "../policies.ts";
import { requireSecondFactor } from "../second.factor.ts";
import type { UserService } from "../service.ts";
import { signIn } from "../signing-in.ts";
import type { StoredFlow, StoredUser } from "../store/documents.ts";

export const codes = {
  // Nothing here asks whether the address is known, so neither the answer nor its time can tell.
  ...define("user.code.request", function (this: UserService, ctx) {
    const email = normalizeEmail(ctx.params.email);
    return beginFlow(this, ctx.meta, { purpose: "code", email, mail: { code: "code" } });
  }),

  ...define("user.account.register", async function (this: UserService, ctx) {
    const { password, name } = ctx.params;
    const email = normalizeEmail(ctx.params.email);
    checkPassword(password, email);
    // Hashed before anybody knows whether it will be wanted: known and unknown addresses cost the same.
    const passwordHash = await this.passwords.hash(password);
    const isKnown = (await ownerOf(this, email)) !== null;
    const mail = isKnown ? ({ instead: "known-address" } as const) : ({ code: "register-code" } as const);
    return beginFlow(this, ctx.meta, { purpose: "register", email, mail, name: name.trim(), passwordHash });
  }),

  ...define("user.code.verify", async function (this: UserService, ctx) {
    const { name, totp } = ctx.params;
    const flow = await requireCode(this, ctx.params, this.settings.AUTH_CODE ? ["code", "register"] : ["register"]);
    const known = await ownerOf(this, flow.email);
    if (known) {
      requireOpen(known);
      // A flow that lacks the second factor is not used up: the same code comes again with it.
      await requireSecondFactor(this, known, totp, ctx.meta);
    }
    await useFlow(this, flow);
    const user = known ?? (await signUp(this, flow, name));
    // Whoever was stored for the address meanwhile may have a second factor: it was not asked for.
    if (user.totpSecret !== undefined && !known) await requireSecondFactor(this, user, totp, ctx.meta);
    return signIn(this, user, ctx.meta);
  }),
};

/** The password of a registration counts only where the account is new: it may be a stranger's. */
async function signUp(service: UserService, { email, name, passwordHash }: StoredFlow, given?: string): Promise<StoredUser> {
  for (;;) {
    await freeAddress(service, email);
    const { user } = await service.store.signUp({
      ...{ _id: uuid(), email, emailVerified: true, name: chooseName(given ?? name, email), createdAt: Date.now() },
      ...(passwordHash === undefined ? {} : { passwordHash }),
    });
    // Not into one that the host has given the address to just now.
    if (user.emailVerified !== false) return user;
  }
}
