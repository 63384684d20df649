import { define } from "@confab/mixins/define.ts";
import type { Result } from "@confab/contracts";
import type { ChatState } from "../fold.ts";
import { maxBytes, takeFirst, takeLast, weigh, weighWords } from "../budget.ts";
import { messagesIn } from "../current.ts";
import { pageAt } from "../pages.ts";
import { isNew, seesOf, seesRev, visibleSeqs } from "../policies.ts";
import { deletedLately, hiddenIn, presentChat, presentEntry, presentUserEntry } from "../present.ts";
import { byChange, chatsIn, chatsOf, requireChat, weighChat } from "./chats.ts";
import type { ChatService } from "../service.ts";
import type { ChatNote, Interval, StoredEntry } from "../store/documents.ts";
import { viewsOf } from "../views.ts";

type Part = Result<"chat.sync.pull">["chats"][number];

/** Whoever is further behind than this is given the newest state instead of every step to it. */
const farBehind = 1000;
const newestPage = 50;
/** What one user entry comes to as JSON, at most. */
const userEntryBytes = 600;

export const sync = {
  ...define("chat.entry.list", async function (this: ChatService, ctx) {
    const { userId } = ctx.meta;
    const { chatId, after = 0, limit = 100 } = ctx.params;
    const { rev } = await requireChat(this, chatId, userId);
    const { entries, state } = await visibleEntries(this, chatId, userId, after, limit);
    const page = takeFirst(entries, weigh);
    const deleted = deletedLately(state);
    const sees = seesOf(state, userId);
    return { items: page.map((entry) => presentEntry(entry, deleted, sees)), rev: Math.max(rev, page.at(-1)?.rev ?? 0) };
  }),

  ...define("chat.entry.range", async function (this: ChatService, ctx) {
    const { chatId, after, limit } = ctx.params;
    const entries = takeFirst(await this.store.entriesAfter(chatId, after, limit), weigh);
    const state = await this.chats.latest(chatId);
    const deleted = deletedLately(state);
    const hidden = hiddenIn(entries, () => state);
    return { items: entries.map((entry) => presentEntry(entry, deleted)), ...(hidden.length > 0 ? { hidden } : {}) };
  }),

  ...define("chat.follow.list", async function (this: ChatService, ctx) {
    const { userId } = ctx.params;
    // First, so that what is added from here on shows as an entry after it.
    const userRev = (await this.userLog.revsOf([userId])).get(userId) ?? 0;
    const chats = await chatsOf(this, userId);
    return { epoch: this.store.epoch, userRev, chats: chats.map(({ chatId, rev }) => ({ chatId, rev })) };
  }),

  ...define("chat.head.list", async function (this: ChatService, ctx) {
    const { chats, users } = ctx.params;
    const userIds = Object.keys(users);
    const [ahead, revs] = await Promise.all([
      this.store.chatsBeyond(new Map(Object.entries(chats))),
      this.userLog.revsOf(userIds),
    ]);
    return { chats: ahead, users: userIds.filter((userId) => (revs.get(userId) ?? 0) > users[userId]!) };
  }),

  ...define("chat.user.range", async function (this: ChatService, ctx) {
    const { userId, after } = ctx.params;
    const { userRev, entries } = await this.userLog.after(userId, after);
    const page = entries.slice(0, maxBytes / userEntryBytes);
    return { userRev: page.length < entries.length ? page.at(-1)!.rev : userRev, items: page.map(presentUserEntry) };
  }),

  ...define("chat.sync.pull", async function (this: ChatService, ctx) {
    const { userId } = ctx.meta;
    const { epoch, userRev = 0, chats = {}, limit = 500 } = ctx.params;
    // Another store: nothing that the client knows is true here.
    const startsOver = epoch !== undefined && epoch !== this.store.epoch;
    const known: Record<string, number> = startsOver ? {} : chats;
    const room = { entries: limit, bytes: maxBytes };

    const { own, mine } = await ownAndChats(this, userId, startsOver ? 0 : userRev);
    const user = own.entries.slice(0, Math.min(limit, maxBytes / 2 / userEntryBytes));
    room.entries -= user.length;
    room.bytes -= user.length * userEntryBytes;
    const ownComplete = user.length === own.entries.length;

    const moved = mine.filter((state) => state.rev !== known[state.chatId]).sort(byChange);
    const changed = [...moved, ...(await leftOf(this, userId, known, mine))];
    const fresh = changed.filter((state) => needsChat(state, userId, known[state.chatId])).map(({ chatId }) => chatId);
    const notes = fresh.length > 0 ? await this.userLog.notes(userId, fresh.slice(0, limit)) : new Map<string, ChatNote>();

    const parts: Part[] = [];
    let complete = ownComplete;
    for (const state of changed) {
      if (room.entries <= 0 || room.bytes <= 0) {
        complete = false;
        break;
      }
      const part = await partOf(this, state, known[state.chatId], userId, notes.get(state.chatId), room);
      // Forget a chat that one is not in, of which the client knows all there is to know.
      if (!part) continue;
      parts.push(part);
      if (part.rev < endOf(state, userId)) complete = false;
    }
    return {
      epoch: this.store.epoch,
      userRev: ownComplete ? own.userRev : user.at(-1)!.rev,
      user: user.map(presentUserEntry),
      chats: parts,
      more: !complete,
    };
  }),
};

/**
 * What is new in the user's own log, and the user's chats. The chats are looked at no earlier than that log, so that it names none
 * that they lack; mostly there is nothing new in it, and then the order does not matter.
 */
async function ownAndChats(service: ChatService, userId: string, userRev: number) {
  const own = service.userLog.after(userId, userRev);
  const [{ entries }, mine] = await Promise.all([own, userRev > 0 ? chatsIn(service, userId) : undefined]);
  return { own: await own, mine: mine && entries.length === 0 ? mine : await chatsIn(service, userId) };
}

/** What an answer still has room for. */
interface Room {
  entries: number;
  bytes: number;
}

/** Entries that a user may see after a rev, from where the first of them is, and the state of the chat after that reading. */
async function visibleEntries(service: ChatService, chatId: string, userId: string, after: number, limit: number) {
  let from = after;
  for (;;) {
    const entries = await service.store.entriesAfter(chatId, from, limit);
    const state = await service.chats.latest(chatId);
    const sees = seesOf(state, userId);
    const visible = entries.filter(({ rev }) => seesRev(sees, rev));
    if (visible.length > 0 || entries.length < limit) return { entries: visible, state };
    // Nothing of this page is for them: on with where the next thing is that is.
    const next = sees.find(({ fromRev }) => fromRev > entries.at(-1)!.rev);
    if (!next) return { entries: [], state };
    from = next.fromRev - 1;
  }
}

/** The chats that the client knows and the user is in no longer. */
async function leftOf(service: ChatService, userId: string, known: Record<string, number>, mine: readonly ChatState[]) {
  const current = new Set(mine.map(({ chatId }) => chatId));
  const others = Object.keys(known).filter((chatId) => !current.has(chatId));
  if (others.length === 0) return [];
  const states = await service.chats.latestOf(others);
  return states.filter((state) => !isNew(state) && state.past.has(userId));
}

/** The last rev of a chat that the user may see. */
const endOf = (state: Readonly<ChatState>, userId: string): number =>
  state.members.has(userId) ? state.rev : (state.past.get(userId)?.at(-1)?.toRev ?? 0);

/** The time in the chat that the user's knowledge belongs to, if steps lead from there to its end. */
function follows(state: Readonly<ChatState>, userId: string, known: number | undefined): Interval | undefined {
  const last = seesOf(state, userId).at(-1)!;
  const end = endOf(state, userId);
  // Ahead of the log it cannot be; then it speaks of another one.
  if (known === undefined || known > end || end - known > farBehind || known < (last.sinceRev ?? last.fromRev) - 1)
    return undefined;
  return last;
}

const needsChat = (state: Readonly<ChatState>, userId: string, known: number | undefined): boolean =>
  state.members.has(userId) && follows(state, userId, known) === undefined;

/** What a client that knows a chat up to a rev, or not at all, is to be told of it; takes its room. */
async function partOf(
  service: ChatService,
  state: ChatState,
  known: number | undefined,
  userId: string,
  note: ChatNote | undefined,
  room: Room,
): Promise<Part | undefined> {
  const { chatId, rev } = state;
  const isMember = state.members.has(userId);
  if (state.deleted || !isMember) {
    const end = endOf(state, userId);
    if (known === end) return undefined;
    if (state.deleted || !follows(state, userId, known)) {
      room.entries--;
      room.bytes -= 1000;
      return { chatId, rev: end, reset: true, entries: [] };
    }
  }
  if (!follows(state, userId, known)) return freshPart(service, state, userId, note, room);
  const from = known!;
  const limit = Math.min(room.entries, endOf(state, userId) - from);
  const found = nextOf(state, from) ?? (await service.store.entriesAfter(chatId, from, limit));
  const entries = takeFirst(found, weigh, room.bytes);
  // A deletion that came while we read is in the state by now.
  const deleted = deletedLately(service.chats.peek(chatId) ?? state);
  takeRoom(room, entries);
  return {
    chatId,
    rev: entries.at(-1)?.rev ?? Math.min(from, rev),
    entries: entries.map((entry) => presentEntry(entry, deleted, seesOf(state, userId))),
  };
}

/** The entry after a rev, if it is the last one and a message: that is in the state. */
const nextOf = ({ rev, lastMessage }: Readonly<ChatState>, known: number): StoredEntry[] | undefined =>
  lastMessage && lastMessage.rev === rev && known === rev - 1 ? [lastMessage] : undefined;

/** The chat and its newest messages, as they are now: for whoever knows nothing of it that could be gone on from. */
async function freshPart(
  service: ChatService,
  state: ChatState,
  userId: string,
  note: ChatNote | undefined,
  room: Room,
): Promise<Part> {
  const { chatId, rev } = state;
  const viewOf = await viewsOf(service, [state], userId, new Map(note ? [[chatId, note]] : []));
  if (!state.members.has(userId)) {
    // Removed while we read.
    room.entries--;
    room.bytes -= 1000;
    return { chatId, rev: endOf(state, userId), reset: true, entries: [] };
  }
  const chat = presentChat(state, userId, note, viewOf(state));
  const { ranges } = pageAt(visibleSeqs(state, userId), {}, newestPage);
  const messages = takeLast(
    await messagesIn(service, state, userId, ranges),
    weighWords,
    Math.max(1, room.bytes - weighChat(chat)),
  );
  room.entries -= 1 + messages.length;
  room.bytes -= weighChat(chat) + messages.reduce((sum, message) => sum + weighWords(message), 0);
  const entries = messages.map((message) => {
    const { senderId: by, createdAt: at } = message;
    return { chatId, rev: message.rev, by, at, type: "message.sent" as const, data: { message } };
  });
  return { chatId, rev, reset: true, chat, entries };
}

function takeRoom(room: Room, entries: readonly StoredEntry[]): void {
  room.entries -= Math.max(1, entries.length);
  room.bytes -= entries.reduce((sum, entry) => sum + weigh(entry), 0);
}
