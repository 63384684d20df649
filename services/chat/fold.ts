import { erase, isChange } from "./changes.ts";
import type { ChatType } from "@confab/contracts";
import type { Interval, Rules, StoredEntry, StoredMember, StoredMessage } from "./store/documents.ts";

/** A chat as its log says it is, up to `rev`. All decisions are made on this. */
export interface ChatState extends Rules {
  chatId: string;
  rev: number;
  lastSeq: number;
  /** When the last message was sent. */
  lastAt: number;
  type: ChatType;
  title: string | null;
  data: string;
  createdAt: number;
  createdBy: string;
  changedAt: number;
  deleted: boolean;
  members: Map<string, StoredMember>;
  /** What those may see who are in it no longer. */
  past: Map<string, Interval[]>;
  bans: Map<string, { by: string; at: number }>;
  /** The latest pin last. */
  pins: { id: string; seq: number }[];
  inviteUses: Map<string, number>;
  /** No later message mentions anybody. */
  mentionedTo: number;
  /** As it was sent; undefined where it has not been read since the state was restored. */
  lastMessage: StoredMessage | null | undefined;
  /** The messages that something happened to after they were sent lie between these. */
  changedFrom: number;
  changedTo: number;
  /** The latest entries: those of which the projections may not be stored yet, and changes of messages for a while longer. */
  recent: StoredEntry[];
  /** Of the changes of messages after this rev none is missing among the recent entries. */
  recentFrom: number;
}

/** Stays in a chat whose messages a member sees. Who leaves and returns more often loses sight of the earliest. */
export const maxStays = 32;

/** A chat of which nothing is known yet; without members, so nobody may do anything in it. */
export function emptyState(chatId: string): ChatState {
  return {
    chatId,
    rev: 0,
    lastSeq: 0,
    lastAt: 0,
    type: "group",
    title: null,
    data: "{}",
    historyFrom: "all",
    posting: "all",
    slowMode: 0,
    createdAt: 0,
    createdBy: "",
    changedAt: 0,
    deleted: false,
    members: new Map(),
    past: new Map(),
    bans: new Map(),
    pins: [],
    inviteUses: new Map(),
    mentionedTo: 0,
    lastMessage: null,
    changedFrom: 0,
    changedTo: 0,
    recent: [],
    recentFrom: 0,
  };
}

/** Takes the entry into the state. One that is in it already changes nothing; one that is too early is a mistake. */
export function fold(state: ChatState, entry: StoredEntry): void {
  if (entry.rev <= state.rev) return;
  if (entry.rev !== state.rev + 1) throw new Error(`chat ${state.chatId}: rev ${entry.rev} does not follow ${state.rev}`);
  switch (entry.type) {
    case "chat.created": {
      const { type, title, data, members, historyFrom, posting, slowMode } = entry.body;
      Object.assign(state, { type, title, data, historyFrom, posting, slowMode, createdAt: entry.at, createdBy: entry.by });
      for (const { userId, role } of members)
        state.members.set(userId, newMember(role, entry.at, 0, [{ fromRev: 1, fromSeq: 1 }]));
      break;
    }
    case "chat.changed":
      Object.assign(state, entry.body);
      break;
    case "chat.deleted":
      for (const userId of [...state.members.keys()]) remove(state, userId, entry);
      Object.assign(state, { deleted: true, pins: [], mentionedTo: 0, lastMessage: null });
      break;
    case "member.added": {
      for (const { userId, role } of entry.body.members) add(state, userId, role, entry);
      const { inviteId } = entry.body;
      if (inviteId) state.inviteUses.set(inviteId, (state.inviteUses.get(inviteId) ?? 0) + entry.body.members.length);
      break;
    }
    case "member.removed":
      remove(state, entry.body.userId, entry);
      if (entry.body.banned) state.bans.set(entry.body.userId, { by: entry.by, at: entry.at });
      break;
    case "member.changed": {
      const member = state.members.get(entry.body.userId);
      if (member) member.role = entry.body.role;
      break;
    }
    case "ban.added":
      state.bans.set(entry.body.userId, { by: entry.by, at: entry.at });
      break;
    case "ban.removed":
      state.bans.delete(entry.body.userId);
      break;
    case "message.sent":
      send(state, entry);
      break;
    default:
      change(state, entry);
  }
  state.rev = entry.rev;
  state.lastSeq = entry.seq;
  state.changedAt = entry.at;
  state.recent.push(entry);
}

const newMember = (role: StoredMember["role"], joinedAt: number, joinedSeq: number, sees: Interval[]): StoredMember => ({
  role,
  joinedAt,
  joinedSeq,
  sentSeq: 0,
  sentAt: 0,
  sees,
});

function add(state: ChatState, userId: string, role: StoredMember["role"], entry: StoredEntry): void {
  const past = state.past.get(userId);
  state.past.delete(userId);
  state.members.set(userId, newMember(role, entry.at, entry.seq, past ? rejoin(past, entry) : [begin(state, entry)]));
}

const begin = ({ historyFrom }: ChatState, { rev, seq }: StoredEntry): Interval =>
  historyFrom === "all" ? { fromRev: 1, fromSeq: 1 } : { fromRev: rev, fromSeq: seq + 1 };

/** What was said while somebody was out stays closed to them, also where newcomers may read everything. */
function rejoin(past: readonly Interval[], { rev, seq }: StoredEntry): Interval[] {
  const { toRev, toSeq: _, ...last } = past.at(-1)!;
  // Nothing happened in between: nothing is hidden.
  if (toRev === rev - 1) return [...past.slice(0, -1), { ...last, sinceRev: rev }];
  return [...past, { fromRev: rev, fromSeq: seq + 1 }].slice(-maxStays);
}

function remove(state: ChatState, userId: string, entry: StoredEntry): void {
  const member = state.members.get(userId);
  if (!member) return;
  const until = { toRev: entry.rev, toSeq: entry.seq };
  state.past.set(userId, [...member.sees.slice(0, -1), { ...member.sees.at(-1)!, ...until }]);
  state.members.delete(userId);
}

function send(state: ChatState, entry: StoredMessage): void {
  state.lastMessage = entry;
  state.lastAt = entry.at;
  if (entry.body.mentions?.length) state.mentionedTo = entry.seq;
  const sender = state.members.get(entry.by);
  if (sender) {
    sender.sentSeq = entry.seq;
    sender.sentAt = entry.at;
  }
}

function change(state: ChatState, entry: StoredEntry): void {
  // G9: an entry type of a later version takes its place in the log and changes nothing here.
  if (!isChange(entry)) return;
  const { seq, messageId } = entry.body;
  state.changedFrom = Math.min(state.changedFrom || seq, seq);
  state.changedTo = Math.max(state.changedTo, seq);
  switch (entry.type) {
    case "message.edited":
      if (entry.body.mentions.length > 0) state.mentionedTo = Math.max(state.mentionedTo, seq);
      break;
    case "message.deleted":
      if (state.lastMessage?.seq === seq) state.lastMessage = { ...state.lastMessage, body: erase(state.lastMessage.body) };
      state.pins = state.pins.filter((pin) => pin.seq !== seq);
      break;
    case "pin.added":
      state.pins = [...state.pins.filter((pin) => pin.seq !== seq), { id: messageId, seq }];
      break;
    case "pin.removed":
      state.pins = state.pins.filter((pin) => pin.seq !== seq);
      break;
  }
}
