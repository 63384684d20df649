import type { Entry } from "@confab/contracts";
import { jitter } from "./platform.ts";
import { ApiProblem } from "./problem.ts";
import { applyEntry, applySync, type Chats, type ChatState, type SyncPage } from "./state.ts";
import type { Store } from "./store.ts";

interface Options {
  chats: Store<Chats>;
  /** Asks for what changed since these revs. */
  pull(known: { epoch?: string; userRev?: number; chats: Record<string, number> }): Promise<SyncPage>;
  /** The user who is signed in. */
  myId(): string;
  /** Waits before asking again. */
  pause?: (attempt: number) => Promise<void>;
}

/** After so many answers that bring nothing on, the server is asked no more until something new comes. */
const maxAttempts = 8;

/**
 * Keeps the chats equal to the log (G4). Entries are applied strictly by rev; a gap leads to a sync from the revs
 * that are known. One sync is in flight at a time, and what comes meanwhile is kept and applied by rev after it.
 */
export class CatchUp {
  readonly #options: Options;
  #epoch: string | undefined;
  #userRev: number | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  /** Counts sign-outs, so that an answer to the one before is dropped. */
  #life = 0;
  #kept: Entry[] = [];

  constructor(options: Options) {
    this.#options = options;
  }

  /** Entries as they come over the socket. */
  receive(entries: readonly Entry[]): void {
    if (this.#running) return void this.#kept.push(...entries);
    const left = this.#apply(entries);
    if (left.length === 0) return;
    this.#kept.push(...left);
    void this.sync().catch(() => {});
  }

  /** Asks for everything that changed. Several at once are one; one asked for while it runs goes once more after it. */
  sync(): Promise<void> {
    if (this.#running) {
      this.#again = true;
      return this.#running;
    }
    const running = this.#run().finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }

  /** The store that the server now speaks of; another one than before means that all is new. */
  meet(epoch: string): void {
    if (this.#epoch !== undefined && this.#epoch !== epoch) this.forget();
    this.#epoch = epoch;
  }

  /** Forgets everything. */
  forget(): void {
    this.#life++;
    this.#epoch = this.#userRev = this.#running = undefined;
    this.#kept = [];
    this.#again = false;
    this.#options.chats.set(new Map());
  }

  async #run(): Promise<void> {
    const life = this.#life;
    for (let attempt = 0; attempt < maxAttempts;) {
      this.#again = false;
      const chats = Object.fromEntries([...this.#options.chats.get()].map(([chatId, { rev }]) => [chatId, rev]));
      const page = await this.#pull({ epoch: this.#epoch, userRev: this.#userRev, chats }, life, attempt);
      if (life !== this.#life) return;
      if (this.#epoch !== undefined && page.epoch !== this.#epoch) this.#options.chats.set(new Map());
      this.#epoch = page.epoch;
      this.#userRev = page.userRev;
      const fits = this.#merge(page);
      this.#kept = this.#apply(this.#kept);
      if (page.more && fits) attempt = 0;
      else if (this.#kept.length > 0 || !fits) await this.#pause(attempt++);
      else if (!this.#again) return;
      if (life !== this.#life) return;
    }
    // A server that announces what it does not have: what is kept of it waits for nothing.
    this.#kept = [];
  }

  /** A busy or unreachable server is asked again; the connection, too, syncs when it is back. */
  async #pull(known: Parameters<Options["pull"]>[0], life: number, attempt: number): Promise<SyncPage> {
    for (;;) {
      try {
        return await this.#options.pull(known);
      } catch (err) {
        const worthIt = err instanceof ApiProblem && err.passing && attempt < maxAttempts && life === this.#life;
        if (!worthIt) throw err;
        await this.#pause(attempt++);
      }
    }
  }

  /** Whether everything fitted; what did not is forgotten, so that the next answer brings it whole. */
  #merge(page: SyncPage): boolean {
    const next = new Map(this.#options.chats.get());
    let fits = true;
    for (const item of page.chats) {
      const state = applySync(next.get(item.chatId), item, this.#options.myId());
      if (state) next.set(item.chatId, state);
      else {
        next.delete(item.chatId);
        fits = false;
      }
    }
    if (page.chats.length > 0) this.#options.chats.set(next);
    return fits;
  }

  /** Applies what fits, by rev, and answers what does not yet. */
  #apply(entries: readonly Entry[]): Entry[] {
    if (entries.length === 0) return [];
    const changed = new Map<string, ChatState>();
    const left: Entry[] = [];
    for (const entry of entries.toSorted((a, b) => a.rev - b.rev)) {
      const state = changed.get(entry.chatId) ?? this.#options.chats.get().get(entry.chatId);
      const next = state && applyEntry(state, entry, this.#options.myId());
      if (!next) left.push(entry);
      else if (next !== state) changed.set(entry.chatId, next);
    }
    if (changed.size > 0) this.#options.chats.set(new Map([...this.#options.chats.get(), ...changed]));
    return left;
  }

  #pause(attempt: number): Promise<void> {
    return this.#options.pause?.(attempt) ?? new Promise((resolve) => setTimeout(resolve, jitter(attempt)));
  }
}
