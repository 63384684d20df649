/* Numbers for the ids of chats and people, given out in the order in which they are first seen. */
import type { DatabaseSync, StatementSync } from "node:sqlite";

export interface ChatName {
  number: number;
  /** For good: nothing of it is indexed any more. */
  removed: boolean;
  /** No message of it that is indexed has a greater one. */
  lastSeq: number;
}

/** Of more chats or people than these, the numbers are read again. */
const maxCached = 20_000;

export class Names {
  readonly #chats = new Map<string, ChatName>();
  readonly #people = new Map<string, number>();
  readonly #chat: StatementSync;
  readonly #lastSeq: StatementSync;
  readonly #addChat: StatementSync;
  readonly #removeChat: StatementSync;
  readonly #person: StatementSync;
  readonly #addPerson: StatementSync;

  constructor(db: DatabaseSync) {
    this.#chat = db.prepare("select number, removed from chats where id = ?");
    this.#lastSeq = db.prepare("select max(seq) as lastSeq from messages where chat = ?");
    this.#addChat = db.prepare("insert into chats (id) values (?)");
    this.#removeChat = db.prepare("update chats set removed = 1 where number = ?");
    this.#person = db.prepare("select number from people where id = ?");
    this.#addPerson = db.prepare("insert into people (id) values (?)");
  }

  findChat(chatId: string): ChatName | undefined {
    const cached = this.#chats.get(chatId);
    if (cached) return cached;
    const found = this.#chat.get(chatId) as { number: number; removed: number } | undefined;
    if (!found) return undefined;
    const { lastSeq } = this.#lastSeq.get(found.number) as { lastSeq: number | null };
    return cache(this.#chats, chatId, { number: found.number, removed: found.removed > 0, lastSeq: lastSeq ?? 0 });
  }

  chat(chatId: string): ChatName {
    const known = this.findChat(chatId);
    if (known) return known;
    const number = Number(this.#addChat.run(chatId).lastInsertRowid);
    return cache(this.#chats, chatId, { number, removed: false, lastSeq: 0 });
  }

  noteSeq(chatId: string, seq: number): void {
    const chat = this.chat(chatId);
    chat.lastSeq = Math.max(chat.lastSeq, seq);
  }

  removeChat(chatId: string): void {
    const chat = this.chat(chatId);
    if (chat.removed) return;
    this.#removeChat.run(chat.number);
    chat.removed = true;
  }

  findPerson(userId: string): number | undefined {
    const cached = this.#people.get(userId);
    if (cached !== undefined) return cached;
    const found = this.#person.get(userId) as { number: number } | undefined;
    return found && cache(this.#people, userId, found.number);
  }

  person(userId: string): number {
    return this.findPerson(userId) ?? cache(this.#people, userId, Number(this.#addPerson.run(userId).lastInsertRowid));
  }
}

function cache<V>(names: Map<string, V>, id: string, value: V): V {
  if (names.size >= maxCached) names.clear();
  names.set(id, value);
  return value;
}
