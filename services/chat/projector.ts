import { applyChange, isChange } from "./changes.ts";
import type { ChatState } from "./fold.ts";
import type { ChatStore } from "./store/chat.store.ts";
import type { StoredChanges, StoredEntry } from "./store/documents.ts";
import { noNote, subjects, type UserLog } from "./userlog.ts";

const eraseAtOnce = 500;
const notesAtOnce = 16;
const isWords = (entry: StoredEntry) => entry.type === "message.sent" || entry.type === "message.edited";

/** Who came or went by an entry. */
function concernedBy(entry: StoredEntry, { past }: Readonly<ChatState>): string[] {
  if (entry.type === "chat.created" || entry.type === "member.added") return entry.body.members.map(({ userId }) => userId);
  if (entry.type === "member.removed") return [entry.body.userId];
  return entry.type === "chat.deleted" ? [...past.keys()] : [];
}

/** Whether somebody learns of the entry by their own log. */
export const concernsMembers = ({ type }: StoredEntry): boolean =>
  type === "chat.created" || type === "member.added" || type === "member.removed" || type === "chat.deleted";

/**
 * Stores what is derived from entries: what messages are now, the index that they are found by, and that the words of
 * deleted ones are gone. All of it may be done again, by any node, and in the end is the same. A chat's state is kept
 * only after this, so whoever starts from a kept state folds what is not derived yet once more.
 */
export class Projector {
  readonly #store: ChatStore;
  readonly #userLog: UserLog;

  constructor(store: ChatStore, userLog: UserLog) {
    this.#store = store;
    this.#userLog = userLog;
  }

  /** `entries` are those up to the state's rev that may not have been derived yet, ascending. */
  async project(state: Readonly<ChatState>, entries: readonly StoredEntry[]): Promise<void> {
    const { chatId } = state;
    await this.#noteMembers(state, entries);
    if (state.deleted) return this.#eraseAll(chatId);
    const changed = await this.#project(chatId, entries.filter(isChange));
    const gone = changed.filter(({ deletedAt }) => deletedAt !== undefined);
    for (const entry of entries) {
      if (entry.type !== "message.deleted") continue;
      const { messageId } = entry.body;
      const sent = await this.#store.messageById(chatId, messageId);
      for (const words of [...(sent ? [sent] : []), ...(await this.#store.editsOf(chatId, messageId))])
        await this.#store.erase(words);
    }
    await this.#index(chatId, entries, new Map(changed.map((changes) => [changes.seq, changes])));
    if (gone.length > 0) await this.#store.search.remove(gone.map(({ seq, rev }) => ({ chatId, seq, rev })));
  }

  /** Tells those who came or went in their own logs, by which their devices learn of it. What holds is who is in it at the end. */
  async #noteMembers(state: Readonly<ChatState>, entries: readonly StoredEntry[]): Promise<void> {
    const { chatId } = state;
    const concerned = new Set(entries.flatMap((entry) => concernedBy(entry, state)));
    const queue = [...concerned];
    const work = async () => {
      for (let userId = queue.pop(); userId !== undefined; userId = queue.pop()) {
        const member = state.members.has(userId);
        await this.#userLog.append(userId, [
          {
            subject: subjects.chat(chatId),
            type: "chat.noted",
            decide: (now) => ((now?.member ?? false) === member ? undefined : { ...noNote(chatId), ...now, member }),
          },
        ]);
      }
    };
    await Promise.all(Array.from({ length: notesAtOnce }, work));
  }

  /** The chat was deleted: every word in it goes, the places stay. */
  async #eraseAll(chatId: string): Promise<void> {
    await this.#store.search.removeChat(chatId);
    await this.#store.removeChanges(chatId);
    for (let after = 0, page: StoredEntry[] = []; after === 0 || page.length > 0; after += eraseAtOnce) {
      page = await this.#store.entriesAfter(chatId, after, eraseAtOnce);
      for (const entry of page) if (isWords(entry)) await this.#store.erase(entry);
    }
  }

  /** What the messages are now that these entries are about. */
  async #project(chatId: string, entries: readonly StoredEntry[]): Promise<StoredChanges[]> {
    const bySeq = Map.groupBy(entries.filter(isChange), ({ body }) => body.seq);
    const stored = new Map((await this.#store.changesAt(chatId, [...bySeq.keys()])).map((changes) => [changes.seq, changes]));
    const changed: StoredChanges[] = [];
    for (const [seq, ofMessage] of bySeq) {
      const before = stored.get(seq) ?? null;
      const changes = ofMessage.reduce<StoredChanges | null>(applyChange, before)!;
      if (changes !== before) await this.#store.putChanges(changes);
      changed.push(changes);
    }
    return changed;
  }

  async #index(chatId: string, entries: readonly StoredEntry[], changed: ReadonlyMap<number, StoredChanges>): Promise<void> {
    const sent = entries.filter((entry) => entry.type === "message.sent");
    const edited = entries.filter((entry) => entry.type === "message.edited");
    const known = new Set(sent.map(({ seq }) => seq));
    const others = [...new Set(edited.map(({ body }) => body.seq))].filter((seq) => !known.has(seq));
    const messages = [...sent, ...(await this.#store.messagesAt(chatId, others))].flatMap((entry) => {
      const changes = changed.get(entry.seq);
      if (changes?.deletedAt !== undefined || entry.body.erased) return [];
      const text = changes?.edited?.text ?? entry.body.text;
      return [{ chatId, seq: entry.seq, rev: changes?.rev ?? entry.rev, by: entry.by, at: entry.at, text }];
    });
    if (messages.length > 0) await this.#store.search.put(messages);
  }
}
