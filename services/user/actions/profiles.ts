import { define } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import { normalizeEmail } from "../policies.ts";
import { presentProfile } from "../present.ts";
import type { UserService } from "../service.ts";

export const profiles = {
  ...define("user.profile.get", async function (this: UserService, ctx) {
    const user = await this.store.userById(ctx.params.userId);
    if (!user) throw problem("user.not_found");
    return presentProfile(user);
  }),

  ...define("user.profile.find", async function (this: UserService, ctx) {
    const user = await this.store.userByEmail(normalizeEmail(ctx.params.q));
    return { items: user ? [presentProfile(user)] : [], nextCursor: null };
  }),

  ...define("user.profile.known", async function (this: UserService, ctx) {
    return { userIds: await this.store.knownUsers(ctx.params.userIds) };
  }),
};
