import { define } from "@confab/mixins/define.ts";
import { badField, problem } from "@confab/mixins/problem.ts";
import type { ChatState } from "../fold.ts";
import { outranks, requireMember, requireOtherOwner, requireRight } from "../policies.ts";
import type { ChatService } from "../service.ts";
import type { StoredMember } from "../store/documents.ts";
import { changeChat } from "./change.ts";
import { requireChat, requireUsers, showChat } from "./chats.ts";

export const members = {
  ...define("chat.member.list", async function (this: ChatService, ctx) {
    const { chatId, limit = 100, cursor } = ctx.params;
    const state = await requireChat(this, chatId, ctx.meta.userId);
    const all = [...state.members].sort(([a, { joinedAt: atA }], [b, { joinedAt: atB }]) => atA - atB || (a < b ? -1 : 1));
    const from = cursor === undefined ? 0 : afterCursor(all, cursor);
    const page = all.slice(from, from + limit);
    const last = page.at(-1);
    return {
      items: page.map(([userId, { role, joinedAt }]) => ({ userId, role, joinedAt: new Date(joinedAt).toISOString() })),
      nextCursor: last && from + limit < all.length ? writeCursor(last) : null,
    };
  }),

  ...define("chat.member.add", async function (this: ChatService, ctx) {
    const { userId } = ctx.meta;
    const { chatId, userIds } = ctx.params;
    requireRight(await requireChat(this, chatId, userId), userId, "add");
    await requireUsers(this, userIds);
    // Before the entry, as with a new chat: the index may name a chat too many, never one too few.
    await this.store.expectMembers(chatId, userIds);
    const body = { members: [] as { userId: string; role: "member" }[], inviteId: null };
    await changeChat(this, {
      chatId,
      by: userId,
      type: "member.added",
      body,
      wanted: (state) => {
        requireRight(state, userId, "add");
        const added = userIds.filter((id) => !state.members.has(id));
        requireRoom(state, added, this.settings.MAX_MEMBERS);
        body.members = added.map((id) => ({ userId: id, role: "member" }));
        return added.length > 0;
      },
    });
    return showChat(this, chatId, userId);
  }),

  ...define("chat.member.change", async function (this: ChatService, ctx) {
    const { chatId, userId, role } = ctx.params;
    const me = ctx.meta.userId;
    await changeChat(this, {
      chatId,
      by: me,
      type: "member.changed",
      body: { userId, role },
      wanted: (state) => {
        requireRight(state, me, "promote");
        const member = requireOther(state, userId);
        if (role !== "owner") requireOtherOwner(state, userId);
        if (member.role === "owner" && role !== "owner" && state.members.size === 1) throw problem("chat.last_owner");
        return member.role !== role;
      },
    });
    return { userId, role };
  }),

  ...define("chat.member.remove", async function (this: ChatService, ctx) {
    const { chatId, userId } = ctx.params;
    const me = ctx.meta.userId;
    const leaves = userId === me;
    await changeChat(this, {
      chatId,
      by: me,
      type: "member.removed",
      body: { userId, banned: false },
      wanted: (state) => {
        if (leaves) {
          // Whoever has left already has what was asked for.
          if (state.past.has(me) && !state.deleted) return false;
          requireMember(state, me);
          if (state.type === "direct") throw problem("chat.groups_only");
          requireOtherOwner(state, me);
          return true;
        }
        const { role } = requireRight(state, me, "remove");
        // Whoever is out already, too.
        if (state.past.has(userId)) return false;
        if (!outranks(role, requireOther(state, userId).role)) throw problem("chat.not_allowed");
        return true;
      },
    });
    return null;
  }),
};

export function requireOther(state: Readonly<ChatState>, userId: string): StoredMember {
  const member = state.members.get(userId);
  if (!member) throw problem("chat.member_not_found");
  return member;
}

/** Throws where these people must not, or cannot, be members too. */
export function requireRoom(state: Readonly<ChatState>, added: readonly string[], max: number): void {
  const banned = added.find((id) => state.bans.has(id));
  if (banned) throw problem("chat.banned", { detail: `${banned} is kept out of this chat` });
  if (state.members.size + added.length > max) throw problem("chat.too_many_members");
}

type Listed = [userId: string, member: StoredMember];

const writeCursor = ([userId, { joinedAt }]: Listed) => Buffer.from(`${joinedAt}.${userId}`).toString("base64url");

function afterCursor(all: readonly Listed[], cursor: string): number {
  const [, joinedAt, userId] = /^(\d{1,15})\.([0-9a-f-]{36})$/.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
  if (!userId) throw badField("cursor", "cursor", "is not one that this list gave out");
  const at = all.findIndex(
    ([id, member]) => member.joinedAt > Number(joinedAt) || (member.joinedAt === Number(joinedAt) && id > userId),
  );
  return at < 0 ? all.length : at;
}
