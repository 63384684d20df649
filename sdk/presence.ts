import type { Presence, Result } from "@confab/contracts";
import { pauseAfter } from "./problem.ts";
import { createStore, type Observable } from "./store.ts";

interface Options {
  /** Asks to be told of these people from now on, by the socket. */
  watch(userIds: string[]): Promise<Result<"io.presence.watch">>;
  isOnline(): boolean;
}

/** The server watches no more at once. */
const maxWatched = 200;

/** Whether the people that one watches are online. */
export class PresenceWatch {
  readonly #options: Options;
  readonly #state = createStore<ReadonlyMap<string, Presence>>(new Map());
  #wanted: string[] = [];
  /** Counts what was asked, so that an answer to the one before is dropped. */
  #turn = 0;
  /** What was told since the question: it is later than the answer. */
  #since = new Map<string, Presence>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** By user id. */
  get state(): Observable<ReadonlyMap<string, Presence>> {
    return this.#state;
  }

  watch(userIds: readonly string[]): void {
    const wanted = [...new Set(userIds)].slice(0, maxWatched);
    if (wanted.length === this.#wanted.length && wanted.every((id) => this.#wanted.includes(id))) return;
    this.#wanted = wanted;
    void this.#ask(++this.#turn);
  }

  /** Asks for the same people again: another socket knows nothing of them. */
  renew(): void {
    if (this.#wanted.length > 0) void this.#ask(++this.#turn);
  }

  hear(presence: Presence): void {
    if (!this.#wanted.includes(presence.userId)) return;
    this.#since.set(presence.userId, presence);
    this.#state.set(new Map(this.#state.get()).set(presence.userId, presence));
  }

  clear(): void {
    this.#turn++;
    this.#wanted = [];
    this.#state.set(new Map());
  }

  async #ask(turn: number): Promise<void> {
    for (let attempt = 0; turn === this.#turn && this.#options.isOnline(); attempt++) {
      this.#since = new Map();
      try {
        const { items } = await this.#options.watch(this.#wanted);
        if (turn === this.#turn) this.#state.set(new Map([...items.map((one) => [one.userId, one] as const), ...this.#since]));
        return;
      } catch (err) {
        const pause = pauseAfter(err, attempt);
        if (pause === undefined) return;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }
}
