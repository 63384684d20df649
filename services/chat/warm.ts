import { LRUCache } from "lru-cache";
import { isChange } from "./changes.ts";
import { emptyState, fold, restoreState, storeState, type ChatState } from "./fold.ts";
import { concernsMembers, type Projector } from "./projector.ts";
import type { StoredEntry } from "./store/documents.ts";
import type { ChatStore } from "./store/chat.store.ts";

/** What the cache may hold, in members of chats; a state is some hundred bytes for each, and some for itself. */
const capacity = 2_000_000;
const ownWeight = 10;
const readAtOnce = 500;
/** Milliseconds between two rounds of keeping states. */
const keepEvery = 2000;
/** Milliseconds that changes of messages stay among the recent entries after they were stored, for decisions that began before. */
const recentFor = 15_000;
/** Entries that are folded without their projections being stored, at most: a log that is read from far back. */
const maxAhead = 2000;
/** How often projections go after what other nodes append meanwhile; the rest waits for the next round. */
const maxGoes = 3;

interface Warm {
  state: ChatState;
  /** Projections are stored up to here. */
  projectedRev: number;
  projecting?: Promise<void>;
  /** Up to where changes of messages go from the recent entries, at the first round after that time. */
  forget?: { rev: number; at: number };
  keptRev: number;
  /** A reading of the log that is under way, and the one that those wait for who came after it began. */
  reading?: Promise<void>;
  next?: Promise<void>;
}

/**
 * The folded states of the chats that this node has lately had to do with. A state here is never ahead of the log;
 * where other nodes append too it may be behind, so whoever reads refreshes it first, and an append finds out by itself.
 */
export class WarmChats {
  readonly #store: ChatStore;
  readonly #projector: Projector;
  readonly #chats: LRUCache<string, Warm>;
  readonly #loading = new Map<string, { done: Promise<Warm>; overtaken: boolean }>();
  readonly #dirty = new Map<string, Warm>();
  readonly #onError: (err: unknown) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(store: ChatStore, projector: Projector, onError: (err: unknown) => void, max = capacity) {
    this.#store = store;
    this.#projector = projector;
    this.#onError = onError;
    this.#chats = new LRUCache({ maxSize: max, sizeCalculation: ({ state }) => ownWeight + state.members.size });
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

  /** For readers: refreshed where other nodes append too; where not, what is folded here is all there is. */
  latest(chatId: string): Promise<ChatState> {
    return this.#store.shared ? this.refresh(chatId) : this.warm(chatId);
  }

  /** The latest states of many chats, by two reads and one more for each chat that moved on. */
  async latestOf(chatIds: readonly string[]): Promise<ChatState[]> {
    const cold = chatIds.filter((chatId) => !this.#chats.has(chatId) && !this.#loading.has(chatId));
    const kept = new Map((await this.#store.statesOf(cold)).map((stored) => [stored._id, restoreState(stored)]));
    const states = new Map<string, ChatState>();
    for (const chatId of chatIds) states.set(chatId, this.peek(chatId) ?? kept.get(chatId) ?? emptyState(chatId));
    const revs = new Map([...states].map(([chatId, { rev }]) => [chatId, rev]));
    const look = this.#store.shared ? revs : new Map([...revs].filter(([chatId]) => !this.#chats.has(chatId)));
    const beyond = look.size === 0 ? [] : await this.#store.chatsBeyond(look);
    for (const chatId of beyond) states.set(chatId, await this.refresh(chatId));
    // What is current is kept at hand, so that the next look does not read it again.
    for (const chatId of kept.keys()) {
      const state = states.get(chatId)!;
      if (beyond.includes(chatId) || state.rev === 0 || this.#chats.has(chatId) || this.#loading.has(chatId)) continue;
      this.#chats.set(chatId, { state, projectedRev: state.rev, keptRev: state.rev });
    }
    return [...states.values()];
  }

  /** Takes in an entry that this node has just stored. */
  take(entry: StoredEntry): void {
    const loading = this.#loading.get(entry.chatId);
    if (loading) loading.overtaken = true;
    const warm = this.#chats.get(entry.chatId);
    if (!warm) return;
    if (entry.rev > warm.state.rev + 1) this.#chats.delete(entry.chatId);
    else this.#fold(warm, entry);
  }

  /** Brings what is derived from the logs of these chats up to what is folded here. */
  async project(states: readonly Readonly<ChatState>[]): Promise<void> {
    for (const { chatId } of states) {
      const warm = this.#chats.get(chatId);
      if (warm && warm.projectedRev < warm.state.rev) await this.#project(warm);
    }
  }

  /** Keeps every state that has changed; at the end, and now and then, so that nobody has far to fold. */
  async keep(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const dirty = [...this.#dirty.values()];
    this.#dirty.clear();
    let failure: unknown;
    for (const warm of dirty) {
      await this.#keepOne(warm).catch((err: unknown) => {
        failure ??= err;
        this.#touch(warm);
      });
    }
    if (failure) throw failure as Error;
  }

  /** Keeps what is there to be kept, and nothing any more after that. */
  async close(): Promise<void> {
    try {
      await this.keep();
    } finally {
      clearTimeout(this.#timer);
    }
  }

  async #keepOne(warm: Warm): Promise<void> {
    const stored = storeState(warm.state);
    // A state at rev n says that all that is derived from the log up to n is stored, so it is not kept before that is.
    if (warm.projectedRev < stored.rev) await this.#project(warm);
    if (stored.rev > warm.keptRev) {
      await this.#store.keepState(stored);
      warm.keptRev = stored.rev;
    }
    forget(warm, Date.now());
    if (warm.forget || warm.state.rev > warm.keptRev) this.#touch(warm);
  }

  /** One at a time for each chat; what comes meanwhile is for the next. */
  #project(warm: Warm): Promise<void> {
    warm.projecting = (warm.projecting ?? Promise.resolve()).catch(() => {}).then(() => this.#bringUp(warm));
    return warm.projecting;
  }

  async #bringUp(warm: Warm): Promise<void> {
    for (let goes = 0; goes < maxGoes; goes++) {
      const { state, projectedRev } = warm;
      const { rev } = state;
      if (rev <= projectedRev) return;
      await this.#projector.project(
        state,
        state.recent.filter((entry) => entry.rev > projectedRev && entry.rev <= rev),
      );
      warm.projectedRev = rev;
      if (!this.#store.shared) return;
      // Another node may have stored already that somebody left, or that all of it was deleted, and ours have come after that.
      const later = await this.#store.entriesAfter(state.chatId, state.rev, readAtOnce);
      if (!later.some(concernsMembers)) return;
      for (const entry of later) this.#fold(warm, entry);
    }
  }

  async #warm(chatId: string): Promise<Warm> {
    const known = this.#chats.get(chatId);
    if (known) return known;
    const underWay = this.#loading.get(chatId);
    if (underWay) return underWay.done;
    const loading = { done: undefined as unknown as Promise<Warm>, overtaken: false };
    loading.done = this.#load(chatId, loading).finally(() => this.#loading.delete(chatId));
    this.#loading.set(chatId, loading);
    return loading.done;
  }

  async #load(chatId: string, loading: { overtaken: boolean }): Promise<Warm> {
    const [kept] = await this.#store.statesOf([chatId]);
    const state = kept ? restoreState(kept) : emptyState(chatId);
    const warm: Warm = { state, projectedRev: state.rev, keptRev: state.rev };
    do {
      loading.overtaken = false;
      await this.#read(warm);
    } while (loading.overtaken);
    // A chat that does not exist is not worth a place: anybody can make up an id.
    if (warm.state.rev > 0) this.#chats.set(chatId, warm);
    return warm;
  }

  /** Reads on to the end of the log. A reading that began before this was asked for may have missed what it asks about. */
  #readOn(warm: Warm): Promise<void> {
    if (!warm.reading) {
      warm.reading = this.#read(warm).finally(() => (warm.reading = undefined));
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

  async #read(warm: Warm): Promise<void> {
    for (;;) {
      const entries = await this.#store.entriesAfter(warm.state.chatId, warm.state.rev, readAtOnce);
      for (const entry of entries) this.#fold(warm, entry);
      if (entries.length < readAtOnce) return;
      if (warm.state.rev - warm.projectedRev > maxAhead) {
        await this.#project(warm);
        // Nobody has begun anything on entries that are read from so far back.
        if (!this.#chats.has(warm.state.chatId)) letGo(warm);
      }
    }
  }

  #fold(warm: Warm, entry: StoredEntry): void {
    fold(warm.state, entry);
    this.#touch(warm);
  }

  #touch(warm: Warm): void {
    this.#dirty.set(warm.state.chatId, warm);
    this.#timer ??= setTimeout(() => void this.keep().catch(this.#onError), keepEvery).unref();
  }
}

/** Lets go of all recent entries whose projections are stored. */
function letGo({ state, projectedRev }: Warm): void {
  state.recent = state.recent.filter((entry) => entry.rev > projectedRev);
  state.recentFrom = projectedRev;
}

/** Lets go of recent entries that nobody needs any more. */
function forget(warm: Warm, now: number): void {
  const { state, projectedRev } = warm;
  if (warm.forget && warm.forget.at <= now) {
    state.recentFrom = warm.forget.rev;
    warm.forget = undefined;
  }
  state.recent = state.recent.filter((entry) => entry.rev > projectedRev || (entry.rev > state.recentFrom && isChange(entry)));
  if (!warm.forget && state.recent.length > 0) warm.forget = { rev: projectedRev, at: now + recentFor };
}
