import { define } from "@confab/mixins/define.ts";
import type { Result } from "@confab/contracts";
import type { ChatState } from "../fold.ts";
import { presentChat, presentEntry } from "../present.ts";
import { chatsOf, requireChat } from "./chats.ts";
import type { ChatService } from "../service.ts";

type Part = Result<"chat.sync.pull">["chats"][number];

/** Whoever is further behind than this is given the newest state instead of every step to it. */
const farBehind = 1000;
const newestPage = 50;

export const sync = {
  ...define("chat.entry.list", async function (this: ChatService, ctx) {
    const { chatId, after = 0, limit = 100 } = ctx.params;
    const { rev } = await requireChat(this, chatId, ctx.meta.userId);
    const entries = await this.store.entriesAfter(chatId, after, limit);
    return { items: entries.map(presentEntry), rev: Math.max(rev, entries.at(-1)?.rev ?? 0) };
  }),

  ...define("chat.entry.range", async function (this: ChatService, ctx) {
    const { chatId, after, limit } = ctx.params;
    return { items: (await this.store.entriesAfter(chatId, after, limit)).map(presentEntry) };
  }),

  ...define("chat.follow.list", async function (this: ChatService, ctx) {
    const chats = await chatsOf(this, ctx.params.userId);
    return { epoch: this.store.epoch, chats: chats.map(({ chatId, rev }) => ({ chatId, rev })) };
  }),

  ...define("chat.sync.pull", async function (this: ChatService, ctx) {
    const { userId } = ctx.meta;
    const { epoch, chats: known = {}, limit = 500 } = ctx.params;
    // Another store: nothing that the client knows is true here.
    const startsOver = epoch !== undefined && epoch !== this.store.epoch;
    const changed = (await chatsOf(this, userId)).filter((state) => startsOver || state.rev !== known[state.chatId]);

    const parts: Part[] = [];
    let room = limit;
    for (const state of changed) {
      if (room <= 0) break;
      const part = await partOf(this, state, startsOver ? undefined : known[state.chatId], userId, room);
      room -= Math.max(1, part.entries.length);
      parts.push(part);
    }
    const complete = parts.length === changed.length && parts.every((part, at) => part.rev >= changed[at]!.rev);
    return { epoch: this.store.epoch, userRev: 0, user: [], chats: parts, more: !complete };
  }),
};

/** What a client that knows a chat up to a rev, or not at all, is to be told of it. */
async function partOf(
  service: ChatService,
  state: ChatState,
  known: number | undefined,
  userId: string,
  room: number,
): Promise<Part> {
  const { chatId, rev } = state;
  const from = known ?? 0;
  // Ahead of the log it cannot be; then it speaks of another one.
  if (rev - from > farBehind || from > rev) {
    const newest = await service.store.entriesAfter(chatId, Math.max(0, rev - newestPage), newestPage);
    return { chatId, rev, reset: true, chat: presentChat(state, userId), entries: newest.map(presentEntry) };
  }
  const entries = await service.store.entriesAfter(chatId, from, Math.min(room, rev - from));
  return {
    chatId,
    rev: entries.at(-1)?.rev ?? from,
    ...(known === undefined ? { chat: presentChat(state, userId) } : {}),
    entries: entries.map(presentEntry),
  };
}
