// What a client knows that was told nothing but entries and syncs, by a reducer of the tests' own.

import type { Chat, Entry, Message, Params, Result, Role, UserEntry } from "@confab/contracts";

type SyncPage = Result<"chat.sync.pull">;
type SyncPart = SyncPage["chats"][number];

export interface Held {
  /** Entries up to here are in it. */
  rev: number;
  chat: Chat;
  /** Ascending by seq, without a hole to the newest one. */
  messages: Message[];
}

/** The state of one device, kept by catching up (G4). */
export class Replica {
  readonly me: string;
  readonly chats = new Map<string, Held>();
  /** The last entry of each subject of one's own log. */
  readonly own = new Map<string, UserEntry>();
  userRev = 0;
  #epoch: string | undefined;
  readonly counts = { pages: 0, entries: 0, resets: 0 };

  constructor(me: string) {
    this.me = me;
  }

  /** What to ask a sync for. */
  known(): Params<"chat.sync.pull"> {
    const chats = Object.fromEntries([...this.chats].map(([chatId, { rev }]) => [chatId, rev]));
    return { userRev: this.userRev, chats, ...(this.#epoch === undefined ? {} : { epoch: this.#epoch }) };
  }

  merge(page: SyncPage): void {
    this.counts.pages++;
    if (this.#epoch !== undefined && this.#epoch !== page.epoch) throw new Error("the store became another one");
    this.#epoch = page.epoch;
    for (const entry of page.user) {
      if (entry.userRev <= this.userRev) throw new Error(`userRev ${entry.userRev} comes after ${this.userRev} was seen`);
      this.userRev = entry.userRev;
      this.receiveOwn(entry);
    }
    if (page.userRev < this.userRev) throw new Error(`userRev went back from ${this.userRev} to ${page.userRev}`);
    this.userRev = page.userRev;
    for (const part of page.chats) this.#mergePart(part);
  }

  #mergePart(part: SyncPart): void {
    const { chatId, rev, reset, chat, entries } = part;
    if (reset) {
      this.counts.resets++;
      this.chats.delete(chatId);
      const messages = entries.flatMap((entry) => (entry.type === "message.sent" ? entry.data.message : []));
      if (chat) this.chats.set(chatId, { rev, chat, messages });
      return;
    }
    for (const entry of entries) {
      const held = this.chats.get(chatId);
      if (!held) throw new Error(`an entry ${entry.rev} of a chat that this client does not have`);
      if (entry.rev !== held.rev + 1) throw new Error(`a sync goes on with ${entry.rev} after ${held.rev}`);
      this.#apply(held, entry);
    }
    const held = this.chats.get(chatId);
    if (held && held.rev !== rev) throw new Error(`a sync says ${rev} and leads to ${held.rev}`);
  }

  /** An entry from a socket: a hint, which may be known already, or come after one that is missing. */
  receive(entry: Entry): "taken" | "known" | "gap" {
    const held = this.chats.get(entry.chatId);
    if (!held) return "gap";
    if (entry.rev <= held.rev) return "known";
    if (entry.rev !== held.rev + 1) return "gap";
    this.#apply(held, entry);
    return "taken";
  }

  receiveOwn(entry: UserEntry): void {
    const subject = subjectOf(entry);
    if ((this.own.get(subject)?.userRev ?? 0) >= entry.userRev) return;
    this.own.set(subject, entry);
    const held = entry.type === "chat.noted" && this.chats.get(entry.data.chatId);
    if (!held) return;
    const { chatId: _, member: __, readSeq, deliveredSeq, ...flags } = entry.data;
    held.chat = moveTo({ ...held.chat, me: { ...held.chat.me, ...flags } }, readSeq, deliveredSeq);
  }

  #apply(held: Held, entry: Entry): void {
    this.counts.entries++;
    held.rev = entry.rev;
    if (endsFor(entry, this.me)) this.chats.delete(entry.chatId);
    else applyEntry(held, entry, this.me);
  }
}

const subjectOf = (entry: UserEntry): string => {
  if (entry.type === "chat.noted") return `chat ${entry.data.chatId}`;
  return entry.type === "block.changed" ? `block ${entry.data.userId}` : entry.type;
};

const endsFor = (entry: Entry, userId: string): boolean =>
  entry.type === "chat.deleted" || (entry.type === "member.removed" && entry.data.userId === userId);

function applyEntry(held: Held, entry: Entry, me: string): void {
  const { messages } = held;
  if (entry.type === "message.sent") messages.push(entry.data.message);
  const at = messages.findIndex(({ id }) => id === messageIdOf(entry));
  if (at >= 0) messages[at] = changeMessage(messages[at]!, entry, me);
  // What is not at hand may still be the chat's last message.
  const last = messages.at(-1) ?? (held.chat.lastMessage && changeMessage(held.chat.lastMessage, entry, me));
  const chat = entry.rev > held.chat.rev ? changeChat(held.chat, entry, me) : held.chat;
  held.chat = { ...chat, lastMessage: last };
}

function changeChat(chat: Chat, entry: Entry, me: string): Chat {
  const after = { ...chat, rev: entry.rev };
  switch (entry.type) {
    case "message.sent": {
      const { seq } = entry.data.message;
      return moveTo({ ...after, lastSeq: seq }, entry.by === me ? seq : 0);
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
      return entry.data.userId === me ? { ...after, me: { ...chat.me, role: entry.data.role } } : after;
    case "chat.changed":
      return { ...after, ...entry.data };
    default:
      return after;
  }
}

const messageIdOf = ({ data }: Entry) => ("messageId" in data ? data.messageId : undefined);

/** Pointers only move forward. */
function moveTo(chat: Chat, read: number, delivered = 0): Chat {
  const readSeq = Math.max(chat.me.readSeq, read);
  const deliveredSeq = Math.max(chat.me.deliveredSeq, delivered, readSeq);
  return { ...chat, unreadCount: chat.lastSeq - readSeq, me: { ...chat.me, readSeq, deliveredSeq } };
}

/** A message after one more entry; entries up to its rev are in it already. */
export function changeMessage(message: Message, entry: Entry, me: string): Message {
  if (entry.rev <= message.rev) return message;
  const after = { ...message, rev: entry.rev };
  switch (entry.type) {
    case "message.edited": {
      const { text, mentions, data } = entry.data;
      return { ...after, text, mentions, data, editedAt: entry.at };
    }
    case "message.deleted":
      return { ...after, text: "", mentions: [], data: {}, reactions: [], pinned: false, deletedAt: entry.at };
    case "reaction.added":
    case "reaction.removed": {
      const { emoji } = entry.data;
      const added = entry.type === "reaction.added";
      const known = message.reactions.some((one) => one.emoji === emoji);
      const before = known || !added ? message.reactions : [...message.reactions, { emoji, count: 0, mine: false }];
      const count = (one: Message["reactions"][number]) => ({
        ...one,
        count: one.count + (added ? 1 : -1),
        mine: entry.by === me ? added : one.mine,
      });
      const reactions = before.map((one) => (one.emoji === emoji ? count(one) : one)).filter((one) => one.count > 0);
      return { ...after, reactions };
    }
    case "pin.added":
      return { ...after, pinned: true };
    case "pin.removed":
      return { ...after, pinned: false };
    default:
      return message;
  }
}

/** What a whole log comes to, as one person sees it. */
export interface Folded {
  messages: Message[];
  /** The rev of each message's own entry, by seq. */
  revs: number[];
  title: string | null;
  members: Map<string, Role>;
  pins: string[];
  /** From which rev to which somebody may read. */
  sees: Map<string, { from: number; to: number }[]>;
}

export function foldLog(entries: readonly Entry[], me: string): Folded {
  const folded: Folded = { messages: [], revs: [], title: null, members: new Map(), pins: [], sees: new Map() };
  const { messages, members, sees } = folded;
  let historyFrom = "all";
  const at = new Map<string, number>();
  const join = (userId: string, role: Role, from: number) => {
    members.set(userId, role);
    sees.set(userId, [...(sees.get(userId) ?? []), { from, to: Infinity }]);
  };
  for (const entry of entries) {
    const target = at.get(messageIdOf(entry) ?? "");
    if (target !== undefined) messages[target] = changeMessage(messages[target]!, entry, me);
    switch (entry.type) {
      case "chat.created":
        ({ title: folded.title, historyFrom } = entry.data);
        for (const { userId, role } of entry.data.members) join(userId, role, 1);
        break;
      case "chat.changed":
        ({ title: folded.title, historyFrom } = entry.data);
        break;
      case "member.added":
        for (const { userId, role } of entry.data.members)
          join(userId, role, historyFrom === "all" && !sees.has(userId) ? 1 : entry.rev);
        break;
      case "member.removed":
        members.delete(entry.data.userId);
        for (const interval of sees.get(entry.data.userId) ?? []) interval.to = Math.min(interval.to, entry.rev);
        break;
      case "member.changed":
        members.set(entry.data.userId, entry.data.role);
        break;
      case "message.sent":
        at.set(entry.data.message.id, messages.length);
        messages.push(entry.data.message);
        folded.revs.push(entry.rev);
        break;
      case "message.deleted":
      case "pin.removed":
        folded.pins = folded.pins.filter((id) => id !== entry.data.messageId);
        break;
      case "pin.added":
        folded.pins.push(entry.data.messageId);
        break;
    }
  }
  return folded;
}

/** Whether somebody may read what stands at a rev. */
export const maySee = ({ sees }: Folded, userId: string, rev: number): boolean =>
  (sees.get(userId) ?? []).some(({ from, to }) => from <= rev && rev <= to);
