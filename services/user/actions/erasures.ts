import { define } from "@confab/mixins/define.ts";
import { noteAct, requireRecent } from "../accounts.ts";
import { beginErasure, type ErasingService } from "../erasing.ts";
import { requireHostUser } from "../host.ts";

export const erasures = {
  ...define("user.me.erase", async function (this: ErasingService, ctx) {
    const { user } = await requireRecent(this, ctx.meta);
    return beginErasure(this, user, ctx.meta);
  }),

  ...define("user.host.erase", async function (this: ErasingService, ctx) {
    const user = await requireHostUser(this, ctx.params.externalId);
    await noteAct(this, ctx.meta, { action: "user.host.erase", target: user._id });
    return beginErasure(this, user, ctx.meta);
  }),
};
