import type { Chat, Role } from "@confab/contracts";
import { packData } from "@confab/mixins/data.ts";
import { call, define, type Caller } from "@confab/mixins/define.ts";
import { badField, problem } from "@confab/mixins/problem.ts";
import { v7 as uuid } from "uuid";
import { takeFirst, weighWords } from "../budget.ts";
import type { ChatState } from "../fold.ts";
import { isNew, requireMember, requireRight } from "../policies.ts";
import { presentChat } from "../present.ts";
import type { ChatService } from "../service.ts";
import type { EntryBodies } from "../store/documents.ts";
import { viewsOf } from "../views.ts";
import { changeChat } from "./change.ts";

export const chats = {
  ...define("chat.chat.create", async function (this: ChatService, ctx) {
    const { userId } = ctx.meta;
    const { type, memberIds, title, data: _, ...rules } = ctx.params;
    const others = [...new Set(memberIds)].filter((id) => id !== userId);
    const data = packData(ctx.params.data);
    if (type === "direct" && others.length !== 1)
      throw badField("memberIds", "one_other", "of a direct chat must name one other person");
    const groupOnly = Object.keys(title === undefined ? rules : { title, ...rules });
    if (type === "direct" && groupOnly.length > 0) {
      const errors = groupOnly.map((field) => ({ field, code: "group_only", message: "is for groups only" }));
      throw problem("bad_input", { errors });
    }
    if (others.length + 1 > this.settings.MAX_MEMBERS) throw problem("chat.too_many_members");
    await requireUsers(this, others);

    const chatId = await claimChat(this, ctx, others[0]);
    const state = await this.chats.latest(chatId);
    if (!isNew(state)) return answer(this, ctx, chatId, false);
    if (type === "direct" && (await this.blocks.has(others[0]!, userId))) throw problem("chat.blocked");

    // Before the entry: a process that dies between the two leaves a note of a chat that never was, not a chat in nobody's list.
    await this.store.expectMembers(chatId, [userId, ...others]);
    const othersRole: Role = type === "direct" ? "owner" : "member";
    const members = [{ userId, role: "owner" as const }, ...others.map((id) => ({ userId: id, role: othersRole }))];
    const created = await this.log.append({
      chatId,
      type: "chat.created",
      by: userId,
      key: "chat.created",
      body: { type, title: title ?? null, data, ...newRules, ...rules, members },
      // Whoever comes second at the same time finds the chat by its key; there is nothing to refuse.
      decide: () => {},
    });
    return answer(this, ctx, chatId, created.isNew);
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
    const page = rest.slice(0, limit).map((state) => ({ state, cursor: writeCursor(state) }));
    const chatIds = page.map(({ state }) => state.chatId);
    const notes = await this.userLog.notes(userId, chatIds);
    const states = page.map(({ state }) => state);
    const viewOf = await viewsOf(this, states, userId, notes);
    // A chat may have gone on meanwhile, also without the user.
    const still = page.filter(({ state }) => state.members.has(userId));
    const shown = still.map(({ state }) => presentChat(state, userId, notes.get(state.chatId), viewOf(state)));
    const items = takeFirst(shown, weighChat);
    const isCut = items.length < shown.length;
    const last = isCut ? still[items.length - 1] : page.at(-1);
    return { items, nextCursor: last && (isCut || rest.length > page.length) ? last.cursor : null };
  }),

  ...define("chat.chat.get", async function (this: ChatService, ctx) {
    return showChat(this, ctx.params.chatId, ctx.meta.userId);
  }),

  ...define("chat.chat.change", async function (this: ChatService, ctx) {
    const { userId } = ctx.meta;
    const { chatId, title, data, ...rules } = ctx.params;
    const packed = data === undefined ? undefined : packData(data);
    // What is left out stays as it is when the change is decided.
    const body = { title: null, data: "{}", ...newRules } as EntryBodies["chat.changed"];
    await changeChat(this, {
      chatId,
      by: userId,
      type: "chat.changed",
      body,
      wanted: (state) => {
        requireRight(state, userId, "change");
        const { historyFrom, posting, slowMode } = state;
        const now = { title: state.title, data: state.data, historyFrom, posting, slowMode };
        Object.assign(body, now, rules, title === undefined ? {} : { title }, packed === undefined ? {} : { data: packed });
        return (Object.keys(now) as (keyof typeof now)[]).some((field) => body[field] !== now[field]);
      },
    });
    return showChat(this, chatId, userId);
  }),

  ...define("chat.chat.delete", async function (this: ChatService, ctx) {
    const { userId } = ctx.meta;
    await changeChat(this, {
      chatId: ctx.params.chatId,
      by: userId,
      type: "chat.deleted",
      body: {},
      wanted: (state) => {
        // Asked for again by whoever could have done it.
        if (state.deleted && state.past.has(userId)) return false;
        requireRight(state, userId, "deleteChat");
        return true;
      },
    });
    return null;
  }),
};

/** The rules of a chat where nobody says otherwise. */
export const newRules = { historyFrom: "all", posting: "all", slowMode: 0 } as const;

/** The id of the chat that this request is about: a new one, unless it or its like was made before. */
function claimChat(
  { store }: ChatService,
  { params, meta }: Caller<"chat.chat.create">,
  other: string | undefined,
): Promise<string> {
  if (params.type === "direct") return store.claimPair(meta.userId, other!, uuid());
  return meta.idempotencyKey ? store.claimKey(meta.userId, meta.idempotencyKey, uuid()) : Promise.resolve(uuid());
}

function answer(service: ChatService, ctx: Caller<"chat.chat.create">, chatId: string, isNewChat: boolean) {
  ctx.meta.$statusCode = isNewChat ? 201 : 200;
  return showChat(service, chatId, ctx.meta.userId);
}

/** A chat as one of its members sees it now. */
export async function showChat(service: ChatService, chatId: string, userId: string): Promise<Chat> {
  const state = await requireChat(service, chatId, userId);
  const notes = await service.userLog.notes(userId, [chatId]);
  const viewOf = await viewsOf(service, [state], userId, notes);
  return presentChat(state, userId, notes.get(chatId), viewOf(state));
}

export async function requireUsers(service: ChatService, userIds: readonly string[]): Promise<void> {
  if (userIds.length === 0) return;
  const known = new Set((await call(service.broker, "user.profile.known", { userIds: [...userIds] })).userIds);
  const unknown = userIds.findIndex((id) => !known.has(id));
  if (unknown >= 0) throw problem("chat.unknown_user", { detail: `There is no user ${userIds[unknown]}` });
}

/** The states of the chats that a user is in, the most recently changed first. */
export const chatsOf = async (service: ChatService, userId: string) => (await chatsIn(service, userId)).sort(byChange);

/** The same in no particular order. */
export async function chatsIn(service: ChatService, userId: string): Promise<ChatState[]> {
  const states = await service.memberships.read(userId, (chatIds) => service.chats.latestOf(chatIds));
  return states.filter((state) => !isNew(state) && state.members.has(userId));
}

/** The most recently changed first. */
export const byChange = (a: Readonly<ChatState>, b: Readonly<ChatState>): number =>
  b.changedAt - a.changedAt || (a.chatId < b.chatId ? 1 : -1);

export async function requireChat(service: ChatService, chatId: string, userId: string) {
  const state = await service.chats.latest(chatId);
  requireMember(state, userId);
  return state;
}

/** What a chat comes to as JSON, at most. */
export const weighChat = ({ title, data, lastMessage, pins }: Chat): number =>
  weighWords({ text: title ?? "", data, mentions: [], reactions: pins }) + (lastMessage ? weighWords(lastMessage) : 0);

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
