import { define } from "@confab/mixins/define.ts";
import { readUnread, scanMessages } from "../digests.ts";
import type { ChatService } from "../service.ts";

/** What mail asks, to tell people of what they have not read. */
export const digests = {
  ...define("chat.digest.scan", function (this: ChatService, ctx) {
    return scanMessages(this, ctx.params);
  }),

  ...define("chat.digest.read", function (this: ChatService, ctx) {
    return readUnread(this, ctx.params);
  }),
};
