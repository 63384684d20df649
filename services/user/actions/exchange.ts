import { define } from "@confab/mixins/define.ts";
import { requireOpen } from "../accounts.ts";
import { putHostUser } from "../host.ts";
import { saysSecondFactor } from "../host.tokens.ts";
import { requireSecondFactor } from "../second.factor.ts";
import type { UserService } from "../service.ts";
import { signIn } from "../signing-in.ts";

export const exchange = {
  ...define("user.session.exchange", async function (this: UserService, ctx) {
    const { token, totp } = ctx.params;
    const claims = await this.hostTokens.read(token);
    const { sub: externalId, name, email } = claims;
    const profile = { externalId, ...(name === undefined ? {} : { name }), ...(email === undefined ? {} : { email }) };
    const { user } = await putHostUser(this, profile);
    requireOpen(user);
    // Asked for once: by the host, where it says so, or here.
    if (!saysSecondFactor(claims)) await requireSecondFactor(this, user, totp, ctx.meta);
    return signIn(this, user, ctx.meta);
  }),
};
