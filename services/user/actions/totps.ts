import { define } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import { requireRecent } from "../accounts.ts";
import { guess } from "../guard.ts";
import { hashRecoveryCode, newRecoveryCodes, newSecret, presentUri, stepOf } from "../second.factor.ts";
import type { UserService } from "../service.ts";
import { happened, tellOwner } from "../signing-in.ts";

export const totps = {
  ...define("user.totp.begin", async function (this: UserService, ctx) {
    const { user } = await requireRecent(this, ctx.meta);
    if (user.totpSecret !== undefined) throw problem("user.totp_is_on");
    const secret = newSecret();
    const isPending = await this.store.changeUser({ _id: user._id, totpSecret: { $exists: false } }, { totpPending: secret });
    if (!isPending) throw problem("user.totp_is_on");
    return { secret, uri: presentUri(secret, user) };
  }),

  ...define("user.totp.confirm", async function (this: UserService, ctx) {
    const { user } = await requireRecent(this, ctx.meta);
    if (user.totpSecret !== undefined) throw problem("user.totp_is_on");
    const { totpPending: secret } = user;
    if (secret === undefined) throw problem("user.totp_not_begun");
    const step = stepOf(secret, ctx.params.code, Date.now());
    const isRight = await guess(this, "totp", user._id, ctx.meta, async () => step !== undefined);
    if (!isRight || step === undefined) throw problem("user.wrong_totp");
    // Before it is on: whoever is asked for it can then use them.
    const recoveryCodes = newRecoveryCodes();
    await this.store.replaceRecoveryCodes(
      user._id,
      recoveryCodes.map((code) => hashRecoveryCode(user._id, code)),
    );
    const isOn = await this.store.changeUser(
      { _id: user._id, totpPending: secret },
      { totpSecret: secret, totpStep: step },
      { totpPending: true },
    );
    if (!isOn) throw problem("user.totp_not_begun");
    if (user.email !== undefined)
      await tellOwner(this, user.email, { template: "totp-changed", data: { ...happened(ctx.meta), on: true } });
    return { recoveryCodes };
  }),

  ...define("user.totp.remove", async function (this: UserService, ctx) {
    const { user } = await requireRecent(this, ctx.meta);
    const gone = { totpSecret: true, totpPending: true, totpStep: true } as const;
    await this.store.changeUser({ _id: user._id }, {}, gone);
    await this.store.replaceRecoveryCodes(user._id, []);
    if (user.totpSecret !== undefined && user.email !== undefined)
      await tellOwner(this, user.email, { template: "totp-changed", data: { ...happened(ctx.meta), on: false } });
    return null;
  }),
};
