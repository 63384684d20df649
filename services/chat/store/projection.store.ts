import { Conflict, type Collection, type Document } from "@confab/mixins/store/collection.ts";
import type { Changes, Reactor } from "../changes.ts";
import { place, type StoredEntry, type StoredEntryOf } from "./documents.ts";
import { reactorId, type StoredChanges, type StoredMentions, type StoredReactor, type StoredState } from "./projections.ts";

export interface ProjectionCollections {
  entries: Collection<StoredEntry>;
  states: Collection<StoredState>;
  changes: Collection<StoredChanges>;
  reactors: Collection<StoredReactor>;
  mentions: Collection<StoredMentions>;
}

/** Words of an edit that are stored with the changes of their message, in characters; longer ones are read from the log. */
const maxWords = 500;
const perMention = 40;
const writesAtOnce = 16;

/** Every key of a collection whose keys begin with that of a chat. */
const ofChat = (chatId: string) => ({ $gt: `${chatId}:`, $lt: `${chatId};` });

/** What is stored of the projections of chats. A document never takes the place of a later one. */
export class ProjectionStore {
  readonly #entries: Collection<StoredEntry>;
  readonly #states: Collection<StoredState>;
  readonly #changes: Collection<StoredChanges>;
  readonly #reactors: Collection<StoredReactor>;
  readonly #mentions: Collection<StoredMentions>;

  constructor({ entries, states, changes, reactors, mentions }: ProjectionCollections) {
    this.#entries = entries;
    this.#states = states;
    this.#changes = changes;
    this.#reactors = reactors;
    this.#mentions = mentions;
  }

  /**
   * What happened to the messages with `from <= seq <= to` after they were sent, as far as it is stored. For a viewer it
   * says by what the viewer has reacted.
   */
  async changesBetween(chatId: string, from: number, to: number, viewerId?: string): Promise<Changes[]> {
    if (to < from) return [];
    return this.#complete(await this.#changes.find({ _id: { $gte: place(chatId, from), $lte: place(chatId, to) } }), viewerId);
  }

  /** The same of messages by their seqs. */
  changesAt(chatId: string, seqs: readonly number[], viewerId?: string): Promise<Changes[]> {
    return this.changesOf(
      seqs.map((seq) => ({ chatId, seq })),
      viewerId,
    );
  }

  /** The same of messages of any chats. */
  async changesOf(messages: readonly { chatId: string; seq: number }[], viewerId?: string): Promise<Changes[]> {
    if (messages.length === 0) return [];
    const ids = messages.map(({ chatId, seq }) => place(chatId, seq));
    return this.#complete(await this.#changes.find({ _id: { $in: ids } }), viewerId);
  }

  async #complete(found: readonly StoredChanges[], viewerId: string | undefined): Promise<Changes[]> {
    const edits = found.flatMap(({ chatId, edited }) => (edited && !hasWords(edited) ? [place(chatId, edited.rev)] : []));
    const own = found.flatMap(({ chatId, seq, many }) => (many && viewerId ? [reactorId(chatId, seq, viewerId)] : []));
    const [words, reactors] = await Promise.all([
      edits.length === 0 ? [] : this.#entries.find({ _id: { $in: edits } }),
      own.length === 0 ? [] : this.#reactors.find({ _id: { $in: own } }),
    ]);
    const wordsById = new Map(words.map((entry) => [entry._id, entry as StoredEntryOf<"message.edited">]));
    const reactorsById = new Map(reactors.map((reactor) => [reactor._id, reactor]));
    return found.map(({ edited, ...changes }) => {
      const { chatId, seq, many } = changes;
      const reactor = many && viewerId ? reactorsById.get(reactorId(chatId, seq, viewerId)) : undefined;
      return {
        ...changes,
        ...(edited ? { edited: withWords(edited, wordsById.get(place(chatId, edited.rev))) } : {}),
        ...(many && viewerId ? { own: reactor ?? { userId: viewerId, rev: 0, emojis: [] } } : {}),
      };
    });
  }

  /** Stores what a message is now. */
  async putChanges(changes: Changes): Promise<void> {
    const { own: _, edited, reactions, many, ...rest } = changes;
    const document: StoredChanges = {
      ...rest,
      ...(edited ? { edited: withoutLongWords(edited) } : {}),
      ...(many ? { many } : {}),
      reactions: many ? reactions.map(([emoji, who]) => [emoji, typeof who === "number" ? who : who.length]) : reactions,
    };
    await this.#changes.replaceOne({ _id: changes._id, rev: { $lt: changes.rev } }, document);
  }

  /** Who has reacted to a message with many reactions: of these users, or all. */
  reactorsAt(chatId: string, seq: number, userIds?: readonly string[]): Promise<StoredReactor[]> {
    const id = place(chatId, seq);
    if (!userIds) return this.#reactors.find({ _id: { $gt: `${id}:`, $lt: `${id};` } });
    return this.#reactors.find({ _id: { $in: userIds.map((userId) => reactorId(chatId, seq, userId)) } });
  }

  putReactors(chatId: string, seq: number, reactors: readonly Reactor[], known: ReadonlySet<string>): Promise<void> {
    const documents = reactors.map(({ userId, rev, emojis }) => ({ _id: reactorId(chatId, seq, userId), userId, rev, emojis }));
    return putAll(
      this.#reactors,
      documents.filter(({ userId }) => known.has(userId)),
      documents.filter(({ userId }) => !known.has(userId)),
    );
  }

  async removeReactors(chatId: string, seq: number): Promise<void> {
    const id = place(chatId, seq);
    await this.#reactors.removeMany({ _id: { $gt: `${id}:`, $lt: `${id};` } });
  }

  mentionsOf(ids: readonly string[]): Promise<StoredMentions[]> {
    return ids.length === 0 ? Promise.resolve([]) : this.#mentions.find({ _id: { $in: ids } });
  }

  putMentions(mentions: readonly StoredMentions[], known: ReadonlySet<string>): Promise<void> {
    return putAll(
      this.#mentions,
      mentions.filter(({ _id }) => known.has(_id)),
      mentions.filter(({ _id }) => !known.has(_id)),
    );
  }

  statesOf(chatIds: readonly string[]): Promise<StoredState[]> {
    return chatIds.length === 0 ? Promise.resolve([]) : this.#states.find({ _id: { $in: chatIds } });
  }

  /** The states that were stored last. */
  latestStates(limit: number): Promise<StoredState[]> {
    return this.#states.find({ keptAt: { $gt: 0 } }, { sort: { keptAt: -1 }, limit });
  }

  async keepState(state: StoredState): Promise<void> {
    await this.#states.replaceOne({ _id: state._id, rev: { $lt: state.rev } }, state);
  }

  /** Removes what is stored of messages and mentions. */
  async removeChanges(chatId: string): Promise<void> {
    for (const one of [this.#changes, this.#reactors, this.#mentions] as Collection<Document>[])
      await one.removeMany({ _id: ofChat(chatId) });
  }

  /** Removes all of it, the state first: without it, whoever dies in between leaves nothing that looks whole. */
  async removeProjections(chatId: string): Promise<void> {
    await this.#states.removeMany({ _id: chatId });
    await this.removeChanges(chatId);
  }
}

type Edit = NonNullable<Changes["edited"]>;
type StoredEdit = NonNullable<StoredChanges["edited"]>;

const hasWords = (edited: StoredEdit): edited is Edit => edited.text !== undefined;

function withoutLongWords(edited: Edit): StoredEdit {
  const { rev, at, text, data, mentions } = edited;
  const length = text.length + data.length + perMention * mentions.length;
  return length > maxWords ? { rev, at } : edited;
}

function withWords(edited: StoredEdit, entry: StoredEntryOf<"message.edited"> | undefined): Edit {
  if (hasWords(edited)) return edited;
  const { text, data, mentions } = entry?.body ?? { text: "", data: "{}", mentions: [] };
  return { ...edited, text, data, mentions };
}

/** Stores documents with revs: those that are new by one write, the others each in place of an earlier one. */
async function putAll<D extends Document & { rev: number }>(
  collection: Collection<D>,
  known: readonly D[],
  others: readonly D[],
): Promise<void> {
  const outcomes = others.length === 0 ? [] : await collection.insertMany(others, false);
  const queue = [...known, ...others.filter((_, at) => outcomes[at] instanceof Conflict)];
  const work = async () => {
    for (let document = queue.pop(); document; document = queue.pop())
      await collection.replaceOne({ _id: document._id, rev: { $lt: document.rev } } as never, document);
  };
  await Promise.all(Array.from({ length: writesAtOnce }, work));
}
