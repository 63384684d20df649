/* A client that keeps what it knows by sync alone, with a reducer of its own that follows the documented rules and nothing else. */
import type { Chat, Entry, Message, Preferences, Result, Role, UserEntry } from "@confab/contracts";
import { allMessages, type Nodes, type TestNode } from "./testing.ts";

type Answer = Result<"chat.sync.pull">;
type Part = Answer["chats"][number];
type Note = Extract<UserEntry, { type: "chat.noted" }>["data"];

type Open<T> = { -readonly [K in keyof T]: T[K] };
/** A chat, as it is changed here in place. */
type OpenChat = Open<Omit<Chat, "me">> & { me: Open<Chat["me"]> };

interface Known {
  rev: number;
  chat: OpenChat;
  messages: Map<number, Message>;
  members: Map<string, Role>;
  /** Whether older messages and the members are to be fetched still. */
  isNewest: boolean;
}

interface Knowledge {
  epoch: string | undefined;
  userRev: number;
  chats: Map<string, Known>;
  notes: Map<string, Note>;
  blocked: Set<string>;
  preferences: Preferences | null;
  name: string | null;
}

const nothing = (): Knowledge => ({
  epoch: undefined,
  userRev: 0,
  chats: new Map(),
  notes: new Map(),
  blocked: new Set(),
  preferences: null,
  name: null,
});

export class Client {
  readonly userId: string;
  /** Types of the entries that sync has told of. */
  readonly told: string[] = [];
  /** Chats that came anew. */
  resets = 0;
  known = nothing();

  constructor(userId: string) {
    this.userId = userId;
  }

  /** Another device that knows the same. */
  clone(): Client {
    const other = new Client(this.userId);
    other.known = structuredClone(this.known);
    return other;
  }

  /** One page; whether there is more. */
  async page(node: Pick<TestNode, "as">, limit?: number): Promise<boolean> {
    const { epoch, userRev, chats } = this.known;
    const known = Object.fromEntries([...chats].map(([chatId, { rev }]) => [chatId, rev]));
    const answer = await node.as(this.userId, "chat.sync.pull", {
      userRev,
      chats: known,
      ...(epoch === undefined ? {} : { epoch }),
      ...(limit === undefined ? {} : { limit }),
    });
    this.#take(answer);
    return answer.more;
  }

  /** All there is, and what it takes to show all of it. */
  async pull(node: Pick<TestNode, "as">, limit?: number): Promise<this> {
    let pages = 0;
    while (await this.page(node, limit)) if (++pages > 5000) throw new Error("sync does not come to an end");
    for (const [chatId, known] of this.known.chats) if (known.isNewest) await this.#complete(node, chatId, known);
    return this;
  }

  async #complete(node: Pick<TestNode, "as">, chatId: string, known: Known): Promise<void> {
    for (const message of await allMessages(node, this.userId, chatId)) {
      const mine = known.messages.get(message.seq);
      if (message.seq <= known.chat.lastSeq && (!mine || mine.rev < message.rev)) known.messages.set(message.seq, message);
    }
    for (let cursor: string | undefined, more = true; more;) {
      const page: Result<"chat.member.list"> = await node.as(this.userId, "chat.member.list", {
        chatId,
        ...(cursor ? { cursor } : {}),
      });
      for (const { userId, role } of page.items) known.members.set(userId, role);
      cursor = page.nextCursor ?? undefined;
      more = cursor !== undefined;
    }
    known.isNewest = false;
  }

  #take(answer: Answer): void {
    if (this.known.epoch !== answer.epoch && this.known.epoch !== undefined) this.known = nothing();
    this.known.epoch = answer.epoch;
    for (const entry of answer.user) this.#takeUser(entry);
    if (answer.userRev < this.known.userRev) throw new Error("userRev went back");
    this.known.userRev = answer.userRev;
    for (const part of answer.chats) this.#takePart(part);
  }

  #takeUser(entry: UserEntry): void {
    if (entry.userRev <= this.known.userRev) throw new Error(`userRev ${entry.userRev} was told again or late`);
    this.known.userRev = entry.userRev;
    this.told.push(entry.type);
    switch (entry.type) {
      case "chat.noted": {
        const { chatId, member: _, readSeq, deliveredSeq, ...flags } = entry.data;
        this.known.notes.set(chatId, entry.data);
        const chat = this.known.chats.get(chatId)?.chat;
        if (chat) {
          Object.assign(chat.me, flags);
          movePointers(chat, readSeq, deliveredSeq);
        }
        return;
      }
      case "block.changed":
        if (entry.data.blocked) this.known.blocked.add(entry.data.userId);
        else this.known.blocked.delete(entry.data.userId);
        return;
      case "preferences.changed":
        this.known.preferences = entry.data;
        return;
      case "profile.changed":
        this.known.name = entry.data.name;
    }
  }

  #takePart(part: Part): void {
    const { chatId, chat } = part;
    if (part.reset) {
      this.resets++;
      this.known.chats.delete(chatId);
      if (!chat) return;
      const messages = part.entries.flatMap((entry) => (entry.type === "message.sent" ? [entry.data.message] : []));
      const bySeq = new Map(messages.map((message) => [message.seq, message]));
      this.known.chats.set(chatId, { rev: part.rev, chat, messages: bySeq, members: new Map(), isNewest: true });
      return;
    }
    for (const entry of part.entries) {
      const known = this.known.chats.get(chatId);
      if (!known) throw new Error(`rev ${entry.rev} of a chat that is gone`);
      if (entry.rev !== known.rev + 1) throw new Error(`rev ${entry.rev} was told after ${known.rev}`);
      known.rev = entry.rev;
      known.chat.rev = entry.rev;
      this.told.push(entry.type);
      if (this.#takeEntry(known, entry) === "gone") this.known.chats.delete(chatId);
    }
    const known = this.known.chats.get(chatId);
    if (known && known.rev !== part.rev) throw new Error(`told up to ${part.rev}, but the entries go up to ${known.rev}`);
  }

  #takeEntry({ chat, messages, members }: Known, entry: Entry): "gone" | undefined {
    switch (entry.type) {
      case "chat.created":
        break;
      case "chat.changed":
        Object.assign(chat, entry.data);
        break;
      case "chat.deleted":
        return "gone";
      case "member.added":
        for (const { userId, role } of entry.data.members) members.set(userId, role);
        chat.memberCount += entry.data.members.length;
        break;
      case "member.removed":
        if (entry.data.userId === this.userId) return "gone";
        members.delete(entry.data.userId);
        chat.memberCount--;
        break;
      case "member.changed":
        members.set(entry.data.userId, entry.data.role);
        if (entry.data.userId === this.userId) chat.me.role = entry.data.role;
        break;
      case "ban.added":
      case "ban.removed":
        break;
      case "message.sent": {
        const { message } = entry.data;
        if ((messages.get(message.seq)?.rev ?? 0) < entry.rev) messages.set(message.seq, message);
        chat.lastSeq = message.seq;
        const own = entry.by === this.userId ? message.seq : 0;
        movePointers(chat, own, own);
        break;
      }
      default: {
        const { messageId, seq } = entry.data;
        if (entry.type === "pin.added") chat.pins = [...chat.pins, { id: messageId, seq }];
        if (entry.type === "pin.removed" || entry.type === "message.deleted")
          chat.pins = chat.pins.filter(({ id }) => id !== messageId);
        const message = messages.get(seq);
        if (message && entry.rev > message.rev) messages.set(seq, changed(message, entry, this.userId));
      }
    }
    return undefined;
  }

  /** Everything that this client would show. */
  view() {
    const { epoch, userRev, chats, notes, blocked, preferences, name } = this.known;
    const view = [...chats].map(([chatId, { rev, chat, messages, members }]) => {
      const all = [...messages.values()].sort((a, b) => a.seq - b.seq);
      const isMention = ({ seq, senderId, mentions }: Message) =>
        seq > chat.me.readSeq && senderId !== this.userId && (mentions === "all" || mentions.includes(this.userId));
      const counted = {
        lastMessage: messages.get(chat.lastSeq) ?? null,
        unreadCount: chat.lastSeq - chat.me.readSeq,
        unreadMentions: Math.min(50, all.filter(isMention).length),
      };
      return [chatId, { rev, chat: { ...chat, ...counted }, messages: all, members: sorted(members) }] as const;
    });
    return {
      epoch,
      userRev,
      chats: sorted(new Map(view)),
      notes: sorted(notes),
      blocked: [...blocked].sort(),
      preferences,
      name,
    };
  }
}

const sorted = <V>(map: ReadonlyMap<string, V>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));

function movePointers(chat: OpenChat, readSeq: number, deliveredSeq: number): void {
  chat.me.readSeq = Math.max(chat.me.readSeq, readSeq);
  chat.me.deliveredSeq = Math.max(chat.me.deliveredSeq, deliveredSeq, chat.me.readSeq);
}

/** A message after one more entry about it, as the contract says. */
function changed(message: Message, entry: Entry, viewerId: string): Message {
  const after = { ...message, rev: entry.rev };
  switch (entry.type) {
    case "message.edited": {
      const { text, mentions, data } = entry.data;
      return { ...after, text, mentions, data, editedAt: entry.at };
    }
    case "message.deleted":
      return { ...after, text: "", data: {}, mentions: [], reactions: [], pinned: false, deletedAt: entry.at };
    case "reaction.added": {
      const mine = entry.by === viewerId;
      const known = message.reactions.find(({ emoji }) => emoji === entry.data.emoji);
      if (!known) return { ...after, reactions: [...message.reactions, { emoji: entry.data.emoji, count: 1, mine }] };
      const more = { ...known, count: known.count + 1, mine: known.mine || mine };
      return { ...after, reactions: message.reactions.map((one) => (one === known ? more : one)) };
    }
    case "reaction.removed": {
      const isOwn = entry.by === viewerId;
      const fewer = message.reactions.map((one) =>
        one.emoji === entry.data.emoji ? { ...one, count: one.count - 1, mine: one.mine && !isOwn } : one,
      );
      return { ...after, reactions: fewer.filter(({ count }) => count > 0) };
    }
    case "pin.added":
      return { ...after, pinned: true };
    case "pin.removed":
      return { ...after, pinned: false };
    default:
      return after;
  }
}

/** A client that starts from nothing. */
export const fresh = (node: Pick<TestNode, "as">, userId: string): Promise<Client> => new Client(userId).pull(node);

/**
 * The law of catching up: what a client knew, and what sync tells it after the change, is what a client sees that
 * starts from nothing; with one page or many, through any node. Answers what it was told of.
 */
export async function catchesUp(nodes: Nodes, client: Client, change: () => Promise<unknown>): Promise<string[]> {
  await change();
  await nodes.settle();
  const now = (await fresh(nodes.one, client.userId)).view();
  expect((await fresh(nodes.two, client.userId)).view()).toEqual(now);
  for (const [at, limit] of [1, 2, 3].entries()) {
    const device = await client.clone().pull(nodes.all[at % 2]!, limit);
    expect(device.view()).toEqual(now);
  }
  const told = client.told.length;
  await client.pull(nodes);
  expect(client.view()).toEqual(now);
  return client.told.slice(told);
}
