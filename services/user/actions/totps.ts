import { define } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import { requireRecent } from "../accounts.ts";
import { guess } from "../guard.ts";
import { happened, noticeFor } from "../mails.ts";
import { hashRecoveryCode, newRecoveryCodes, newSecret, presentUri, stepOf } from "../second.factor.ts";
import type { UserService } from "../service.ts";

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
    // Whoever sends it twice gets one set of recovery codes, which nobody replaces.
    const isFirst = async () => step !== undefined && (await this.store.takeTotpStep(user._id, step)) !== null;
    if (!(await guess(this, "totp", user._id, ctx.meta, isFirst))) throw problem("user.wrong_totp");
    // Before it is on: whoever is asked for it can then use them.
    const recoveryCodes = newRecoveryCodes();
    const hashes = await Promise.all(recoveryCodes.map((code) => hashRecoveryCode(this, user._id, code)));
    await this.store.replaceRecoveryCodes(user._id, hashes);
    const isOn = await this.store.changeUser(
      { _id: user._id, totpPending: secret },
      { totpSecret: secret },
      { totpPending: true },
      noticeFor(this, user, ctx.meta, { template: "totp-changed", data: { ...happened(ctx.meta), on: true } }),
    );
    if (!isOn) throw problem("user.totp_not_begun");
    await this.outbox.handOver("users", isOn);
    return { recoveryCodes };
  }),

  ...define("user.totp.remove", async function (this: UserService, ctx) {
    const { user } = await requireRecent(this, ctx.meta);
    const gone = { totpSecret: true, totpPending: true, totpStep: true } as const;
    const mail = noticeFor(this, user, ctx.meta, { template: "totp-changed", data: { ...happened(ctx.meta), on: false } });
    const wasOn = { _id: user._id, totpSecret: { $exists: true } } as const;
    const isOff = await this.store.changeUser(wasOn, {}, gone, mail);
    // Nothing was on, and nobody is told; what was begun is over all the same.
    if (!isOff) await this.store.changeUser({ _id: user._id }, {}, gone);
    await this.store.replaceRecoveryCodes(user._id, []);
    await this.outbox.handOver("users", isOff);
    return null;
  }),
};
