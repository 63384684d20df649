import type { Entry } from "@confab/contracts";

interface Followed {
  /** The last rev that the sockets of this node have been given. */
  last: number;
  /** Entries that came before their turn. */
  early: Map<number, Entry>;
  filling: boolean;
  /** Whether the log is to be read even where nothing is known to be missing. */
  look: boolean;
}

interface Ways {
  /** Gives an entry to the sockets of this node that are in its chat. */
  deliver: (entry: Entry) => void;
  /** Reads entries after a rev from the log. */
  fetch: (chatId: string, after: number) => Promise<Entry[]>;
  onError: (err: unknown) => void;
}

/** Milliseconds that an entry before its turn waits for the one before it to come by itself. */
const grace = 40;
/** Entries kept before their turn; beyond that the log is read anyway. */
const maxEarly = 1000;

/**
 * Puts in order what reaches this node. Entries come from several chat nodes by ways that may swap, lose or repeat
 * them; sockets get each chat's by rev, every one, once. What is missing is read from the log before it goes on (G4).
 */
export class Fanout {
  readonly #followed = new Map<string, Followed>();
  readonly #ways: Ways;

  constructor(ways: Ways) {
    this.#ways = ways;
  }

  /** From now on entries after this rev are delivered. A chat that is followed already stays where it is. */
  follow(chatId: string, rev: number): void {
    if (!this.#followed.has(chatId)) this.#followed.set(chatId, { last: rev, early: new Map(), filling: false, look: false });
  }

  unfollow(chatId: string): void {
    this.#followed.delete(chatId);
  }

  receive(chatId: string, entries: readonly Entry[]): void {
    const followed = this.#followed.get(chatId);
    if (!followed) return;
    for (const entry of entries) {
      if (entry.rev > followed.last && followed.early.size < maxEarly) followed.early.set(entry.rev, entry);
    }
    this.#drain(followed);
    if (followed.early.size > 0) void this.#fill(chatId, followed, grace);
  }

  /** Reads what the log has beyond the last rev, for a chat whose entries may have gone by before it was followed. */
  async catchUp(chatId: string): Promise<void> {
    const followed = this.#followed.get(chatId);
    if (!followed) return;
    // A reading that is under way may have begun too early; it is followed by another.
    followed.look = true;
    await this.#fill(chatId, followed, 0);
  }

  /** The same for every chat, one after another. */
  async catchUpAll(): Promise<void> {
    for (const chatId of this.#followed.keys()) await this.catchUp(chatId);
  }

  #drain(followed: Followed): void {
    for (let next = followed.early.get(followed.last + 1); next; next = followed.early.get(followed.last + 1)) {
      followed.early.delete(next.rev);
      followed.last = next.rev;
      this.#ways.deliver(next);
    }
    for (const rev of followed.early.keys()) if (rev <= followed.last) followed.early.delete(rev);
  }

  async #fill(chatId: string, followed: Followed, wait: number): Promise<void> {
    if (followed.filling) return;
    followed.filling = true;
    let pause = wait;
    try {
      while (this.#followed.get(chatId) === followed) {
        if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
        if (followed.early.size === 0 && !followed.look) return;
        const looking = followed.look;
        followed.look = false;
        try {
          const missing = await this.#ways.fetch(chatId, followed.last);
          const before = followed.last;
          for (const entry of missing) followed.early.set(entry.rev, entry);
          this.#drain(followed);
          // A page that brought something may not be the last.
          if (looking && followed.last > before) followed.look = true;
          pause = 0;
          // The log cannot lack what an entry before its turn stands on, unless a read was older than that entry.
          if (followed.last === before) pause = grace;
        } catch (err) {
          followed.look = true;
          this.#ways.onError(err);
          pause = Math.min(Math.max(pause, grace) * 2, 2000);
        }
      }
    } finally {
      followed.filling = false;
    }
  }
}
