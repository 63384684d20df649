import { define, type Meta } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import { endOtherSessions, endSessions, requireOpen, requireRecent, requireSession } from "../accounts.ts";
import { ownerOf } from "../addresses.ts";
import { beginFlow, requireCode, useFlow } from "../flows.ts";
import { guess } from "../guard.ts";
import { happened, noticeFor } from "../mails.ts";
import { checkPassword } from "../passwords.ts";
import { normalizeEmail } from "../policies.ts";
import { requireSecondFactor } from "../second.factor.ts";
import type { UserService } from "../service.ts";
import { signIn } from "../signing-in.ts";
import type { StoredUser } from "../store/documents.ts";

export const passwords = {
  ...define("user.session.login", async function (this: UserService, ctx) {
    const { password, totp } = ctx.params;
    const email = normalizeEmail(ctx.params.email);
    const user = await this.store.userByEmail(email);
    // An unknown address, and an account without a password, take as long and answer the same.
    const isRight = () => this.passwords.matches(user?.passwordHash, password);
    if (!(await guess(this, "password", email, ctx.meta, isRight)) || !user) throw problem("user.wrong_credentials");
    requireOpen(user);
    await requireSecondFactor(this, user, totp, ctx.meta);
    return signIn(this, await rehash(this, user, password), ctx.meta);
  }),

  ...define("user.session.confirm", async function (this: UserService, ctx) {
    const { password, totp } = ctx.params;
    const { user, session } = await requireSession(this, ctx.meta);
    await requirePassword(this, user, password, ctx.meta);
    await requireSecondFactor(this, user, totp, ctx.meta);
    await this.store.confirmSession(session._id, Date.now());
    return null;
  }),

  ...define("user.password.forgot", async function (this: UserService, ctx) {
    const email = normalizeEmail(ctx.params.email);
    const isKnown = (await ownerOf(this, email)) !== null;
    const mail = isKnown ? ({ code: "reset-code" } as const) : ({ instead: "unknown-address" } as const);
    return beginFlow(this, ctx.meta, { purpose: "reset", email, mail });
  }),

  ...define("user.password.reset", async function (this: UserService, ctx) {
    const { password, totp } = ctx.params;
    const flow = await requireCode(this, ctx.params, ["reset"]);
    const user = await ownerOf(this, flow.email);
    if (!user) throw problem("user.wrong_code");
    requireOpen(user);
    checkPassword(password, flow.email);
    // A flow that lacks the second factor is not used up: the same code comes again with it.
    await requireSecondFactor(this, user, totp, ctx.meta);
    const passwordHash = await this.passwords.hash(password);
    await useFlow(this, flow);
    const mail = noticeFor(this, user, ctx.meta, { template: "password-changed", data: happened(ctx.meta) });
    const changed = await endSessions(this, user._id, { change: { set: { passwordHash }, mail } });
    if (!changed) throw problem("user.wrong_code");
    await this.outbox.handOver("users", changed);
    return signIn(this, changed, ctx.meta);
  }),

  ...define("user.password.change", async function (this: UserService, ctx) {
    const { password, current } = ctx.params;
    const { user, session } = current === undefined ? await requireRecent(this, ctx.meta) : await requireSession(this, ctx.meta);
    if (current !== undefined) await requirePassword(this, user, current, ctx.meta);
    else if (user.passwordHash !== undefined)
      throw problem("user.wrong_credentials", { detail: "The current password is missing" });
    checkPassword(password, user.email);
    const passwordHash = await this.passwords.hash(password);
    const mail = noticeFor(this, user, ctx.meta, { template: "password-changed", data: happened(ctx.meta) });
    const changed = await endOtherSessions(this, { user, session }, { change: { set: { passwordHash }, mail } });
    if (!changed) {
      await requireSession(this, ctx.meta);
      throw problem("user.wrong_credentials", { detail: "The password was changed meanwhile" });
    }
    await this.outbox.handOver("users", changed);
    return null;
  }),
};

async function requirePassword(service: UserService, user: StoredUser, password: string, meta: Meta): Promise<void> {
  const isRight = () => service.passwords.matches(user.passwordHash, password);
  if (!(await guess(service, "password", user.email ?? user._id, meta, isRight))) throw problem("user.wrong_credentials");
}

/** Hashes the password anew where the cost has risen since, unless it was changed meanwhile. */
async function rehash({ passwords, store }: UserService, user: StoredUser, password: string): Promise<StoredUser> {
  const before = user.passwordHash!;
  if (!passwords.isOutdated(before)) return user;
  const passwordHash = await passwords.hash(password);
  return (await store.changeUser({ _id: user._id, passwordHash: before }, { passwordHash })) ?? user;
}
