import { applyChange, bringReactors, isChange, reactorsOf, type Changes } from "./changes.ts";
import type { ChatState } from "./fold.ts";
import { concernsMentions, mentionedBy, mentionsAfter, noMentions } from "./mentions.ts";
import type { ChatStore } from "./store/chat.store.ts";
import type { StoredEntry, StoredEntryOf, StoredMessage } from "./store/documents.ts";
import { mentionsId } from "./store/projections.ts";
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

/** A message as it was sent, and what it said after that. */
interface Said {
  sent: StoredMessage | undefined;
  edits: StoredEntryOf<"message.edited">[];
}

/**
 * Stores what is derived from entries: what messages are now, whom they mention, the index that they are found by, and that
 * the words of deleted ones are gone. All of it may be done again, by any node, and in the end is the same. A chat's state
 * is kept only after this, so whoever starts from a kept state folds what is not derived yet once more.
 */
export class Projector {
  readonly #store: ChatStore;
  readonly #userLog: UserLog;

  constructor(store: ChatStore, userLog: UserLog) {
    this.#store = store;
    this.#userLog = userLog;
  }

  /**
   * `entries` are those up to the state's rev that may not have been derived yet, ascending. Answers the last rev that
   * something claims that was stored before: it may be another node's.
   */
  async project(state: Readonly<ChatState>, entries: readonly StoredEntry[]): Promise<number> {
    const { chatId } = state;
    await this.#noteMembers(state, entries);
    if (state.deleted) {
      await this.#eraseAll(chatId);
      return 0;
    }
    const said = await this.#read(chatId, entries);
    const mentioned = await this.#noteMentions(chatId, entries, said);
    const { changed, last } = await this.#project(chatId, entries.filter(isChange));
    const gone = changed.filter(({ deletedAt }) => deletedAt !== undefined);
    for (const { seq } of gone) {
      const { sent, edits } = said.get(seq) ?? { sent: undefined, edits: [] };
      for (const words of [...(sent ? [sent] : []), ...edits]) await this.#store.erase(words);
    }
    await this.#index(entries, new Map(changed.map((changes) => [changes.seq, changes])), said);
    if (gone.length > 0) await this.#store.search.remove(gone.map(({ seq, rev }) => ({ chatId, seq, rev })));
    return Math.max(mentioned, last);
  }

  /** The messages whose words these entries change. */
  async #read(chatId: string, entries: readonly StoredEntry[]): Promise<Map<number, Said>> {
    const changed = entries.flatMap((entry) =>
      entry.type === "message.edited" || entry.type === "message.deleted" ? [entry.body] : [],
    );
    const messageIds = new Map(changed.map(({ seq, messageId }) => [seq, messageId]));
    const sent = new Map((await this.#store.messagesAt(chatId, [...messageIds.keys()])).map((one) => [one.seq, one]));
    const said = new Map<number, Said>();
    for (const [seq, messageId] of messageIds)
      said.set(seq, { sent: sent.get(seq), edits: await this.#store.editsOf(chatId, messageId) });
    return said;
  }

  /** For each of those who are mentioned, or were: the messages that do. Before any words are erased, since they tell who it was. */
  async #noteMentions(chatId: string, entries: readonly StoredEntry[], said: ReadonlyMap<number, Said>): Promise<number> {
    const byWhom = new Map<string, StoredEntry[]>();
    for (const entry of entries.filter(concernsMentions))
      for (const whom of concernedByWords(entry, said)) {
        const ofThem = byWhom.get(whom);
        if (ofThem) ofThem.push(entry);
        else byWhom.set(whom, [entry]);
      }
    if (byWhom.size === 0) return 0;
    const ids = [...byWhom.keys()].map((whom) => mentionsId(chatId, whom));
    const stored = new Map((await this.#store.mentionsOf(ids)).map((one) => [one._id, one]));
    const changed = [...byWhom].flatMap(([whom, ofThem]) => {
      const _id = mentionsId(chatId, whom);
      const before = stored.get(_id) ?? { _id, ...noMentions };
      const after = ofThem.reduce((known, entry) => mentionsAfter(known, whom, entry), before);
      return after === before ? [] : [after];
    });
    if (changed.length > 0) await this.#store.putMentions(changed, new Set(stored.keys()));
    return Math.max(0, ...[...stored.values()].map(({ rev }) => rev));
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

  /** What the messages are now that these entries are about, and the last rev that was stored of one of them. */
  async #project(chatId: string, entries: readonly StoredEntry[]): Promise<{ changed: Changes[]; last: number }> {
    const bySeq = Map.groupBy(entries.filter(isChange), ({ body }) => body.seq);
    const stored = new Map((await this.#store.changesAt(chatId, [...bySeq.keys()])).map((changes) => [changes.seq, changes]));
    const changed: Changes[] = [];
    for (const [seq, ofMessage] of bySeq) {
      const before = stored.get(seq) ?? null;
      const changes = ofMessage.reduce<Changes | null>(applyChange, before)!;
      if (changes !== before) {
        if (changes.many) await this.#noteReactors(before, changes, ofMessage);
        await this.#store.putChanges(changes);
      }
      changed.push(changes);
    }
    return { changed, last: Math.max(0, ...[...stored.values()].map(({ rev }) => rev)) };
  }

  /** Stores who has reacted before it is stored how many have: whoever reads the number finds them. */
  async #noteReactors(before: Changes | null, { chatId, seq, deletedAt }: Changes, entries: readonly StoredEntry[]) {
    if (deletedAt !== undefined) return this.#store.removeReactors(chatId, seq);
    const reactors = reactorsOf(before, entries);
    const stored = await this.#store.reactorsAt(chatId, seq, [...reactors.keys()]);
    for (const reactor of stored) if (reactor.rev >= reactors.get(reactor.userId)!.rev) reactors.set(reactor.userId, reactor);
    const known = new Map(stored.map(({ userId, rev }) => [userId, rev]));
    const after = [...bringReactors(reactors, entries).values()].filter(({ userId, rev }) => rev > (known.get(userId) ?? -1));
    await this.#store.putReactors(chatId, seq, after, new Set(known.keys()));
  }

  async #index(
    entries: readonly StoredEntry[],
    changed: ReadonlyMap<number, Changes>,
    said: ReadonlyMap<number, Said>,
  ): Promise<void> {
    const sent = entries.filter((entry) => entry.type === "message.sent");
    const known = new Set(sent.map(({ seq }) => seq));
    const edited = new Set(entries.flatMap((entry) => (entry.type === "message.edited" ? [entry.body.seq] : [])));
    const others = [...edited].flatMap((seq) => (known.has(seq) ? [] : (said.get(seq)?.sent ?? [])));
    const messages = [...sent, ...others].flatMap(({ chatId, seq, rev, by, at, body }) => {
      const changes = changed.get(seq);
      if (changes?.deletedAt !== undefined || body.erased) return [];
      return [{ chatId, seq, rev: changes?.rev ?? rev, by, at, text: changes?.edited?.text ?? body.text }];
    });
    if (messages.length > 0) await this.#store.search.put(messages);
  }
}

/** Whom a message mentions by an entry, and whom it did before that. */
function concernedByWords(entry: StoredEntry, said: ReadonlyMap<number, Said>): Set<string> {
  if (entry.type === "message.sent") return new Set(mentionedBy(entry.body.mentions));
  if (entry.type !== "message.edited" && entry.type !== "message.deleted") return new Set();
  const { sent, edits } = said.get(entry.body.seq) ?? { sent: undefined, edits: [] };
  return new Set([sent, ...edits].flatMap((words) => [...mentionedBy(words?.body.mentions)]));
}
