/*
 * What is known of a chat after one more entry, answer or page. Pure.
 *
 * A chat is known by three things that may be of different moments: its messages, up to `rev`; the chat itself, up to
 * `chat.rev`; and each message, up to its own `rev`. What comes is applied to each of them only where it is later.
 */
import type { Chat, Entry, Message, Result, UserEntry } from "@confab/contracts";
import type { ChatLog, MessageWindow } from "./api.ts";
import { changeMessage, isChange, mentions, newer } from "./message.ts";

export type Logs = ReadonlyMap<string, ChatLog>;
export type SyncPage = Result<"chat.sync.pull">;
export type SyncPart = SyncPage["chats"][number];
export type MessagePage = Result<"chat.message.list">;
type Note = Extract<UserEntry, { type: "chat.noted" }>["data"];

/** `gap`: something before it is missing. `gone`: one is in the chat no longer. */
export type Next = ChatLog | "gap" | "gone";

/** The server counts no further. */
const maxMentions = 50;

/** The chat after one more entry; the same object where it was known already. Entry types that nobody knows yet only move rev. */
export function applyEntry(log: ChatLog, entry: Entry, myId: string): Next {
  if (entry.rev <= log.rev) return log;
  return entry.rev === log.rev + 1 ? advance(log, entry, myId) : "gap";
}

/** One chat of a sync answer, asked for from rev `asked`, put on what is known of it now. */
export function applyPart(known: ChatLog | undefined, part: SyncPart, asked: number | undefined, myId: string): Next {
  if (part.reset) {
    if (!part.chat) return "gone";
    // Live entries have led further meanwhile. Where the server is behind what it was asked from, it knows better.
    if (known && known.rev >= part.rev && part.rev >= (asked ?? 0)) return known;
    const messages = part.entries.flatMap((entry) => (entry.type === "message.sent" ? entry.data.message : []));
    const first = messages[0]?.seq ?? part.chat.lastSeq + 1;
    const log = open(part.chat, { rev: part.rev, messages, older: first > 1 ? first : null });
    // What one has read meanwhile may not have reached the server yet.
    return known ? movePointers(log, known.chat.me, myId) : log;
  }
  let log = known;
  if (!log && part.chat)
    // These are all of its entries that one may see, from the first.
    log = open(part.chat, { rev: (part.entries[0]?.rev ?? part.rev + 1) - 1, messages: [], older: null });
  for (const entry of part.entries) {
    if (!log) return endsFor(entry, myId) && entry === part.entries.at(-1) ? "gone" : "gap";
    const next = applyEntry(log, entry, myId);
    if (next === "gap") return next;
    log = next === "gone" ? undefined : next;
  }
  if (!log) return part.entries.length > 0 ? "gone" : "gap";
  return part.chat && known ? learnChat(log, part.chat, true, myId) : log;
}

const open = (chat: Chat, has: Pick<ChatLog, "rev" | "messages" | "older">): ChatLog => ({
  chat,
  ...has,
  window: null,
  quoted: new Map(),
});

const endsFor = (entry: Entry, myId: string) =>
  entry.type === "chat.deleted" || (entry.type === "member.removed" && entry.data.userId === myId);

function advance(log: ChatLog, entry: Entry, myId: string): Next {
  const isNews = entry.rev > log.chat.rev;
  if (isNews && endsFor(entry, myId)) return "gone";
  let next: ChatLog = { ...log, rev: entry.rev };
  if (isNews) next = { ...next, chat: changeChat(log.chat, entry, myId) };
  if (entry.type === "message.sent") next = addMessage(next, entry.data.message);
  else if (isChange(entry)) {
    const { messageId } = entry.data;
    next = changeMessages(next, messageId, (message) => changeMessage(message, entry, myId));
  }
  return countMentions(log, next, myId);
}

/** The chat itself after an entry that it does not have in it yet. */
function changeChat(chat: Chat, entry: Entry, myId: string): Chat {
  const after = { ...chat, rev: entry.rev };
  switch (entry.type) {
    case "message.sent": {
      const { message } = entry.data;
      const sent = { ...after, lastSeq: Math.max(chat.lastSeq, message.seq), lastMessage: newer(message, chat.lastMessage) };
      // Sending moves one's own pointers to that message.
      const reached = message.senderId === myId ? message.seq : 0;
      return pointed(sent, { readSeq: reached, deliveredSeq: reached });
    }
    case "message.deleted":
    case "pin.removed":
      return { ...after, pins: chat.pins.filter(({ id }) => id !== entry.data.messageId) };
    case "pin.added": {
      const { messageId: id, seq } = entry.data;
      return { ...after, pins: [...chat.pins.filter((pin) => pin.id !== id), { id, seq }] };
    }
    case "member.added":
      return { ...after, memberCount: chat.memberCount + entry.data.members.length };
    case "member.removed":
      return { ...after, memberCount: chat.memberCount - 1 };
    case "member.changed":
      return entry.data.userId === myId ? { ...after, me: { ...chat.me, role: entry.data.role } } : after;
    case "chat.changed": {
      const { title, data, historyFrom, posting, slowMode } = entry.data;
      return { ...after, title, data, historyFrom, posting, slowMode };
    }
    default:
      return after;
  }
}

function addMessage(log: ChatLog, message: Message): ChatLog {
  const older = log.messages.length === 0 && log.older !== null ? message.seq : log.older;
  return { ...log, messages: [...log.messages, message], older };
}

/** Changes a message wherever it is at hand. */
function changeMessages(log: ChatLog, messageId: string, change: (message: Message) => Message): ChatLog {
  const { chat, window, quoted } = log;
  const inRun = (run: readonly Message[]): readonly Message[] => {
    const at = run.findLastIndex(({ id }) => id === messageId);
    const changed = at < 0 ? undefined : change(run[at]!);
    return changed && changed !== run[at] ? run.with(at, changed) : run;
  };
  const last = chat.lastMessage?.id === messageId ? change(chat.lastMessage) : chat.lastMessage;
  const single = quoted.get(messageId);
  return {
    ...log,
    chat: last === chat.lastMessage ? chat : { ...chat, lastMessage: last },
    messages: inRun(log.messages),
    window: window && { ...window, messages: inRun(window.messages) },
    quoted: single ? new Map(quoted).set(messageId, change(single)) : quoted,
  };
}

/** Takes in a message as the server answered it, which may be ahead of the log. */
export function learnMessage(log: ChatLog, message: Message, myId: string): ChatLog {
  return countMentions(
    log,
    changeMessages(log, message.id, (known) => newer(known, message)),
    myId,
  );
}

/**
 * Takes in a chat as the server answered it, which may be ahead of the log or behind it. `note` is whether what the
 * chat is to oneself is surely no older than what is known of that.
 */
export function learnChat(log: ChatLog, answer: Chat, note: boolean, myId: string): ChatLog {
  const { chat } = log;
  const base = answer.rev >= chat.rev ? answer : chat;
  const { mutedUntil, pinned, archived, markedUnread } = (note ? answer : chat).me;
  const lastMessage = base.lastMessage && newer(base.lastMessage, chat.lastMessage);
  const me = { ...base.me, mutedUntil, pinned, archived, markedUnread };
  const { readSeq, deliveredSeq } = (base === answer ? chat : answer).me;
  const merged = pointed({ ...base, lastMessage, me }, { readSeq, deliveredSeq });
  return countMentions({ ...log, chat: base }, { ...log, chat: merged }, myId);
}

/** What an entry of one's own log says about a chat. */
export function applyNote(log: ChatLog, note: Note, myId: string): ChatLog {
  const { readSeq, deliveredSeq, mutedUntil, pinned, archived, markedUnread } = note;
  const chat = { ...log.chat, me: { ...log.chat.me, mutedUntil, pinned, archived, markedUnread } };
  return countMentions(log, { ...log, chat: pointed(chat, { readSeq, deliveredSeq }) }, myId);
}

/** One's own pointers, which only go forward. The same object where they are there already. */
export function movePointers(log: ChatLog, to: { readSeq?: number; deliveredSeq?: number }, myId: string): ChatLog {
  const chat = pointed(log.chat, to);
  return chat === log.chat ? log : countMentions(log, { ...log, chat }, myId);
}

/** As `POST /receipts` does: whoever reads a message no longer means that there is something unread. */
export function markRead(log: ChatLog, seq: number, myId: string): ChatLog {
  const { chat } = log;
  const plain = chat.me.markedUnread && seq > 0 ? { ...log, chat: { ...chat, me: { ...chat.me, markedUnread: false } } } : log;
  return movePointers(plain, { readSeq: seq }, myId);
}

function pointed(chat: Chat, to: { readSeq?: number; deliveredSeq?: number }): Chat {
  const readSeq = Math.max(chat.me.readSeq, to.readSeq ?? 0);
  const deliveredSeq = Math.max(chat.me.deliveredSeq, to.deliveredSeq ?? 0, readSeq);
  const unreadCount = Math.max(0, chat.lastSeq - readSeq);
  const isSame = readSeq === chat.me.readSeq && deliveredSeq === chat.me.deliveredSeq && unreadCount === chat.unreadCount;
  return isSame ? chat : { ...chat, unreadCount, me: { ...chat.me, readSeq, deliveredSeq } };
}

/**
 * Unread mentions are counted where all unread messages are at hand. Where they are not, what is at hand tells how the
 * server's number changes; after the pointer moved it is all that there is to count, until the server tells it again.
 */
function countMentions(before: ChatLog, after: ChatLog, myId: string): ChatLog {
  const { chat, messages, older } = after;
  const { readSeq } = chat.me;
  const count = (run: readonly Message[]) => run.filter((message) => message.seq > readSeq && mentions(message, myId)).length;
  const allAtHand = older === null || (messages[0]?.seq ?? Infinity) <= readSeq + 1;
  let unreadMentions = chat.unreadMentions;
  if (chat.unreadCount === 0) unreadMentions = 0;
  // The chat is of a later moment than the messages, and its count with it.
  else if (after.rev < chat.rev) return after;
  else if (allAtHand || before.chat.me.readSeq !== readSeq) unreadMentions = count(messages);
  else if (before.rev >= before.chat.rev) unreadMentions += count(messages) - count(before.messages);
  unreadMentions = Math.min(maxMentions, Math.max(0, unreadMentions));
  return unreadMentions === chat.unreadMentions ? after : { ...after, chat: { ...chat, unreadMentions } };
}

/* Pages. Their messages are as they are now: whoever puts one in has applied what came while it was fetched. */

/** The message, where it is at hand. */
export const findMessage = ({ messages, window, quoted }: ChatLog, messageId: string): Message | undefined =>
  messages.find(({ id }) => id === messageId) ?? window?.messages.find(({ id }) => id === messageId) ?? quoted.get(messageId);

/** Whether the message of that number is among the newest at hand. */
export const isAtHand = ({ messages, older }: ChatLog, seq: number): boolean =>
  older === null || (messages[0]?.seq ?? Infinity) <= seq;

/** Puts an older page above the newest messages. */
export function addOlder(log: ChatLog, page: MessagePage, myId: string): ChatLog {
  const first = log.messages[0]?.seq ?? 0;
  const above = page.items.filter(({ seq }) => seq < first);
  const next = { ...log, messages: [...above, ...log.messages], older: page.before };
  return countMentions({ ...log, messages: next.messages }, next, myId);
}

/** A window on a page elsewhere in the chat. */
export const openWindow = (log: ChatLog, { items, before, after }: MessagePage, target: number, myId: string): ChatLog =>
  placeWindow(log, { messages: items, before, after, target }, myId);

/** Puts a page above what the window shows, or below it. */
export function growWindow(log: ChatLog, page: MessagePage, side: "above" | "below", myId: string): ChatLog {
  const { window } = log;
  if (!window) return log;
  const [first, last] = [window.messages[0]?.seq ?? Infinity, window.messages.at(-1)?.seq ?? 0];
  if (side === "above") {
    const above = page.items.filter(({ seq }) => seq < first);
    return placeWindow(log, { ...window, messages: [...above, ...window.messages], before: page.before }, myId);
  }
  const below = page.items.filter(({ seq }) => seq > last);
  return placeWindow(log, { ...window, messages: [...window.messages, ...below], after: page.after }, myId);
}

/** A window that reaches the newest messages at hand becomes one with them. What is newer than those comes as entries. */
function placeWindow(log: ChatLog, window: MessageWindow, myId: string): ChatLog {
  const first = log.messages[0]?.seq ?? Infinity;
  const last = window.messages.at(-1)?.seq ?? 0;
  if (window.after !== null && last + 1 < first) return { ...log, window };
  if (log.messages.length === 0) return { ...log, window: null };
  const above = window.messages.filter(({ seq }) => seq < first);
  const next = { ...log, window: null, messages: [...above, ...log.messages], older: window.before };
  return countMentions({ ...log, messages: next.messages }, next, myId);
}

export const leaveWindow = (log: ChatLog): ChatLog => (log.window ? { ...log, window: null } : log);

/** Keeps a single message, wherever in the chat it is. */
export const quote = (log: ChatLog, message: Message): ChatLog => ({
  ...log,
  quoted: new Map(log.quoted).set(message.id, newer(message, log.quoted.get(message.id))),
});
