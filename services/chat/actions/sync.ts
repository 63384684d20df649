import { define } from "@confab/mixins/define.ts";
import type { Result } from "@confab/contracts";
import type { ChatState } from "../fold.ts";
import { maxBytes, takeFirst, takeLast, weigh } from "../budget.ts";
import { presentChat, presentEntry } from "../present.ts";
import { chatsOf, requireChat } from "./chats.ts";
import type { ChatService } from "../service.ts";
import type { StoredEntry } from "../store/documents.ts";

type Part = Result<"chat.sync.pull">["chats"][number];

/** Whoever is further behind than this is given the newest state instead of every step to it. */
const farBehind = 1000;
const newestPage = 50;

export const sync = {
  ...define("chat.entry.list", async function (this: ChatService, ctx) {
    const { chatId, after = 0, limit = 100 } = ctx.params;
    const { rev } = await requireChat(this, chatId, ctx.meta.userId);
    const entries = takeFirst(await this.store.entriesAfter(chatId, after, limit));
    return { items: entries.map(presentEntry), rev: Math.max(rev, entries.at(-1)?.rev ?? 0) };
  }),

  ...define("chat.entry.range", async function (this: ChatService, ctx) {
    const { chatId, after, limit } = ctx.params;
    return { items: takeFirst(await this.store.entriesAfter(chatId, after, limit)).map(presentEntry) };
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
    const room = { entries: limit, bytes: maxBytes };
    for (const state of changed) {
      if (room.entries <= 0 || room.bytes <= 0) break;
      parts.push(await partOf(this, state, startsOver ? undefined : known[state.chatId], userId, room));
    }
    const complete = parts.length === changed.length && parts.every((part, at) => part.rev >= changed[at]!.rev);
    return { epoch: this.store.epoch, userRev: 0, user: [], chats: parts, more: !complete };
  }),
};

/** What an answer still has room for. */
interface Room {
  entries: number;
  bytes: number;
}

/** What a client that knows a chat up to a rev, or not at all, is to be told of it; takes its room. */
async function partOf(
  service: ChatService,
  state: ChatState,
  known: number | undefined,
  userId: string,
  room: Room,
): Promise<Part> {
  const { chatId, rev } = state;
  const from = known ?? 0;
  // Ahead of the log it cannot be; then it speaks of another one.
  if (rev - from > farBehind || from > rev) {
    const page = await service.store.entriesAfter(chatId, Math.max(0, rev - newestPage), newestPage);
    const newest = takeLast(page, room.bytes);
    takeRoom(room, newest, state);
    return { chatId, rev, reset: true, chat: presentChat(state, userId), entries: newest.map(presentEntry) };
  }
  const entries = takeFirst(await service.store.entriesAfter(chatId, from, Math.min(room.entries, rev - from)), room.bytes);
  takeRoom(room, entries, known === undefined ? state : undefined);
  return {
    chatId,
    rev: entries.at(-1)?.rev ?? from,
    ...(known === undefined ? { chat: presentChat(state, userId) } : {}),
    entries: entries.map(presentEntry),
  };
}

function takeRoom(room: Room, entries: readonly StoredEntry[], chat: ChatState | undefined): void {
  room.entries -= Math.max(1, entries.length);
  // A chat is shown with its last message.
  const shown = chat?.lastMessage ? [...entries, chat.lastMessage] : entries;
  room.bytes -= shown.reduce((sum, entry) => sum + weigh(entry), 0) + (chat ? chat.data.length * 3 : 0);
}
