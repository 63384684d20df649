import { define } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import { presentMe } from "../present.ts";
import type { UserService } from "../service.ts";
import { tellOrLater } from "../telling.ts";

export const me = {
  ...define("user.me.get", async function (this: UserService, ctx) {
    const user = await this.store.userById(ctx.meta.userId);
    if (!user) throw problem("unauthenticated");
    return presentMe(user);
  }),

  ...define("user.me.change", async function (this: UserService, ctx) {
    const { name } = ctx.params;
    const { userId } = ctx.meta;
    const user =
      name === undefined ? await this.store.userById(userId) : await this.store.changeUser(userId, { name: name.trim() });
    if (!user) throw problem("unauthenticated");
    if (user.untold) void tellOrLater(this, user);
    return presentMe(user);
  }),
};
