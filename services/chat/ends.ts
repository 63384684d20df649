import type { ChatStore } from "./store/chat.store.ts";

/** Chats in one look, at most, so that a call that asks for few does not wait long. A call that asks for more is a look of its own. */
const maxChats = 1000;
/** Looks in flight at once, and for how many milliseconds one counts: a connection that hangs must not hold up the others. */
const maxInFlight = 2;
const countsFor = 1000;

/** A look that has not begun: the rev beyond which each chat is looked for, and the answer that its callers wait for. */
interface Look {
  revs: Map<string, number>;
  found: Promise<ReadonlySet<string>>;
  begin: () => void;
}

/**
 * Finds out which logs go on beyond a rev, as every read does on a store that other nodes append to. Calls share looks: what is asked
 * within one turn of the event loop, or while enough looks are in flight, goes out as one. No call joins a look in flight, since
 * that one may miss what the caller has seen already (G2).
 */
export class LogEnds {
  readonly #store: Pick<ChatStore, "chatsBeyond">;
  readonly #waiting: Look[] = [];
  #inFlight = 0;
  #scheduled = false;

  constructor(store: Pick<ChatStore, "chatsBeyond">) {
    this.#store = store;
  }

  /** Which of these chats have an entry after the rev that goes with them; perhaps also one that had moved on just before that rev. */
  async beyond(revs: ReadonlyMap<string, number>): Promise<string[]> {
    if (revs.size === 0) return [];
    const last = this.#waiting.at(-1);
    const look = last && last.revs.size + revs.size <= maxChats ? last : this.#open();
    for (const [chatId, rev] of revs) look.revs.set(chatId, Math.min(rev, look.revs.get(chatId) ?? rev));
    this.#schedule();
    return [...(await look.found)].filter((chatId) => revs.has(chatId));
  }

  async isBeyond(chatId: string, rev: number): Promise<boolean> {
    return (await this.beyond(new Map([[chatId, rev]]))).length > 0;
  }

  #open(): Look {
    const revs = new Map<string, number>();
    const { promise, resolve } = Promise.withResolvers<void>();
    const found = promise.then(async () => new Set(await this.#store.chatsBeyond(revs)));
    const look = { revs, found, begin: resolve };
    this.#waiting.push(look);
    return look;
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0 || this.#inFlight >= maxInFlight) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#begin(this.#waiting.shift()!);
      this.#schedule();
    });
  }

  #begin({ begin, found }: Look): void {
    this.#inFlight++;
    let counts = true;
    const release = () => {
      if (!counts) return;
      counts = false;
      clearTimeout(timer);
      this.#inFlight--;
      this.#schedule();
    };
    const timer = setTimeout(release, countsFor).unref();
    begin();
    found.then(release, release);
  }
}
