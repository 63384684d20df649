/* Writes into the full-text index. Everything here runs inside a transaction of the engine. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Said } from "../index.ts";
import type { TimeBounds } from "./bounds.ts";
import { chatToken, firstOrder, orderOf, prefixOf, rowOf, senderToken } from "./layout.ts";
import type { Names } from "./names.ts";
import { tokensOf } from "./tokens.ts";

export interface Removal {
  chatId: string;
  seq: number;
  rev: number;
}

/** The form that a message is to have: without a text it is removed. */
type Form = Removal & Partial<Said>;

/** A message as it is stored. */
interface Row {
  id: number;
  rev: number;
  sender: number | null;
  words: string | null;
}

export class Writer {
  readonly #names: Names;
  readonly #bounds: TimeBounds;
  readonly #at: StatementSync;
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  readonly #erase: StatementSync;
  readonly #index: StatementSync;
  readonly #unindex: StatementSync;
  readonly #some: StatementSync;
  readonly #delete: StatementSync;
  /** The order of the next message, and of the lowest. */
  #next: number;
  #lowest: number;

  constructor(db: DatabaseSync, names: Names, bounds: TimeBounds) {
    this.#names = names;
    this.#bounds = bounds;
    this.#at = db.prepare("select id, rev, sender, words from messages where chat = ? and seq = ?");
    this.#insert = db.prepare("insert into messages values (?, ?, ?, ?, ?, ?, ?)");
    this.#update = db.prepare("update messages set rev = ?, sender = ?, at = ?, words = ? where id = ?");
    // Zeros of the same length overwrite the words where they are, which a shorter row would not.
    this.#erase = db.prepare("update messages set words = printf('%.*c', octet_length(words), '0') where id = ?");
    this.#index = db.prepare("insert into fts(rowid, words) values (?, ?)");
    this.#unindex = db.prepare("insert into fts(fts, rowid, words) values ('delete', ?, ?)");
    this.#some = db.prepare("select id, rev, sender, words from messages where chat = ? limit ?");
    this.#delete = db.prepare("delete from messages where id = ?");
    const { first, last } = db.prepare("select min(id) as first, max(id) as last from messages").get() as {
      first: number | null;
      last: number | null;
    };
    this.#lowest = first === null ? firstOrder : orderOf(first);
    this.#next = last === null ? firstOrder : orderOf(last) + 1;
  }

  /**
   * Answers how many messages changed, and whether words were removed, of which copies may be in the WAL. `fromLog`: the
   * messages may be older than all that is here.
   */
  write(forms: readonly Form[], fromLog: boolean): { count: number; hasRemoved: boolean } {
    const known: { row: Row; form: Form; chat: number }[] = [];
    const added: { form: Form; chat: number }[] = [];
    for (const form of newestOf(forms)) {
      const { number: chat, lastSeq, removed } = this.#names.chat(form.chatId);
      if (removed) continue;
      const row = form.seq > lastSeq ? undefined : (this.#at.get(chat, form.seq) as unknown as Row | undefined);
      // What the log has as removed needs a mark only if a late put of this process could bring it back.
      if (!row && fromLog && form.text === undefined) continue;
      if (!row) added.push({ form, chat });
      else if (row.rev < form.rev) known.push({ row, form, chat });
    }
    // FTS5 gathers what it writes as long as rows ascend.
    known.sort((a, b) => a.row.id - b.row.id);
    let hasRemoved = false;
    for (const { row, form, chat } of known) hasRemoved = this.#replace(row, form, chat) || hasRemoved;
    this.#add(added, fromLog);
    this.#bounds.store();
    return { count: known.length + added.length, hasRemoved };
  }

  /** Removes some messages of a chat; whether that were all. */
  removeSome(chat: number, limit: number): boolean {
    const rows = this.#some.all(chat, limit) as unknown as Row[];
    for (const row of rows.sort((a, b) => a.id - b.id)) {
      this.#removeWords(row, chat);
      this.#delete.run(row.id);
    }
    return rows.length < limit;
  }

  #add(added: { form: Form; chat: number }[], fromLog: boolean): void {
    added.sort((a, b) => (a.form.at ?? 0) - (b.form.at ?? 0));
    const isOlder = fromLog && added.length <= this.#lowest && (added.at(-1)?.form.at ?? Infinity) <= this.#bounds.minAt();
    let order = isOlder ? this.#lowest - added.length : this.#next;
    if (isOlder) this.#lowest = order;
    else this.#next += added.length;
    for (const { form, chat } of added) {
      const { seq, rev, by, at, text } = form;
      const id = rowOf(order, chat);
      const sender = by === undefined ? null : this.#names.person(by);
      const words = text === undefined ? null : tokensOf(text);
      this.#insert.run(id, chat, seq, rev, sender, at ?? null, words);
      if (words) this.#index.run(BigInt(id), this.#document(id, chat, sender, words));
      if (at !== undefined) this.#bounds.note(order, at);
      this.#names.noteSeq(form.chatId, seq);
      order++;
    }
  }

  #replace(row: Row, { rev, by, at, text }: Form, chat: number): boolean {
    const sender = by === undefined ? null : this.#names.person(by);
    const words = text === undefined ? null : tokensOf(text);
    // A message without a time was removed before it was put.
    const isSame = words === row.words && sender === row.sender;
    const hadWords = !isSame && this.#removeWords(row, chat);
    this.#update.run(rev, sender, at ?? null, words, row.id);
    if (!isSame && words) this.#index.run(BigInt(row.id), this.#document(row.id, chat, sender, words));
    if (at !== undefined) this.#bounds.note(orderOf(row.id), at);
    return hadWords;
  }

  #removeWords({ id, sender, words }: Row, chat: number): boolean {
    if (!words) return false;
    this.#unindex.run(BigInt(id), this.#document(id, chat, sender, words));
    this.#erase.run(id);
    return true;
  }

  /** What FTS5 indexes of a message. To remove it, FTS5 needs exactly this again. */
  #document(id: number, chat: number, sender: number | null, words: string): string {
    const prefix = prefixOf(this.#bounds.eraOf(orderOf(id)));
    return `${prefix}${words.replaceAll(" ", ` ${prefix}`)} ${prefix}${chatToken(chat)} ${prefix}${senderToken(sender ?? 0)}`;
  }
}

/** One form of each message: the newest, and of several with the same rev the first. */
function newestOf(forms: readonly Form[]): Iterable<Form> {
  const newest = new Map<string, Form>();
  for (const form of forms) {
    const place = `${form.seq}:${form.chatId}`;
    const known = newest.get(place);
    if (!known || known.rev < form.rev) newest.set(place, form);
  }
  return newest.values();
}
