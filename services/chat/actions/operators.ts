import { define } from "@confab/mixins/define.ts";
import { countMentions, readSeqOf } from "../present.ts";
import { mayWrite, requireMember } from "../policies.ts";
import type { ChatService } from "../service.ts";
import { defaultPreferences, subjects } from "../userlog.ts";
import { mentionsOf } from "../views.ts";
import { chatsOf, requireChat } from "./chats.ts";

/** What operators and the other services ask. */
export const operators = {
  ...define("chat.log.stats", function (this: ChatService) {
    return Promise.resolve({ ...this.log.counts });
  }),

  ...define("chat.unread.explain", async function (this: ChatService, ctx) {
    const { chatId, userId } = ctx.params;
    const state = await requireChat(this, chatId, userId);
    const { joinedSeq, sentSeq } = requireMember(state, userId);
    const notes = await this.userLog.notes(userId, [chatId]);
    const note = notes.get(chatId);
    const mentions = await mentionsOf(this, [state], userId, notes);
    const userRev = (await this.userLog.revsOf([userId])).get(userId) ?? 0;
    const readSeq = readSeqOf(requireMember(state, userId), note);
    return {
      lastSeq: state.lastSeq,
      joinedSeq,
      sentSeq,
      receiptSeq: note?.readSeq ?? 0,
      readSeq,
      unreadCount: state.lastSeq - readSeq,
      unreadMentions: countMentions(mentions(state), readSeq),
      markedUnread: note?.markedUnread ?? false,
      userRev,
      rev: state.rev,
    };
  }),

  ...define("chat.typing.check", async function (this: ChatService, ctx) {
    const { chatId, userId } = ctx.params;
    const state = await requireChat(this, chatId, userId);
    const mayType = mayWrite(state, requireMember(state, userId)) && !(await this.blocks.isUnwelcome(state, userId));
    return { shown: mayType && state.members.size <= this.settings.LIVE_TYPING, rev: state.rev };
  }),

  ...define("chat.presence.visible", async function (this: ChatService, ctx) {
    const { userId, userIds } = ctx.params;
    const met = new Set((await chatsOf(this, userId)).flatMap(({ members }) => [...members.keys()]));
    const candidates = userIds.filter((id) => id === userId || met.has(id));
    const logs = await this.userLog.readOf(candidates, [subjects.preferences, subjects.block(userId)]);
    const visible = candidates.filter((id) => {
      const preferences = logs.get(id)?.get(subjects.preferences);
      const block = logs.get(id)?.get(subjects.block(userId));
      const shows = preferences?.type === "preferences.changed" ? preferences.body.presence : defaultPreferences.presence;
      return shows && !(block?.type === "block.changed" && block.body.blocked);
    });
    return { userIds: visible };
  }),
};
