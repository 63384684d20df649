import { define } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import { maxBytes } from "../budget.ts";
import { hasReacted } from "../changes.ts";
import { checkEmoji } from "../checks.ts";
import { requireMessage } from "../current.ts";
import type { ChatService } from "../service.ts";
import { changeMessage } from "./change.ts";
import { requireChat } from "./chats.ts";

export const reactions = {
  ...define("chat.reaction.list", async function (this: ChatService, ctx) {
    const { userId } = ctx.meta;
    const { chatId, messageId } = ctx.params;
    const { changes } = await requireMessage(this, await requireChat(this, chatId, userId), messageId, userId);
    const reactions = changes?.reactions ?? [];
    // Of very many the first, so that the answer does not outgrow what a broker carries.
    const most = Math.floor(maxBytes / 50 / Math.max(1, reactions.length));
    return { items: reactions.map(([emoji, userIds]) => ({ emoji, userIds: userIds.slice(0, most) })) };
  }),

  ...define("chat.reaction.add", async function (this: ChatService, ctx) {
    const { userId } = ctx.meta;
    const { chatId, messageId } = ctx.params;
    const emoji = checkEmoji(ctx.params.emoji);
    const { MAX_REACTIONS } = this.settings;
    const message = await changeMessage(this, {
      chatId,
      messageId,
      by: userId,
      type: "reaction.added",
      body: ({ sent }) => ({ messageId, seq: sent.seq, emoji }),
      // Those of others, or by another emoji, do not stand on it. So many at once may pass the limit by as many.
      aside: `${messageId}:${userId}:${emoji}`,
      wanted: ({ changes }) => {
        if (changes?.deletedAt !== undefined) throw problem("chat.message_deleted");
        if (hasReacted(changes, emoji, userId)) return false;
        const isKnown = changes?.reactions.some(([known]) => known === emoji);
        if (!isKnown && (changes?.reactions.length ?? 0) >= MAX_REACTIONS) throw problem("chat.too_many_reactions");
        return true;
      },
    });
    return { message };
  }),

  ...define("chat.reaction.remove", async function (this: ChatService, ctx) {
    const { userId } = ctx.meta;
    const { chatId, messageId } = ctx.params;
    const emoji = checkEmoji(ctx.params.emoji);
    const message = await changeMessage(this, {
      chatId,
      messageId,
      by: userId,
      type: "reaction.removed",
      body: ({ sent }) => ({ messageId, seq: sent.seq, emoji }),
      aside: `${messageId}:${userId}:${emoji}`,
      wanted: ({ changes }) => {
        if (changes?.deletedAt !== undefined) throw problem("chat.message_deleted");
        return hasReacted(changes, emoji, userId);
      },
    });
    return { message };
  }),
};
