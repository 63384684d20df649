import { define } from "@confab/mixins/define.ts";
import type { IoService } from "../service.ts";
import { own } from "./own.ts";

export const presence = {
  ...own("io.presence.watch", async function (socket, { userIds }) {
    return { items: await this.presences.watch(socket, userIds) };
  }),

  ...define("io.presence.list", async function (this: IoService, ctx) {
    return { online: await this.presences.online(ctx.params.userIds) };
  }),
};
