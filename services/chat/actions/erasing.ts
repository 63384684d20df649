import { define } from "@confab/mixins/define.ts";
import { erasePiece } from "../erasing.ts";
import type { ChatService } from "../service.ts";

export const erasing = define("chat.person.erase", async function (this: ChatService, ctx) {
  return { done: await erasePiece(this, ctx.params.userId, ctx.params.messages) };
});
