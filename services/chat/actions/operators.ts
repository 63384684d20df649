import { define } from "@confab/mixins/define.ts";
import type { ChatService } from "../service.ts";

export const operators = {
  ...define("chat.log.stats", function (this: ChatService) {
    return Promise.resolve({ ...this.log.counts });
  }),
};
