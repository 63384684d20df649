import { concernsMembers, type Projector } from "./projector.ts";
import { endsWith, isWorthKeeping, restoreState, storeState, weighState } from "./snapshots.ts";
import { place, type StoredEntry } from "./store/documents.ts";
import type { ChatStore } from "./store/chat.store.ts";
import { advance, forget, type Warm } from "./warm.chat.ts";

const readAtOnce = 500;
/** Milliseconds between two rounds of keeping states. */
const keepEvery = 2000;
/** Chats at once, so that what is stored of them shares writes. */
const keptAtOnce = 64;
/** How often projections go after what other nodes append meanwhile; the rest waits for the next round. */
const maxGoes = 3;
/** The latest snapshots that are checked at open. */
const checkedAtOpen = 100;

export interface KeeperOptions {
  onError: (err: unknown) => void;
  /** Hears of chats whose projections claimed more than the log has. They are rebuilt. */
  onRebuild: (chatIds: readonly string[]) => void;
}

/** Stores what is derived from the logs of chats: projections, and after them snapshots of the states. */
export class Keeper {
  readonly #store: ChatStore;
  readonly #projector: Projector;
  readonly #options: KeeperOptions;
  /** Hears of every chat after a round. */
  readonly #onKept: (warm: Warm) => void;
  readonly #dirty = new Map<string, Warm>();
  #timer: NodeJS.Timeout | undefined;

  constructor(store: ChatStore, projector: Projector, options: KeeperOptions, onKept: (warm: Warm) => void) {
    this.#store = store;
    this.#projector = projector;
    this.#options = options;
    this.#onKept = onKept;
  }

  fold(warm: Warm, entry: StoredEntry): void {
    advance(warm, entry);
    this.#touch(warm);
  }

  #touch(warm: Warm): void {
    this.#dirty.set(warm.state.chatId, warm);
    this.#timer ??= setTimeout(() => void this.keep().catch(this.#options.onError), keepEvery).unref();
  }

  /** Stores what is derived from every chat that has changed, and its state where that is worth it. */
  async keep(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const dirty = [...this.#dirty.values()];
    this.#dirty.clear();
    let failure: unknown;
    const work = async () => {
      for (let warm = dirty.pop(); warm; warm = dirty.pop()) {
        const one = warm;
        await this.#keepOne(one).catch((err: unknown) => {
          failure ??= err;
          this.#touch(one);
        });
      }
    };
    await Promise.all(Array.from({ length: keptAtOnce }, work));
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
    const { state, grown } = warm;
    const { rev } = state;
    warm.weight = weighState(state);
    const stored = isWorthKeeping(warm.weight, grown - warm.keptGrown, state) ? storeState(state, Date.now()) : undefined;
    // A state at rev n says that all that is derived from the log up to n is stored, so it is not kept before that is.
    if (warm.projectedRev < rev) await this.project(warm);
    if (stored && rev > warm.keptRev) {
      await this.#store.keepState(stored);
      // A round that began later may have ended before.
      warm.keptRev = Math.max(warm.keptRev, rev);
      warm.keptGrown = Math.max(warm.keptGrown, grown);
    }
    forget(warm, Date.now());
    if (warm.forget) this.#touch(warm);
    this.#onKept(warm);
  }

  /** One at a time for each chat; what comes meanwhile is for the next. */
  project(warm: Warm): Promise<void> {
    return inTurn(warm, () => this.#bringUp(warm));
  }

  async #bringUp(warm: Warm): Promise<void> {
    for (let goes = 0; goes < maxGoes; goes++) {
      const { state, projectedRev } = warm;
      const { rev } = state;
      if (rev <= projectedRev) return;
      const claimed = await this.#projector.project(
        state,
        state.recent.filter((entry) => entry.rev > projectedRev && entry.rev <= rev),
      );
      warm.projectedRev = rev;
      await this.#readTo(warm, claimed);
      if (claimed > state.rev) return this.#rebuild(warm);
      if (!this.#store.shared) return;
      // Another node may have stored already that somebody left, or that all of it was deleted, and ours have come after that.
      const later = await this.#store.entriesAfter(state.chatId, state.rev, readAtOnce);
      if (!later.some(concernsMembers)) return;
      for (const entry of later) this.fold(warm, entry);
    }
  }

  /** Reads on up to a rev, or to the end of the log before that. */
  async #readTo(warm: Warm, rev: number): Promise<void> {
    while (warm.state.rev < rev) {
      const entries = await this.#store.entriesAfter(warm.state.chatId, warm.state.rev, readAtOnce);
      if (entries.length === 0) return;
      for (const entry of entries) this.fold(warm, entry);
    }
  }

  /** Derives everything from the log again. */
  rebuild(warm: Warm): Promise<void> {
    return inTurn(warm, () => this.#rebuild(warm));
  }

  async #rebuild(warm: Warm): Promise<void> {
    const { state } = warm;
    const { chatId } = state;
    await this.discard([chatId]);
    // It is stored again only when all of it is derived.
    warm.keptRev = 0;
    warm.keptGrown = -Infinity;
    warm.projectedRev = 0;
    for (let after = 0; after < state.rev; after += readAtOnce) {
      const entries = await this.#store.entriesAfter(chatId, after, readAtOnce);
      for (const entry of entries) this.fold(warm, entry);
      if (entries.length > 0) await this.#projector.project(state, entries);
    }
    warm.projectedRev = state.rev;
  }

  /** Removes what is derived of chats, since it claims more than the log has. */
  async discard(chatIds: readonly string[]): Promise<void> {
    if (chatIds.length === 0) return;
    this.#options.onRebuild(chatIds);
    for (const chatId of chatIds) {
      await this.#store.removeProjections(chatId);
      await this.#store.search.reset(chatId);
    }
  }

  /**
   * Compares the snapshots that were stored last with the log, which may have been restored or damaged, and discards those
   * that it does not reach. The others are checked when they are read.
   */
  async check(): Promise<void> {
    const states = (await this.#store.latestStates(checkedAtOpen)).map(restoreState).filter(({ rev }) => rev > 0);
    const ends = await this.#store.entriesAt(states.map(({ chatId, rev }) => place(chatId, rev)));
    const byChat = new Map(ends.map((entry) => [entry.chatId, entry]));
    await this.discard(states.filter((state) => !endsWith(state, byChat.get(state.chatId))).map(({ chatId }) => chatId));
  }
}

function inTurn(warm: Warm, act: () => Promise<void>): Promise<void> {
  warm.projecting = (warm.projecting ?? Promise.resolve()).catch(() => {}).then(act);
  return warm.projecting;
}
