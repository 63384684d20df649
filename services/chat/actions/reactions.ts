import { define } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import { maxBytes } from "../budget.ts";
import { authorsOf, bringReactors, hasReacted, isChange, type Reactor } from "../changes.ts";
import { checkEmoji } from "../checks.ts";
import { requireMessage } from "../current.ts";
import type { ChatService } from "../service.ts";
import type { StoredEntry, StoredMessage } from "../store/documents.ts";
import { changeMessage } from "./change.ts";
import { requireChat } from "./chats.ts";

export const reactions = {
  ...define("chat.reaction.list", async function (this: ChatService, ctx) {
    const { userId } = ctx.meta;
    const { chatId, messageId } = ctx.params;
    const state = await requireChat(this, chatId, userId);
    const later = state.recent;
    const { sent, changes } = await requireMessage(this, state, messageId, userId);
    const reactions = changes?.reactions ?? [];
    const isCounted = reactions.some(([, who]) => typeof who === "number");
    const reactors = isCounted ? await readReactors(this, sent, later) : [];
    // Of very many the first, so that the answer does not outgrow what a broker carries.
    const most = Math.floor(maxBytes / 50 / Math.max(1, reactions.length));
    const items = reactions.map(([emoji, who]) => ({
      emoji,
      userIds: (typeof who === "number" ? authorsOf(reactors, emoji) : who).slice(0, most),
    }));
    return { items };
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

/** Who has reacted to a message with many reactions, with what the state has folded since that was stored. */
async function readReactors({ store }: ChatService, { chatId, seq }: StoredMessage, later: readonly StoredEntry[]) {
  const stored = new Map<string, Reactor>();
  for (const reactor of await store.reactorsAt(chatId, seq)) stored.set(reactor.userId, reactor);
  const ofMessage = later.filter((entry) => isChange(entry) && entry.body.seq === seq);
  return [...bringReactors(stored, ofMessage).values()];
}
