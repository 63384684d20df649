/* The one place that decides what leaves the service, and in which form. */
import type { Chat, Entry, Hidden, HostChat, Invite, Message, UserEntry } from "@confab/contracts";
import { presentReactions, type Changes } from "./changes.ts";
import { requireMember, seesSeq } from "./policies.ts";
import type { ChatState } from "./fold.ts";
import { maxMentions } from "./mentions.ts";
import type {
  ChatNote,
  Interval,
  StoredEntry,
  StoredInvite,
  StoredMember,
  StoredMessage,
  UserSubject,
} from "./store/documents.ts";

const two = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, "0"));
const three = Array.from({ length: 1000 }, (_, n) => String(n).padStart(3, "0"));
let day = NaN;
let date = "";

/** Milliseconds since 1970 as toISOString tells them, which costs three times as much where times are of one day: fifty of them a page. */
export function time(at: number): string {
  const today = Math.floor(at / 86_400_000);
  if (today !== day) [day, date] = [today, new Date(at).toISOString().slice(0, 11)];
  const ms = at - today * 86_400_000;
  return `${date}${two[Math.floor(ms / 3_600_000)]}:${two[Math.floor(ms / 60_000) % 60]}:${two[Math.floor(ms / 1000) % 60]}.${three[ms % 1000]}Z`;
}

export const unpackData = (data: string) => (data === "{}" ? {} : (JSON.parse(data) as Record<string, unknown>));

/** A message as it is now, as this person sees it. */
export function presentMessage(sent: StoredMessage, changes: Changes | null | undefined, viewerId: string): Message {
  const message = presentSent(sent, changes?.deletedAt !== undefined);
  if (!changes) return message;
  const { edited } = changes;
  return {
    ...message,
    rev: changes.rev,
    ...(edited ? { text: edited.text, mentions: edited.mentions, data: unpackData(edited.data), editedAt: time(edited.at) } : {}),
    reactions: presentReactions(changes, viewerId),
    pinned: changes.pinned,
    deletedAt: changes.deletedAt === undefined ? null : time(changes.deletedAt),
  };
}

/** A message as it was sent; without its words where it was deleted. */
function presentSent({ chatId, seq, rev, by, at, body }: StoredMessage, isDeleted: boolean): Message {
  const gone = isDeleted || body.erased === true;
  return {
    id: body.id,
    chatId,
    seq,
    rev,
    senderId: by,
    clientMessageId: body.clientMessageId,
    text: gone ? "" : body.text,
    attachments: [],
    replyTo: body.replyTo ?? null,
    mentions: gone ? [] : (body.mentions ?? []),
    reactions: [],
    pinned: false,
    editedAt: null,
    deletedAt: null,
    createdAt: time(at),
    data: gone ? {} : unpackData(body.data),
  };
}

/** The seqs of messages that were deleted lately: their entries may hold their words still. */
export function deletedLately({ recent }: Readonly<ChatState>): ReadonlySet<number> {
  const deleted = new Set<number>();
  for (const entry of recent) if (entry.type === "message.deleted") deleted.add(entry.body.seq);
  return deleted;
}

const none: ReadonlySet<number> = new Set();

/**
 * An entry as those see it who see it at all; `sees` is what one of them may see of the chat. Deleted words are gone
 * from it, and those of a message that was sent while they were not there.
 */
export function presentEntry(entry: StoredEntry, deleted: ReadonlySet<number> = none, sees?: readonly Interval[]): Entry {
  const { chatId, rev, by } = entry;
  const place = { chatId, rev, by, at: time(entry.at) };
  switch (entry.type) {
    case "message.sent":
      return { ...place, type: entry.type, data: { message: presentSent(entry, deleted.has(entry.seq)) } };
    case "message.edited": {
      const { messageId, seq, text, mentions, data, erased } = entry.body;
      const gone = erased === true || deleted.has(seq) || (sees !== undefined && !seesSeq(sees, seq));
      const words = gone ? { text: "", mentions: [], data: {} } : { text, mentions, data: unpackData(data) };
      return { ...place, type: entry.type, data: { messageId, seq, ...words } };
    }
    case "chat.created": {
      return { ...place, type: entry.type, data: { ...entry.body, data: unpackData(entry.body.data) } };
    }
    case "chat.changed":
      return { ...place, type: entry.type, data: { ...entry.body, data: unpackData(entry.body.data) } };
    default:
      // What these say is stored as it is shown.
      return { ...place, type: entry.type, data: entry.body } as Entry;
  }
}

/** Which of these entries have words that some members may not see, and which members. */
export function hiddenIn(
  entries: readonly StoredEntry[],
  stateOf: (chatId: string) => Readonly<ChatState> | undefined,
): Hidden[] {
  return entries.flatMap((entry) => {
    if (entry.type !== "message.edited") return [];
    const members = [...(stateOf(entry.chatId)?.members ?? [])];
    const from = members.filter(([, { sees }]) => !seesSeq(sees, entry.body.seq)).map(([userId]) => userId);
    return from.length === 0 ? [] : [{ chatId: entry.chatId, rev: entry.rev, from }];
  });
}

/** How far a member has read: by own sending, since joining, or as the person's devices said. */
export const readSeqOf = ({ joinedSeq, sentSeq }: StoredMember, note: ChatNote | undefined): number =>
  Math.max(joinedSeq, sentSeq, note?.readSeq ?? 0);

export const deliveredSeqOf = (member: StoredMember, note: ChatNote | undefined): number =>
  Math.max(readSeqOf(member, note), note?.deliveredSeq ?? 0);

/** What a chat shows beside its state. */
export interface ChatView {
  lastMessage: StoredMessage | null;
  /** What happened to the last message. */
  changes: Changes | null;
  /** The latest messages that mention the viewer. */
  mentions: readonly number[];
}

export const countMentions = (mentions: readonly number[], readSeq: number): number =>
  Math.min(mentions.filter((seq) => seq > readSeq).length, maxMentions);

/** A chat as one of its members sees it. */
export function presentChat(state: Readonly<ChatState>, userId: string, note: ChatNote | undefined, view: ChatView): Chat {
  const me = requireMember(state, userId);
  const { chatId, type, members, rev, lastSeq } = state;
  const { lastMessage, changes } = view;
  const readSeq = readSeqOf(me, note);
  return {
    id: chatId,
    type,
    title: state.title,
    data: unpackData(state.data),
    historyFrom: state.historyFrom,
    posting: state.posting,
    slowMode: state.slowMode,
    createdAt: time(state.createdAt),
    createdBy: state.createdBy,
    memberCount: members.size,
    peerId: type === "direct" ? ([...members.keys()].find((id) => id !== userId) ?? userId) : null,
    // By id and number, as a reply names its original; what they say is told only to who may see it.
    pins: state.pins,
    rev,
    lastSeq,
    lastMessage: lastMessage && seesSeq(me.sees, lastMessage.seq) ? presentMessage(lastMessage, changes, userId) : null,
    unreadCount: lastSeq - readSeq,
    unreadMentions: countMentions(view.mentions, readSeq),
    me: { role: me.role, joinedAt: time(me.joinedAt), ...presentNote(note), readSeq, deliveredSeq: deliveredSeqOf(me, note) },
  };
}

/** A chat as the host's backend sees it: of what is said there, nothing. */
export const presentHostChat = (
  { chatId, rev, lastSeq, title, data, members, createdAt }: Readonly<ChatState>,
  key: string,
): HostChat => ({
  ...{ id: chatId, key, rev, lastSeq, title, data: unpackData(data), createdAt: time(createdAt) },
  members: [...members].map(([userId, { role }]) => ({ userId, role })),
});

function presentNote(note: ChatNote | undefined) {
  return {
    mutedUntil: note?.mutedUntil ? time(note.mutedUntil) : null,
    pinned: note?.pinned ?? false,
    archived: note?.archived ?? false,
    markedUnread: note?.markedUnread ?? false,
  };
}

export function presentUserEntry(entry: UserSubject): UserEntry {
  const place = { userRev: entry.rev, at: time(entry.at) };
  if (entry.type === "profile.changed") {
    const { name, avatar } = entry.body;
    return { ...place, type: entry.type, data: { name, avatar } };
  }
  if (entry.type !== "chat.noted") return { ...place, type: entry.type, data: entry.body } as UserEntry;
  const { chatId, member, readSeq, deliveredSeq } = entry.body;
  return { ...place, type: entry.type, data: { chatId, member, readSeq, deliveredSeq, ...presentNote(entry.body) } };
}

export function presentInvite({ _id, id, chatId, by, at, expiresAt, maxUses }: StoredInvite, uses: number): Invite {
  return { id, chatId, code: _id, createdBy: by, createdAt: time(at), expiresAt: time(expiresAt), maxUses, uses };
}
