import { define } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import { outranks, requireRight } from "../policies.ts";
import type { ChatService } from "../service.ts";
import { changeChat } from "./change.ts";
import { requireChat, requireUsers } from "./chats.ts";

const maxBans = 1000;

export const bans = {
  ...define("chat.ban.list", async function (this: ChatService, ctx) {
    const state = await requireChat(this, ctx.params.chatId, ctx.meta.userId);
    requireRight(state, ctx.meta.userId, "ban");
    const items = [...state.bans].map(([userId, { by, at }]) => ({ userId, by, at: new Date(at).toISOString() }));
    return { items };
  }),

  ...define("chat.ban.add", async function (this: ChatService, ctx) {
    const { chatId, userId } = ctx.params;
    const me = ctx.meta.userId;
    const state = await requireChat(this, chatId, me);
    requireRight(state, me, "ban");
    if (!state.members.has(userId)) await requireUsers(this, [userId]);
    // A member is removed by the very entry that keeps them out, so that they cannot come back in between.
    const common = { chatId, by: me };
    const check = (now: typeof state) => {
      const { role } = requireRight(now, me, "ban");
      const target = now.members.get(userId);
      if (userId === me || (target && !outranks(role, target.role))) throw problem("chat.not_allowed");
      if (!now.bans.has(userId) && now.bans.size >= maxBans) throw problem("chat.too_many_bans");
      return target;
    };
    const removal = {
      ...common,
      type: "member.removed" as const,
      body: { userId, banned: true },
      wanted: (now: typeof state) => check(now) !== undefined,
    };
    if (await changeChat(this, removal)) return null;
    await changeChat(this, {
      ...common,
      type: "ban.added",
      body: { userId },
      wanted: (now) => {
        // Whoever slipped in between is to be removed, which this entry does not do.
        if (check(now)) throw problem("unavailable", { retryAfter: 1 });
        return !now.bans.has(userId);
      },
    });
    return null;
  }),

  ...define("chat.ban.remove", async function (this: ChatService, ctx) {
    const { chatId, userId } = ctx.params;
    const me = ctx.meta.userId;
    await changeChat(this, {
      chatId,
      by: me,
      type: "ban.removed",
      body: { userId },
      wanted: (state) => {
        requireRight(state, me, "ban");
        return state.bans.has(userId);
      },
    });
    return null;
  }),
};
