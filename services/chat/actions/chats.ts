import type { Role } from "@confab/contracts";
import { call, define, type Caller } from "@confab/mixins/define.ts";
import { badField, problem } from "@confab/mixins/problem.ts";
import { v7 as uuid } from "uuid";
import { packData } from "../checks.ts";
import type { ChatState } from "../fold.ts";
import { isNew, requireMember } from "../policies.ts";
import { presentChat } from "../present.ts";
import type { ChatService } from "../service.ts";

export const chats = {
  ...define("chat.chat.create", async function (this: ChatService, ctx) {
    const { userId } = ctx.meta;
    const { type, memberIds, title } = ctx.params;
    const others = [...new Set(memberIds)].filter((id) => id !== userId);
    const data = packData(ctx.params.data);
    if (type === "direct" && others.length !== 1)
      throw badField("memberIds", "one_other", "of a direct chat must name one other person");
    if (type === "direct" && title !== undefined) throw badField("title", "group_only", "is for groups only");
    if (others.length + 1 > this.settings.MAX_MEMBERS) throw problem("chat.too_many_members");
    await requireUsers(this, others);

    const chatId = await claimChat(this, ctx, others[0]);
    const state = await this.chats.latest(chatId);
    if (!isNew(state)) return answer(ctx, state, false);

    // Before the entry: a process that dies between the two leaves a note of a chat that never was, not a chat in nobody's list.
    await this.store.expectMembers(chatId, [userId, ...others]);
    const othersRole: Role = type === "direct" ? "owner" : "member";
    const members = [{ userId, role: "owner" as const }, ...others.map((id) => ({ userId: id, role: othersRole }))];
    const created = await this.log.append({
      chatId,
      type: "chat.created",
      by: userId,
      key: "chat.created",
      body: { type, title: title ?? null, data, members },
      // Whoever comes second at the same time finds the chat by its key; there is nothing to refuse.
      decide: () => {},
    });
    return answer(ctx, await this.chats.latest(chatId), created.isNew);
  }),

  ...define("chat.chat.list", async function (this: ChatService, ctx) {
    const { userId } = ctx.meta;
    const { limit = 50, cursor } = ctx.params;
    const mine = await chatsOf(this, userId);
    const after = cursor === undefined ? undefined : readCursor(cursor);
    const rest = after
      ? mine.filter(
          (state) => state.changedAt < after.changedAt || (state.changedAt === after.changedAt && state.chatId < after.chatId),
        )
      : mine;
    const page = rest.slice(0, limit);
    const last = page.at(-1);
    return {
      items: page.map((state) => presentChat(state, userId)),
      nextCursor: last && rest.length > limit ? writeCursor(last) : null,
    };
  }),

  ...define("chat.chat.get", async function (this: ChatService, ctx) {
    return presentChat(await this.chats.latest(ctx.params.chatId), ctx.meta.userId);
  }),
};

/** The id of the chat that this request is about: a new one, unless it or its like was made before. */
function claimChat(
  { store }: ChatService,
  { params, meta }: Caller<"chat.chat.create">,
  other: string | undefined,
): Promise<string> {
  if (params.type === "direct") return store.claimPair(meta.userId, other!, uuid());
  return meta.idempotencyKey ? store.claimKey(meta.userId, meta.idempotencyKey, uuid()) : Promise.resolve(uuid());
}

function answer(ctx: Caller<"chat.chat.create">, state: ChatState, isNewChat: boolean) {
  ctx.meta.$statusCode = isNewChat ? 201 : 200;
  return presentChat(state, ctx.meta.userId);
}

async function requireUsers(service: ChatService, userIds: string[]): Promise<void> {
  if (userIds.length === 0) return;
  const known = new Set((await call(service.broker, "user.profile.known", { userIds })).userIds);
  const unknown = userIds.findIndex((id) => !known.has(id));
  if (unknown >= 0) throw problem("chat.unknown_user", { detail: `There is no user ${userIds[unknown]}` });
}

/** The states of the chats that a user is in, the most recently changed first. */
export async function chatsOf(service: ChatService, userId: string) {
  const states = await service.chats.latestOf(await service.store.chatsPerhapsOf(userId));
  return states
    .filter((state) => !isNew(state) && state.members.has(userId))
    .sort((a, b) => b.changedAt - a.changedAt || (a.chatId < b.chatId ? 1 : -1));
}

export async function requireChat(service: ChatService, chatId: string, userId: string) {
  const state = await service.chats.latest(chatId);
  requireMember(state, userId);
  return state;
}

interface Cursor {
  changedAt: number;
  chatId: string;
}

const writeCursor = ({ changedAt, chatId }: Cursor) => Buffer.from(`${changedAt}.${chatId}`).toString("base64url");

function readCursor(cursor: string): Cursor {
  const [, changedAt, chatId] = /^(\d{1,15})\.([0-9a-f-]{36})$/.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
  if (!chatId) throw badField("cursor", "cursor", "is not one that this list gave out");
  return { changedAt: Number(changedAt), chatId };
}
