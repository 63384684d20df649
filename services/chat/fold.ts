import { applyChange, erase, isChange } from "./changes.ts";
import type { Interval, Mention, StoredEntry, StoredMember, StoredMessage, StoredState } from "./store/documents.ts";

type Mapped = "members" | "past" | "bans" | "inviteUses";

/** A chat as its log says it is, up to `rev`. All decisions are made on this. */
export interface ChatState extends Omit<StoredState, "_id" | "form" | Mapped> {
  chatId: string;
  members: Map<string, StoredMember>;
  past: Map<string, Interval[]>;
  bans: Map<string, { by: string; at: number }>;
  inviteUses: Map<string, number>;
  /** The latest entries: those of which the projections may not be stored yet, and changes of messages for a while longer. */
  recent: StoredEntry[];
  /** Of the changes of messages after this rev none is missing among the recent entries. */
  recentFrom: number;
}

/** G9: a kept state with another number is folded anew from the log. */
const form = 1;
/** Mentions that are remembered for counting the unread ones. */
const maxMentions = 500;

/** A chat of which nothing is known yet; without members, so nobody may do anything in it. */
export function emptyState(chatId: string): ChatState {
  return {
    chatId,
    rev: 0,
    lastSeq: 0,
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
    mentions: [],
    lastMessage: null,
    lastChanges: null,
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
      Object.assign(state, { deleted: true, pins: [], mentions: [], lastMessage: null, lastChanges: null });
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
  // What was said while somebody was out stays closed to them, also where newcomers may read everything.
  const fromTheBeginning = state.historyFrom === "all" && !past;
  const since = fromTheBeginning ? { fromRev: 1, fromSeq: 1 } : { fromRev: entry.rev, fromSeq: entry.seq + 1 };
  state.past.delete(userId);
  state.members.set(userId, newMember(role, entry.at, entry.seq, [...(past ?? []), since]));
}

function remove(state: ChatState, userId: string, entry: StoredEntry): void {
  const member = state.members.get(userId);
  if (!member) return;
  const until = { toRev: entry.rev, toSeq: entry.seq };
  state.past.set(
    userId,
    member.sees.map((interval) => (interval.toRev === undefined ? { ...interval, ...until } : interval)),
  );
  state.members.delete(userId);
}

function send(state: ChatState, entry: StoredMessage): void {
  state.lastMessage = entry;
  state.lastChanges = null;
  const sender = state.members.get(entry.by);
  if (sender) {
    sender.sentSeq = entry.seq;
    sender.sentAt = entry.at;
  }
  mention(state, { seq: entry.seq, by: entry.by, of: entry.body.mentions ?? [] });
}

function change(state: ChatState, entry: StoredEntry): void {
  // G9: an entry type of a later version takes its place in the log and changes nothing here.
  if (!isChange(entry)) return;
  const { seq, messageId } = entry.body;
  state.changedFrom = Math.min(state.changedFrom || seq, seq);
  state.changedTo = Math.max(state.changedTo, seq);
  if (state.lastMessage?.seq === seq) {
    state.lastChanges = applyChange(state.lastChanges, entry);
    if (entry.type === "message.deleted") state.lastMessage = { ...state.lastMessage, body: erase(state.lastMessage.body) };
  }
  switch (entry.type) {
    case "message.edited":
      mention(state, { seq, by: entry.by, of: entry.body.mentions });
      break;
    case "message.deleted":
      mention(state, { seq, by: entry.by, of: [] });
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

function mention(state: ChatState, { seq, by, of }: Mention): void {
  if (state.mentions.length > 0) state.mentions = state.mentions.filter((known) => known.seq !== seq);
  if (of.length === 0) return;
  state.mentions = [...state.mentions, { seq, by, of }].slice(-maxMentions);
}

export function storeState({
  chatId,
  members,
  past,
  bans,
  inviteUses,
  recent: _,
  recentFrom: __,
  ...state
}: ChatState): StoredState {
  return {
    _id: chatId,
    form,
    ...state,
    members: [...members].map(([userId, member]) => [userId, { ...member }]),
    past: [...past],
    bans: [...bans],
    inviteUses: [...inviteUses],
  };
}

/** The state again, or an empty one where it was kept in another form. */
export function restoreState(stored: StoredState): ChatState {
  const { _id: chatId, form: keptForm, members, past, bans, inviteUses, ...state } = stored;
  if (keptForm !== form) return emptyState(chatId);
  return {
    ...state,
    chatId,
    members: new Map(members.map(([userId, member]) => [userId, { ...member }])),
    past: new Map(past),
    bans: new Map(bans),
    inviteUses: new Map(inviteUses),
    recent: [],
    recentFrom: state.rev,
  };
}
