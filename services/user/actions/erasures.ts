import { define } from "@confab/mixins/define.ts";
import { requireRecent } from "../accounts.ts";
import { beginErasure } from "../erasing.ts";
import type { UserService } from "../service.ts";

export const erasures = {
  ...define("user.me.erase", async function (this: UserService, ctx) {
    const { user } = await requireRecent(this, ctx.meta);
    return beginErasure(this, user);
  }),
};
