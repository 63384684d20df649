import { define } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import { takeLast, weighWords } from "../budget.ts";
import { messagesAt } from "../current.ts";
import { requireRight } from "../policies.ts";
import type { ChatService } from "../service.ts";
import { changeMessage } from "./change.ts";
import { requireChat } from "./chats.ts";

export const pins = {
  ...define("chat.pin.list", async function (this: ChatService, ctx) {
    const { userId } = ctx.meta;
    const state = await requireChat(this, ctx.params.chatId, userId);
    const seqs = state.pins.map(({ seq }) => seq);
    const found = new Map((await messagesAt(this, state, seqs, userId)).map((message) => [message.seq, message]));
    return {
      items: takeLast(
        seqs.flatMap((seq) => found.get(seq) ?? []),
        weighWords,
      ),
    };
  }),

  ...define("chat.pin.add", async function (this: ChatService, ctx) {
    const { userId } = ctx.meta;
    const { chatId, messageId } = ctx.params;
    await changeMessage(this, {
      chatId,
      messageId,
      by: userId,
      type: "pin.added",
      body: ({ sent }) => ({ messageId, seq: sent.seq }),
      wanted: ({ state, changes }) => {
        requireRight(state, userId, "pin");
        if (changes?.deletedAt !== undefined) throw problem("chat.message_deleted");
        if (changes?.pinned) return false;
        if (state.pins.length >= this.settings.MAX_PINS) throw problem("chat.too_many_pins");
        return true;
      },
    });
    return null;
  }),

  ...define("chat.pin.remove", async function (this: ChatService, ctx) {
    const { userId } = ctx.meta;
    const { chatId, messageId } = ctx.params;
    await changeMessage(this, {
      chatId,
      messageId,
      by: userId,
      type: "pin.removed",
      body: ({ sent }) => ({ messageId, seq: sent.seq }),
      wanted: ({ state, changes }) => {
        requireRight(state, userId, "pin");
        return changes?.pinned ?? false;
      },
    });
    return null;
  }),
};
