import { LRUCache } from "lru-cache";
import { LogEnds } from "./ends.ts";
import { emptyState, type ChatState } from "./fold.ts";
import { Keeper, type KeeperOptions } from "./keeper.ts";
import type { Projector } from "./projector.ts";
import { endsWith, restoreState } from "./snapshots.ts";
import { place, type StoredEntry } from "./store/documents.ts";
import type { ChatStore } from "./store/chat.store.ts";
import { letGo, rememberLast, startFrom, type Warm } from "./warm.chat.ts";

/** What the cache may hold, by the weight of the states as JSON. */
const capacity = 300_000_000;
const readAtOnce = 500;
/** Entries that are folded without their projections being stored, at most: a log that is read from far back. */
const maxAhead = 2000;
/** Chats that have moved on and are read at once. */
const refreshedAtOnce = 8;

interface Loading {
  done: Promise<Warm>;
  overtaken: boolean;
}

/**
 * The folded states of the chats that this node has lately had to do with. A state here is never ahead of the log;
 * where other nodes append too it may be behind, so whoever reads refreshes it first, and an append finds out by itself.
 */
export class WarmChats {
  readonly #store: ChatStore;
  readonly #keeper: Keeper;
  readonly #ends: LogEnds;
  readonly #chats: LRUCache<string, Warm>;
  readonly #loading = new Map<string, Loading>();

  constructor(store: ChatStore, projector: Projector, options: KeeperOptions, maxSize = capacity) {
    this.#store = store;
    this.#ends = new LogEnds(store);
    this.#chats = new LRUCache({ maxSize, sizeCalculation: ({ weight }) => weight });
    this.#keeper = new Keeper(store, projector, options, (warm) => {
      // By its weight now.
      if (this.#chats.peek(warm.state.chatId) === warm) this.#chats.set(warm.state.chatId, warm);
    });
  }

  /** Compares the latest snapshots with the log, before anything is read. */
  check(): Promise<void> {
    return this.#keeper.check();
  }

  /** The state as far as this node has folded it, if it has. */
  peek(chatId: string): ChatState | undefined {
    return this.#chats.get(chatId)?.state;
  }

  async warm(chatId: string): Promise<ChatState> {
    return (await this.#warm(chatId)).state;
  }

  /** The state at the end of the log, or later than that: with everything that anybody had seen when this was called (G2). */
  async refresh(chatId: string): Promise<ChatState> {
    const known = this.#chats.get(chatId) ?? (await this.#loading.get(chatId)?.done);
    // A reading that was under way may have missed what was seen before this was called.
    if (!known) return this.warm(chatId);
    await this.#readOn(known);
    return known.state;
  }

  /**
   * For readers: with everything that anybody had seen when this was called (G2). If other nodes append too, it looks whether the log
   * goes on, which reads share; if not, what is folded here is all there is.
   */
  async latest(chatId: string): Promise<ChatState> {
    const known = this.#store.shared ? this.peek(chatId) : undefined;
    if (known && !(await this.#ends.isBeyond(chatId, known.rev))) return known;
    return this.#store.shared ? this.refresh(chatId) : this.warm(chatId);
  }

  /** The latest states of many chats, by two reads and one more for each chat that moved on. */
  async latestOf(chatIds: readonly string[]): Promise<ChatState[]> {
    const cold = chatIds.filter((chatId) => !this.#chats.has(chatId) && !this.#loading.has(chatId));
    const stored = cold.length === 0 ? [] : await this.#store.statesOf(cold);
    const kept = new Map(stored.map((state) => [state._id, restoreState(state)]));
    const states = new Map<string, ChatState>();
    for (const chatId of chatIds) states.set(chatId, this.peek(chatId) ?? kept.get(chatId) ?? emptyState(chatId));
    const stale = await this.#staleOf(states, kept);
    const queue = [...stale];
    const work = async () => {
      for (let chatId = queue.pop(); chatId !== undefined; chatId = queue.pop()) states.set(chatId, await this.refresh(chatId));
    };
    await Promise.all(Array.from({ length: Math.min(refreshedAtOnce, queue.length) }, work));
    // What is current is kept at hand, so that the next look does not read it again.
    for (const chatId of kept.keys()) {
      const state = states.get(chatId)!;
      if (stale.has(chatId) || state.rev === 0 || this.#chats.has(chatId) || this.#loading.has(chatId)) continue;
      this.#chats.set(chatId, startFrom(state));
    }
    return [...states.values()];
  }

  /** Which of these the log has gone beyond; of those that were just read from the store also which it does not reach. */
  async #staleOf(states: ReadonlyMap<string, ChatState>, kept: ReadonlyMap<string, ChatState>): Promise<Set<string>> {
    const revs = new Map([...states].map(([chatId, { rev }]) => [chatId, rev]));
    const look = this.#store.shared ? revs : new Map([...revs].filter(([chatId]) => !this.#chats.has(chatId)));
    if (look.size === 0) return new Set();
    if (kept.size === 0) return new Set(await this.#ends.beyond(look));
    const next = [...look].map(([chatId, rev]) => place(chatId, rev + 1));
    const ends = [...kept].map(([chatId, { rev }]) => place(chatId, rev));
    const found = new Map((await this.#store.entriesAt([...next, ...ends])).map((entry) => [entry._id, entry]));
    const stale = new Set([...look].flatMap(([chatId, rev]) => (found.has(place(chatId, rev + 1)) ? [chatId] : [])));
    for (const [chatId, state] of kept) {
      const end = found.get(place(chatId, state.rev));
      if (!endsWith(state, end)) stale.add(chatId);
      else rememberLast(state, end);
    }
    return stale;
  }

  /** Takes in an entry that this node has just stored. */
  take(entry: StoredEntry): void {
    const loading = this.#loading.get(entry.chatId);
    if (loading) loading.overtaken = true;
    const warm = this.#chats.get(entry.chatId);
    if (!warm) return;
    if (entry.rev > warm.state.rev + 1) this.#chats.delete(entry.chatId);
    else this.#keeper.fold(warm, entry);
  }

  /** Brings what is derived from the logs of these chats up to what is folded here. */
  async project(states: readonly Readonly<ChatState>[]): Promise<void> {
    const behind = states.flatMap(({ chatId }) => {
      const warm = this.#chats.get(chatId);
      return warm && warm.projectedRev < warm.state.rev ? [warm] : [];
    });
    await Promise.all(behind.map((warm) => this.#keeper.project(warm)));
  }

  /** Stores what is derived from the chats that have changed; now and then, so that nobody has far to fold. */
  keep(): Promise<void> {
    return this.#keeper.keep();
  }

  close(): Promise<void> {
    return this.#keeper.close();
  }

  /**
   * Something that is stored claims to be derived up to this rev. Answers whether the log does not reach it, so that all
   * that is derived from the chat had to be rebuilt.
   */
  async rebuildUnlessReached(chatId: string, rev: number): Promise<boolean> {
    const state = await this.refresh(chatId);
    const warm = this.#chats.get(chatId);
    if (state.rev >= rev || !warm) return false;
    await this.#keeper.rebuild(warm);
    return true;
  }

  async #warm(chatId: string): Promise<Warm> {
    const known = this.#chats.get(chatId);
    if (known) return known;
    const underWay = this.#loading.get(chatId);
    if (underWay) return underWay.done;
    const loading: Loading = { done: undefined as unknown as Promise<Warm>, overtaken: false };
    loading.done = this.#load(chatId, loading).finally(() => this.#loading.delete(chatId));
    this.#loading.set(chatId, loading);
    return loading.done;
  }

  async #load(chatId: string, loading: Loading): Promise<Warm> {
    const [kept] = await this.#store.statesOf([chatId]);
    let warm = startFrom(kept ? restoreState(kept) : emptyState(chatId));
    let isChecked = warm.state.rev === 0;
    do {
      loading.overtaken = false;
      if (!(await this.#read(warm, isChecked))) {
        // The log has been restored to a time before, or is damaged: it is the truth.
        await this.#keeper.discard([chatId]);
        warm = startFrom(emptyState(chatId));
        loading.overtaken = true;
      }
      isChecked = true;
    } while (loading.overtaken);
    // A chat that does not exist is not worth a place: anybody can make up an id.
    if (warm.state.rev > 0) this.#chats.set(chatId, warm);
    return warm;
  }

  /** Reads on to the end of the log. A reading that began before this was asked for may have missed what it asks about. */
  #readOn(warm: Warm): Promise<void> {
    if (!warm.reading) {
      warm.reading = this.#read(warm)
        .then(() => {})
        .finally(() => (warm.reading = undefined));
      return warm.reading;
    }
    warm.next ??= warm.reading
      .catch(() => {})
      .then(() => {
        warm.next = undefined;
        return this.#readOn(warm);
      });
    return warm.next;
  }

  /** Reads on to the end of the log. A state that is not checked yet is compared with its last entry first: answers whether it is the log's. */
  async #read(warm: Warm, isChecked = true): Promise<boolean> {
    const { state } = warm;
    for (let from = isChecked ? state.rev : state.rev - 1; ; from = state.rev) {
      const entries = await this.#store.entriesAfter(state.chatId, from, readAtOnce);
      if (from < state.rev && !isChecked) {
        if (!endsWith(state, entries[0])) return false;
        rememberLast(state, entries[0]);
        isChecked = true;
      }
      for (const entry of entries) this.#keeper.fold(warm, entry);
      if (entries.length < readAtOnce) return true;
      if (state.rev - warm.projectedRev > maxAhead) {
        await this.#keeper.project(warm);
        // Nobody has begun anything on entries that are read from so far back.
        if (!this.#chats.has(state.chatId)) letGo(warm);
      }
    }
  }
}
