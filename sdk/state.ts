import type { Chat, Entry, Message, ProblemDocument, Result } from "@confab/contracts";

/** A message on its way: its name stays the same however often it is sent. */
export interface Outgoing {
  clientMessageId: string;
  chatId: string;
  text: string;
  data?: Record<string, unknown>;
  /** ISO 8601; when it was written. */
  at: string;
  status: "pending" | "failed";
  /** Why it failed. */
  problem?: ProblemDocument;
  /** Its place in the log, once the server has told. */
  rev?: number;
}

/** What is known of one chat. */
export interface ChatState {
  readonly chat: Chat;
  /** All entries up to here have been applied. */
  readonly rev: number;
  /** The newest messages, ascending by seq without a hole. */
  readonly messages: readonly Message[];
  /** Where older messages go on (`before` of chat.message.list); null when all are here. */
  readonly older: number | null;
  /** Own messages that have no place yet. */
  readonly outgoing: readonly Outgoing[];
}

export type Chats = ReadonlyMap<string, ChatState>;
export type SyncPage = Result<"chat.sync.pull">;

/** A chat of which nothing but the answer of the server is known. */
export function openChat(chat: Chat, rev: number, entries: readonly Entry[], outgoing: readonly Outgoing[] = []): ChatState {
  const messages = entries.filter((entry) => entry.type === "message.sent").map((entry) => entry.data.message);
  return settle({ chat, rev, messages, older: olderThan(messages, chat.lastSeq), outgoing });
}

/**
 * The chat after one more entry; the same object where it was known already; undefined where something before it
 * is missing. Entry types that nobody knows yet only move rev.
 */
export function applyEntry(state: ChatState, entry: Entry, myId: string): ChatState | undefined {
  if (entry.rev <= state.rev) return state;
  if (entry.rev !== state.rev + 1) return undefined;
  const next = { ...state, rev: entry.rev, chat: { ...state.chat, rev: entry.rev } };
  return settle(entry.type === "message.sent" ? addMessage(next, entry.data.message, myId) : next);
}

function addMessage(state: ChatState, message: Message, myId: string): ChatState {
  const { chat, messages } = state;
  const lastSeq = Math.max(chat.lastSeq, message.seq);
  // Sending moves one's own pointer to that message.
  const readSeq = message.senderId === myId ? Math.max(chat.me.readSeq, message.seq) : chat.me.readSeq;
  const all = [...messages.filter((known) => known.seq < message.seq), message];
  return {
    ...state,
    chat: { ...chat, lastSeq, lastMessage: message, unreadCount: Math.max(0, lastSeq - readSeq), me: { ...chat.me, readSeq } },
    messages: all,
    older: messages.length === 0 ? olderThan(all, lastSeq) : state.older,
  };
}

/** One chat of a sync answer put on what is known; undefined where that does not fit together. */
export function applySync(known: ChatState | undefined, item: SyncPage["chats"][number], myId: string): ChatState | undefined {
  if (item.reset && item.chat) return openChat(item.chat, item.rev, item.entries, known?.outgoing);
  let state = known;
  if (!state) {
    if (!item.chat) return undefined;
    // The chat is shown as it was before these entries, so that they can be counted on to it.
    const before = { ...item.chat, rev: 0, lastSeq: 0, lastMessage: null, unreadCount: 0 };
    state = { chat: before, rev: (item.entries[0]?.rev ?? item.rev + 1) - 1, messages: [], older: null, outgoing: [] };
  }
  for (const entry of item.entries) {
    const next = applyEntry(state, entry, myId);
    if (!next) return undefined;
    state = next;
  }
  // Where the chat itself came along and is of the same moment, it knows better what cannot be counted.
  return item.chat && item.chat.rev === state.rev
    ? { ...state, chat: item.chat, older: olderThan(state.messages, item.chat.lastSeq, state.older) }
    : state;
}

/** Puts an older page above what is there. */
export function addOlder(state: ChatState, page: Result<"chat.message.list">): ChatState {
  const first = state.messages[0]?.seq ?? Infinity;
  const above = page.items.filter((message) => message.seq < first);
  return { ...state, messages: [...above, ...state.messages], older: page.before };
}

/** Adds an outgoing message, or changes the one of that name. */
export function putOutgoing(state: ChatState, message: Outgoing): ChatState {
  const at = state.outgoing.findIndex(({ clientMessageId }) => clientMessageId === message.clientMessageId);
  const outgoing = at < 0 ? [...state.outgoing, message] : state.outgoing.with(at, message);
  return settle({ ...state, outgoing });
}

export function dropOutgoing(state: ChatState, clientMessageId: string): ChatState {
  return { ...state, outgoing: state.outgoing.filter((message) => message.clientMessageId !== clientMessageId) };
}

/** An outgoing message is done once the log is known up to its place; names are UUIDs, nobody else has the same. */
function settle(state: ChatState): ChatState {
  if (state.outgoing.length === 0) return state;
  const arrived = new Set(state.messages.map(({ clientMessageId }) => clientMessageId));
  const outgoing = state.outgoing.filter(
    ({ rev, clientMessageId }) => !arrived.has(clientMessageId) && (rev === undefined || rev > state.rev),
  );
  return outgoing.length === state.outgoing.length ? state : { ...state, outgoing };
}

function olderThan(messages: readonly Message[], lastSeq: number, known: number | null = null): number | null {
  const first = messages[0]?.seq;
  if (first === undefined) return lastSeq > 0 ? lastSeq + 1 : null;
  return first > 1 ? (known ?? first) : null;
}
