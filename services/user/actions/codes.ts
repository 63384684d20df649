import { call, define } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import { v7 as uuid } from "uuid";
import { hashCode, newCode } from "../codes.ts";
import { chooseName, normalizeEmail } from "../policies.ts";
import { presentMe } from "../present.ts";
import type { UserService } from "../service.ts";
import { hashToken, isSame, makeRefreshToken, newNonce } from "../tokens.ts";
import { presentTokens } from "./sessions.ts";

export const codes = {
  // Nothing here asks whether the address is known, so neither the answer nor its time can tell.
  ...define("user.code.request", async function (this: UserService, ctx) {
    const { CODE_MINUTES, CODES_PER_HOUR } = this.settings;
    const now = Date.now();
    const email = normalizeEmail(ctx.params.email);
    const freeAt = await this.store.takeAllowance(email, CODES_PER_HOUR, now);
    if (freeAt !== undefined) throw problem("user.too_many_codes", { retryAfter: Math.max(1, Math.ceil((freeAt - now) / 1000)) });

    const flowId = uuid();
    const code = newCode();
    const expiresIn = CODE_MINUTES * 60;
    await this.store.startFlow({
      _id: flowId,
      email,
      codeHash: hashCode(this.keys, flowId, code),
      tries: 0,
      expiresAt: now + expiresIn * 1000,
    });
    // To the address as it is compared: whoever reads the mail is who signs in.
    await call(ctx, "mail.job.accept", { template: "code", to: email, data: { code, minutes: CODE_MINUTES } });
    return { flowId, expiresIn };
  }),

  ...define("user.code.verify", async function (this: UserService, ctx) {
    const { flowId, code, name } = ctx.params;
    const now = Date.now();
    const codeHash = hashCode(this.keys, flowId, code);
    const flow = await this.store.countTry(flowId, this.settings.CODE_TRIES, now);
    if (!flow || !isSame(flow.codeHash, codeHash) || !(await this.store.useFlow(flowId, now))) throw problem("user.wrong_code");

    const { email } = flow;
    const user =
      (await this.store.userByEmail(email)) ??
      (await this.store.signUp({ _id: uuid(), email, name: chooseName(name, email), createdAt: now }));
    const { device = "", address = "" } = ctx.meta;
    const session = {
      _id: uuid(),
      userId: user._id,
      nonce: newNonce(),
      generation: 1,
      rotatedAt: now,
      device: device.slice(0, 200),
      address,
      createdAt: now,
      lastUsedAt: now,
    };
    const refreshToken = makeRefreshToken(this.keys, { sessionId: session._id, nonce: session.nonce }, session.generation);
    await this.store.startSession({ ...session, tokenHash: hashToken(refreshToken) });
    return { user: presentMe(user), ...presentTokens(this, session, refreshToken) };
  }),
};
