import type { Chat, Entry, Me, Message, Mentions, Result, Role, UserEntry, Preferences } from "@confab/contracts";
import type { SyncPage, SyncPart } from "./state.ts";

/* For the specs beside this file: builders, and a model of the server that is small enough to be seen to be right. */

export const at = "2026-01-01T00:00:00.000Z";

export const meOf = (id: string, changes: Partial<Me> = {}): Me => ({
  id,
  externalId: null,
  name: id,
  avatar: null,
  data: {},
  email: null,
  emailVerified: false,
  hasPassword: false,
  hasTotp: false,
  role: "user",
  eraseAt: null,
  createdAt: at,
  ...changes,
});

export const chatOf = (chatId: string, changes: Partial<Chat> = {}): Chat => ({
  id: chatId,
  type: "direct",
  title: null,
  data: {},
  historyFrom: "all",
  posting: "all",
  slowMode: 0,
  createdAt: at,
  createdBy: "ann",
  memberCount: 2,
  peerId: "bob",
  pins: [],
  rev: 1,
  lastSeq: 0,
  lastMessage: null,
  unreadCount: 0,
  unreadMentions: 0,
  me: {
    role: "owner",
    joinedAt: at,
    readSeq: 0,
    deliveredSeq: 0,
    mutedUntil: null,
    pinned: false,
    archived: false,
    markedUnread: false,
  },
  ...changes,
});

export const messageOf = (chatId: string, rev: number, senderId = "bob", name = `name-${rev}`): Message => ({
  id: `message-${rev}`,
  chatId,
  seq: rev - 1,
  rev,
  senderId,
  clientMessageId: name,
  text: `text ${rev}`,
  attachments: [],
  replyTo: null,
  mentions: [],
  reactions: [],
  pinned: false,
  editedAt: null,
  deletedAt: null,
  createdAt: at,
  data: {},
});

const rules = { historyFrom: "all", posting: "all", slowMode: 0 } as const;

/** The log of a chat: its creation at rev 1, then messages. */
export const entryOf = (chatId: string, rev: number, senderId = "bob", name?: string): Entry =>
  rev === 1
    ? {
        chatId,
        rev,
        by: "ann",
        at,
        type: "chat.created",
        data: { type: "direct", title: null, data: {}, ...rules, members: [] },
      }
    : { chatId, rev, by: senderId, at, type: "message.sent", data: { message: messageOf(chatId, rev, senderId, name) } };

export const entriesOf = (chatId: string, from: number, to: number): Entry[] =>
  Array.from({ length: to - from + 1 }, (_, i) => entryOf(chatId, from + i));

type EntryData = { [T in Entry["type"]]: { type: T; data: Extract<Entry, { type: T }>["data"] } }[Entry["type"]];
type OwnData = { [T in UserEntry["type"]]: { type: T; data: Extract<UserEntry, { type: T }>["data"] } }[UserEntry["type"]];
type Note = Extract<UserEntry, { type: "chat.noted" }>["data"];

/** What the server tells a user's sockets. */
export type Hint = { entry: Entry } | { own: UserEntry };

/** A time that somebody was in a chat: what they may see of it. */
interface Stay {
  fromRev: number;
  fromSeq: number;
  toRev: number;
}

interface Options {
  /** Entries in an answer to a sync. */
  room?: number;
  /** Whoever is further behind gets the newest state. */
  farBehind?: number;
  /** Messages in a page. */
  page?: number;
  /** Whether a chat that is new to the client comes as its newest messages, or entry by entry. */
  freshByReset?: boolean;
}

/**
 * A server as the contracts describe it, for the clients of one user: `me`. It keeps nothing but the logs, as they were
 * written, and works everything out from their beginning each time it is asked.
 */
export class ModelServer {
  readonly me: string;
  readonly epoch: string;
  readonly logs = new Map<string, Entry[]>();
  /** What sockets of `me` are to be told, in order. */
  readonly hints: Hint[] = [];
  readonly #options: Required<Options>;
  readonly #own = new Map<string, UserEntry>();
  userRev = 0;
  #ids = 0;

  constructor(me: string, options: Options = {}, epoch = "e1") {
    this.me = me;
    this.epoch = epoch;
    this.#options = { room: 500, farBehind: 1000, page: 50, freshByReset: true, ...options };
  }

  /** Takes the next place in the log of a chat. */
  append(chatId: string, by: string, what: EntryData): Entry {
    const log = this.logs.get(chatId) ?? [];
    const wasIn = this.isIn(chatId);
    const entry = { chatId, rev: log.length + 1, by, at: this.#time(log.length + 1), ...what } as Entry;
    this.logs.set(chatId, [...log, entry]);
    if (wasIn || this.isIn(chatId)) this.hints.push({ entry: this.present(entry) });
    if (wasIn !== this.isIn(chatId)) this.note(chatId, { member: !wasIn });
    return entry;
  }

  create(chatId: string, by: string, others: readonly string[], historyFrom: "all" | "join" = "all"): void {
    const members = [by, ...others].map((userId, index): { userId: string; role: Role } => ({
      userId,
      role: index === 0 ? "owner" : "member",
    }));
    const data = { type: "group" as const, title: null, data: {}, ...rules, historyFrom, members };
    this.append(chatId, by, { type: "chat.created", data });
  }

  send(chatId: string, by: string, mentions: Mentions = [], name = `name-${++this.#ids}`): Message {
    const seq = this.#sent(chatId).length + 1;
    const rev = this.logs.get(chatId)!.length + 1;
    const id = `message-${chatId}-${seq}`;
    const message: Message = { ...messageOf(chatId, rev, by, name), id, seq, mentions, createdAt: this.#time(rev) };
    this.append(chatId, by, { type: "message.sent", data: { message } });
    return message;
  }

  /** An entry of the own log. */
  tell(subject: string, what: OwnData): void {
    const entry = { userRev: ++this.userRev, at, ...what } as UserEntry;
    this.#own.set(subject, entry);
    this.hints.push({ own: entry });
  }

  /** What a chat is to `me`. */
  note(chatId: string, changes: Partial<Note>): void {
    const now = { ...this.#note(chatId), ...changes, chatId };
    this.tell(`chat:${chatId}`, { type: "chat.noted", data: now });
  }

  /** As `POST /receipts`. */
  move(chatId: string, read: number, delivered: number): Result<"chat.receipt.move">["chats"] {
    if (!this.isIn(chatId)) return {};
    const note = this.#note(chatId);
    const last = this.#sent(chatId).length;
    const readSeq = Math.max(note.readSeq, Math.min(read, last));
    const deliveredSeq = Math.max(note.deliveredSeq, readSeq, Math.min(delivered, last));
    const markedUnread = note.markedUnread && read === 0;
    const isSame = readSeq === note.readSeq && deliveredSeq === note.deliveredSeq && markedUnread === note.markedUnread;
    if (!isSame) this.note(chatId, { readSeq, deliveredSeq, markedUnread });
    const { me } = this.chat(chatId);
    return { [chatId]: { readSeq: me.readSeq, deliveredSeq: me.deliveredSeq } };
  }

  isIn(chatId: string): boolean {
    return this.members(chatId).has(this.me);
  }

  members(chatId: string): Map<string, { role: Role; rev: number }> {
    const members = new Map<string, { role: Role; rev: number }>();
    for (const entry of this.logs.get(chatId) ?? []) {
      if (entry.type === "chat.created" || entry.type === "member.added")
        for (const { userId, role } of entry.data.members) members.set(userId, { role, rev: entry.rev });
      else if (entry.type === "member.removed") members.delete(entry.data.userId);
      else if (entry.type === "member.changed")
        members.set(entry.data.userId, { ...members.get(entry.data.userId)!, role: entry.data.role });
      else if (entry.type === "chat.deleted") members.clear();
    }
    return members;
  }

  /** What of a chat `me` may see: the last of them lasts, as long as one is in the chat. */
  stays(chatId: string): Stay[] {
    const stays: Stay[] = [];
    let historyFrom = "all";
    let [seq, isIn] = [0, false];
    for (const entry of this.logs.get(chatId) ?? []) {
      const { rev } = entry;
      if (entry.type === "chat.created" || entry.type === "chat.changed") ({ historyFrom } = entry.data);
      if (entry.type === "message.sent") seq++;
      const isAdded =
        (entry.type === "chat.created" || entry.type === "member.added") &&
        entry.data.members.some(({ userId }) => userId === this.me);
      const isRemoved = entry.type === "chat.deleted" || (entry.type === "member.removed" && entry.data.userId === this.me);
      if (isAdded) {
        const fromTheBeginning = historyFrom === "all" && stays.length === 0;
        stays.push({ ...(fromTheBeginning ? { fromRev: 1, fromSeq: 1 } : { fromRev: rev, fromSeq: seq + 1 }), toRev: Infinity });
        isIn = true;
      } else if (isRemoved && isIn) {
        stays.at(-1)!.toRev = rev;
        isIn = false;
      }
    }
    return stays;
  }

  sees(chatId: string, rev: number): boolean {
    return this.stays(chatId).some(({ fromRev, toRev }) => fromRev <= rev && rev <= toRev);
  }

  /** The messages that `me` may see, as they are now. */
  messages(chatId: string): Message[] {
    const stays = this.stays(chatId);
    return this.#sent(chatId)
      .filter(({ rev, data }) => stays.some(({ fromSeq, toRev }) => fromSeq <= data.message.seq && rev <= toRev))
      .map(({ data }) => this.message(chatId, data.message.id));
  }

  /** A message as it is now. */
  message(chatId: string, messageId: string): Message {
    const log = this.logs.get(chatId)!;
    const sent = this.#sent(chatId).find(({ data }) => data.message.id === messageId)!;
    const about = log.filter((entry) => "messageId" in entry.data && entry.data.messageId === messageId);
    const edit = about.findLast((entry) => entry.type === "message.edited");
    const deletion = about.find((entry) => entry.type === "message.deleted");
    const pin = about.findLast((entry) => entry.type === "pin.added" || entry.type === "pin.removed");
    const words = deletion
      ? { text: "", mentions: [], data: {} }
      : edit
        ? { text: edit.data.text, mentions: edit.data.mentions, data: edit.data.data }
        : {};
    return {
      ...sent.data.message,
      ...words,
      rev: about.at(-1)?.rev ?? sent.rev,
      reactions: deletion ? [] : this.#reactions(about),
      pinned: !deletion && pin?.type === "pin.added",
      editedAt: edit?.at ?? null,
      deletedAt: deletion?.at ?? null,
    };
  }

  #reactions(about: readonly Entry[]): Message["reactions"] {
    const standing: { emoji: string; by: string[] }[] = [];
    for (const entry of about) {
      if (entry.type !== "reaction.added" && entry.type !== "reaction.removed") continue;
      const { emoji } = entry.data;
      let known = standing.find((reaction) => reaction.emoji === emoji);
      if (!known) standing.push((known = { emoji, by: [] }));
      if (entry.type === "reaction.added") known.by.push(entry.by);
      else known.by.splice(known.by.indexOf(entry.by), 1);
      if (known.by.length === 0) standing.splice(standing.indexOf(known), 1);
    }
    return standing.map(({ emoji, by }) => ({ emoji, count: by.length, mine: by.includes(this.me) }));
  }

  /** An entry as it is shown now: deleted words are gone from it. */
  present(entry: Entry): Entry {
    const id =
      entry.type === "message.sent" ? entry.data.message.id : entry.type === "message.edited" ? entry.data.messageId : undefined;
    if (id === undefined || this.message(entry.chatId, id).deletedAt === null) return entry;
    const gone = { text: "", mentions: [], data: {} };
    if (entry.type === "message.sent") return { ...entry, data: { message: { ...entry.data.message, ...gone } } };
    return { ...entry, data: { ...entry.data, ...gone } } as Entry;
  }

  /** As `GET /chats/:chatId` answers it. */
  chat(chatId: string): Chat {
    const log = this.logs.get(chatId)!;
    const [created] = log;
    if (created?.type !== "chat.created") throw new Error("a log begins with its chat");
    const changed = log.findLast((entry) => entry.type === "chat.changed")?.data ?? created.data;
    const { title, data, historyFrom, posting, slowMode } = changed;
    const messages = this.messages(chatId);
    const lastSeq = this.#sent(chatId).length;
    const member = this.members(chatId).get(this.me)!;
    const { readSeq, deliveredSeq, mutedUntil, pinned, archived, markedUnread } = this.#note(chatId);
    const joinedSeq = this.#sent(chatId).filter(({ rev }) => rev < member.rev).length;
    const sentSeq = this.#sent(chatId).findLast(({ by, rev }) => by === this.me && rev > member.rev)?.data.message.seq ?? 0;
    const read = Math.max(readSeq, joinedSeq, sentSeq);
    const isUnread = ({ seq, senderId, mentions }: Message) =>
      seq > read && senderId !== this.me && (mentions === "all" || mentions.includes(this.me));
    const pins: Chat["pins"] = [];
    for (const entry of log) {
      if (entry.type !== "pin.added" && entry.type !== "pin.removed" && entry.type !== "message.deleted") continue;
      const known = pins.findIndex(({ id }) => id === entry.data.messageId);
      if (known >= 0) pins.splice(known, 1);
      if (entry.type === "pin.added") pins.push({ id: entry.data.messageId, seq: entry.data.seq });
    }
    return {
      id: chatId,
      type: created.data.type,
      ...{ title, data, historyFrom, posting, slowMode },
      createdAt: created.at,
      createdBy: created.by,
      memberCount: this.members(chatId).size,
      peerId: null,
      pins,
      rev: log.length,
      lastSeq,
      lastMessage: messages.find(({ seq }) => seq === lastSeq) ?? null,
      unreadCount: lastSeq - read,
      unreadMentions: Math.min(50, messages.filter(isUnread).length),
      me: {
        role: member.role,
        joinedAt: log[member.rev - 1]!.at,
        readSeq: read,
        deliveredSeq: Math.max(read, deliveredSeq),
        ...{ mutedUntil, pinned, archived, markedUnread },
      },
    };
  }

  /** As `GET /chats/:chatId/messages`. */
  list(
    chatId: string,
    { before, after, around }: { before?: number; after?: number; around?: number },
  ): Result<"chat.message.list"> {
    const all = this.messages(chatId);
    const { page } = this.#options;
    const upTo = (index: number) => all.slice(Math.max(0, index - page), index);
    const firstFrom = (seq: number) => all.filter((message) => message.seq < seq).length;
    const start = after === undefined ? 0 : firstFrom(after + 1);
    const items =
      after !== undefined
        ? all.slice(start, start + page)
        : around !== undefined
          ? upTo(Math.min(all.length, firstFrom(around) + Math.ceil(page / 2)))
          : upTo(before === undefined ? all.length : firstFrom(before));
    const [first, last] = [items[0]?.seq, items.at(-1)?.seq];
    return {
      items,
      before: first === undefined || first === all[0]?.seq ? null : first,
      after: last === undefined || last === all.at(-1)?.seq ? null : last,
    };
  }

  /** As `POST /sync`. */
  sync(known: { epoch?: string; userRev?: number; chats: Record<string, number> }): SyncPage {
    const startsOver = known.epoch !== undefined && known.epoch !== this.epoch;
    const userRev = startsOver ? 0 : (known.userRev ?? 0);
    const user = [...this.#own.values()].filter((entry) => entry.userRev > userRev).sort((a, b) => a.userRev - b.userRev);
    const chats: SyncPart[] = [];
    let room = this.#options.room;
    let more = false;
    for (const chatId of this.logs.keys()) {
      const rev = startsOver ? undefined : known.chats[chatId];
      const part = this.#part(chatId, rev, room);
      if (part && room <= 0) more = true;
      else if (part) {
        chats.push(part);
        room -= Math.max(1, part.entries.length);
        const end = this.isIn(chatId) ? this.logs.get(chatId)!.length : this.stays(chatId).at(-1)!.toRev;
        if (part.rev < end) more = true;
      }
    }
    return { epoch: this.epoch, userRev: this.userRev, user, chats, more };
  }

  #part(chatId: string, known: number | undefined, room: number): SyncPart | undefined {
    const log = this.logs.get(chatId)!;
    const stay = this.stays(chatId).at(-1);
    const isIn = this.isIn(chatId);
    const isDeleted = log.at(-1)!.type === "chat.deleted";
    if (!stay || (!isIn && known === undefined)) return undefined;
    const end = isIn ? log.length : stay.toRev;
    if (known === end) return undefined;
    const follows = known !== undefined && known <= end && end - known <= this.#options.farBehind && known >= stay.fromRev - 1;
    if (!isIn && (!follows || isDeleted)) return { chatId, rev: end, reset: true, entries: [] };
    const visible = log.filter(({ rev }) => this.sees(chatId, rev));
    if (follows || !this.#options.freshByReset) {
      const entries = visible
        .filter(({ rev }) => rev > (follows ? known : 0))
        .slice(0, Math.max(1, room))
        .map((entry) => this.present(entry));
      if (follows) return { chatId, rev: entries.at(-1)!.rev, entries };
      // To whoever came back, the entries do not tell what happened to old messages while they were out.
      const seesAll = this.stays(chatId).length === 1;
      if (known === undefined && seesAll && visible.length <= this.#options.farBehind)
        return { chatId, rev: entries.at(-1)!.rev, chat: this.chat(chatId), entries };
    }
    const newest = this.messages(chatId).slice(-this.#options.page);
    const entries = newest.map((message): Entry => {
      const { rev, senderId: by, createdAt } = message;
      return { chatId, rev, by, at: createdAt, type: "message.sent", data: { message } };
    });
    return { chatId, rev: log.length, reset: true, chat: this.chat(chatId), entries };
  }

  /** As the event `heads`, of everything. */
  heads(): { userRev: number; chats: Record<string, number> } {
    const mine = [...this.logs].filter(([chatId]) => this.isIn(chatId));
    return { userRev: this.userRev, chats: Object.fromEntries(mine.map(([chatId, log]) => [chatId, log.length])) };
  }

  get blocks(): Set<string> {
    const blocked = [...this.#own.values()].filter((entry) => entry.type === "block.changed" && entry.data.blocked);
    return new Set(blocked.map((entry) => (entry.type === "block.changed" ? entry.data.userId : "")));
  }

  #note(chatId: string): Note {
    const entry = this.#own.get(`chat:${chatId}`);
    if (entry?.type === "chat.noted") return entry.data;
    const flags = { mutedUntil: null, pinned: false, archived: false, markedUnread: false };
    return { chatId, member: true, readSeq: 0, deliveredSeq: 0, ...flags };
  }

  #sent(chatId: string) {
    return (this.logs.get(chatId) ?? []).filter((entry) => entry.type === "message.sent");
  }

  #time(rev: number): string {
    return new Date(Date.parse(at) + rev * 1000).toISOString();
  }
}

/** A socket that does as it is told. */
export class FakeSocket {
  auth: unknown = {};
  connected = false;
  connects = 0;
  /** What was sent over it. */
  readonly sent: [event: string, payload: unknown][] = [];
  answer: (event: string, payload: never) => Promise<unknown> = async () => ({ ok: true, data: null });
  readonly #listeners = new Map<string, ((payload: never) => void)[]>();

  connect(): void {
    this.connected = true;
    this.connects++;
  }

  disconnect(): void {
    this.connected = false;
  }

  on(event: string, listener: (payload: never) => void): void {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
  }

  timeout() {
    return {
      emitWithAck: (event: string, payload: unknown): Promise<unknown> => {
        this.sent.push([event, payload]);
        return this.answer(event, payload as never);
      },
    };
  }

  /** The server, or the library, says something. */
  tell(event: string, payload: unknown): void {
    this.#listeners.get(event)?.forEach((listener) => listener(payload as never));
  }

  /** The connection breaks. */
  lose(): void {
    this.connected = false;
    this.tell("disconnect", "transport close");
  }
}

/** As they are for whoever has changed none. */
export const preferences: Preferences = {
  readReceipts: true,
  presence: true,
  findable: true,
  notifications: true,
  digest: "hourly",
  quietHours: null,
  timeZone: null,
  language: null,
};
