import { packData } from "@confab/mixins/data.ts";
import { define } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import { roleOf } from "../accounts.ts";
import { presentMe } from "../present.ts";
import type { UserService } from "../service.ts";
import { tellOrLater } from "../telling.ts";

export const me = {
  ...define("user.me.get", async function (this: UserService, ctx) {
    const user = await this.store.userById(ctx.meta.userId);
    if (!user) throw problem("unauthenticated");
    return presentMe(user, roleOf(this, user));
  }),

  ...define("user.me.change", async function (this: UserService, ctx) {
    const { name, data } = ctx.params;
    const { userId } = ctx.meta;
    const change = {
      ...(name === undefined ? {} : { name: name.trim() }),
      ...(data === undefined ? {} : { data: packData(data) }),
    };
    const isChange = Object.keys(change).length > 0;
    const user = isChange ? await this.store.changeProfile(userId, change) : await this.store.userById(userId);
    if (!user) throw problem("unauthenticated");
    if (user.untold) void tellOrLater(this, user);
    return presentMe(user, roleOf(this, user));
  }),
};
