import type { ActionName, Chat, Entry, Invite, Message, Params, Result } from "@confab/contracts";
import { TestClient } from "./client.ts";
import type { TestSocket } from "./socket.ts";

let names = 0;
/** A name that no message of this run has yet. */
export const newName = (): string => `m-${process.pid}-${++names}`;

/** A signed-in person, seen at one pair of nodes. */
export class TestUser {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly refreshToken: string;
  readonly client: TestClient;
  readonly #doors: Door[];
  readonly #sockets: TestSocket[];

  constructor(
    who: { id: string; name: string; email: string; refreshToken: string },
    token: string,
    doors: Door[],
    at = 0,
    sockets: TestSocket[] = [],
  ) {
    this.id = who.id;
    this.name = who.name;
    this.email = who.email;
    this.refreshToken = who.refreshToken;
    this.client = new TestClient(doors[at % doors.length]!, token);
    this.#doors = doors;
    this.#sockets = sockets;
  }

  /** The same person and session at another pair of nodes. */
  at(node: number): TestUser {
    return new TestUser(this, this.client.token!, this.#doors, node, this.#sockets);
  }

  call<N extends ActionName>(name: N, params: Params<N>): Promise<Result<N>> {
    return this.client.call(name, params);
  }

  /** The chat with one other person, or a group of several. */
  chatWith(...others: TestUser[]): Promise<Chat> {
    const memberIds = others.map(({ id }) => id);
    return this.call("chat.chat.create", { type: others.length === 1 ? "direct" : "group", memberIds });
  }

  async send(chat: { id: string }, text: string, clientMessageId = newName()): Promise<Message> {
    return (await this.call("chat.message.send", { chatId: chat.id, clientMessageId, text })).message;
  }

  /** A group, also with one other person or with nobody. */
  group(others: TestUser[], rules: Omit<Params<"chat.chat.create">, "type" | "memberIds"> = {}): Promise<Chat> {
    return this.call("chat.chat.create", { type: "group", memberIds: others.map(({ id }) => id), ...rules });
  }

  async edit(chat: { id: string }, message: { id: string }, text: string): Promise<Message> {
    return (await this.call("chat.message.edit", { chatId: chat.id, messageId: message.id, text })).message;
  }

  async delete(chat: { id: string }, message: { id: string }): Promise<Message> {
    return (await this.call("chat.message.delete", { chatId: chat.id, messageId: message.id })).message;
  }

  async react(chat: { id: string }, message: { id: string }, emoji: string): Promise<Message> {
    return (await this.call("chat.reaction.add", { chatId: chat.id, messageId: message.id, emoji })).message;
  }

  async unreact(chat: { id: string }, message: { id: string }, emoji: string): Promise<Message> {
    return (await this.call("chat.reaction.remove", { chatId: chat.id, messageId: message.id, emoji })).message;
  }

  async pin(chat: { id: string }, message: { id: string }): Promise<void> {
    await this.call("chat.pin.add", { chatId: chat.id, messageId: message.id });
  }

  async unpin(chat: { id: string }, message: { id: string }): Promise<void> {
    await this.call("chat.pin.remove", { chatId: chat.id, messageId: message.id });
  }

  /** Moves one's pointer forward to a message. */
  async read(chat: { id: string }, seq: number): Promise<void> {
    await this.call("chat.receipt.move", { read: { [chat.id]: seq } });
  }

  add(chat: { id: string }, ...others: TestUser[]): Promise<Chat> {
    return this.call("chat.member.add", { chatId: chat.id, userIds: others.map(({ id }) => id) });
  }

  /** Removes somebody from a group, or oneself: then it is leaving. */
  async remove(chat: { id: string }, other: TestUser): Promise<void> {
    await this.call("chat.member.remove", { chatId: chat.id, userId: other.id });
  }

  invite(chat: { id: string }, terms: Omit<Params<"chat.invite.create">, "chatId"> = {}): Promise<Invite> {
    return this.call("chat.invite.create", { chatId: chat.id, ...terms });
  }

  accept({ code }: { code: string }): Promise<Chat> {
    return this.call("chat.invite.accept", { code });
  }

  /** All messages of a chat, read page by page from the first. */
  async history(chat: { id: string }, limit = 100): Promise<Message[]> {
    const messages: Message[] = [];
    for (let after: number | null = 0; after !== null;) {
      const page: Result<"chat.message.list"> = await this.call("chat.message.list", { chatId: chat.id, after, limit });
      messages.push(...page.items);
      after = page.after;
    }
    return messages;
  }

  /** The log of a chat after a rev, to its end. */
  async entries(chat: { id: string }, after = 0, limit = 100): Promise<Entry[]> {
    const entries: Entry[] = [];
    for (;;) {
      const { items, rev } = await this.call("chat.entry.list", { chatId: chat.id, after: entries.at(-1)?.rev ?? after, limit });
      entries.push(...items);
      if (items.length === 0 || entries.at(-1)!.rev >= rev) return entries;
    }
  }

  /** All chats, page by page. */
  async chats(): Promise<Chat[]> {
    const chats: Chat[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page: Result<"chat.chat.list"> = await this.call("chat.chat.list", cursor === undefined ? {} : { cursor });
      chats.push(...page.items);
      cursor = page.nextCursor;
    }
    return chats;
  }

  /** Everything that changed since, in as many pages as it takes. */
  async sync(params: Params<"chat.sync.pull"> = {}): Promise<Result<"chat.sync.pull">> {
    const known: Record<string, number> = { ...params.chats };
    const all = new Map<string, Result<"chat.sync.pull">["chats"][number]>();
    for (;;) {
      const page = await this.call("chat.sync.pull", { ...params, chats: { ...known } });
      for (const one of page.chats) {
        known[one.chatId] = one.rev;
        const before = all.get(one.chatId);
        all.set(one.chatId, before && !one.reset ? { ...before, ...one, entries: [...before.entries, ...one.entries] } : one);
      }
      if (!page.more) return { ...page, chats: [...all.values()] };
    }
  }

  /** A socket that is subscribed to everything of this person. */
  async socket(): Promise<TestSocket> {
    const socket = await this.client.socket();
    this.#sockets.push(socket);
    return socket;
  }

  async logout(): Promise<void> {
    await this.call("user.session.end", {});
  }

  /** Closes the sockets and throws what was wrong with anything they heard. */
  leave(): void {
    for (const socket of this.#sockets) socket.close();
    for (const socket of this.#sockets) socket.check();
  }
}

/** Where one pair of nodes answers. */
export interface Door {
  api: string;
  io: string;
}
