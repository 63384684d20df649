import { problem } from "@confab/mixins/problem.ts";
import { LRUCache } from "lru-cache";
import type { ChatState } from "./fold.ts";
import { subjects, type UserLog } from "./userlog.ts";

/** Milliseconds that a look at somebody's log is believed: a block takes hold on every node within that. */
const trustMs = 1000;

/** Who does not want to hear from whom. */
export class Blocks {
  readonly #log: UserLog;
  /** From when on the look began: what it finds is believed no longer than that. */
  readonly #known: LRUCache<string, Promise<boolean>>;

  constructor(log: UserLog) {
    this.#log = log;
    this.#known = new LRUCache<string, Promise<boolean>>({ max: 50_000, ttl: trustMs });
  }

  has(blocker: string, blocked: string): Promise<boolean> {
    const key = `${blocker}:${blocked}`;
    const known = this.#known.get(key);
    if (known) return known;
    const look = this.#look(blocker, blocked);
    this.#known.set(key, look);
    look.catch(() => {
      if (this.#known.peek(key) === look) this.#known.delete(key);
    });
    return look;
  }

  async #look(blocker: string, blocked: string): Promise<boolean> {
    const subject = subjects.block(blocked);
    const entry = (await this.#log.read(blocker, [subject])).get(subject);
    return entry?.type === "block.changed" && entry.body.blocked;
  }

  /** What was known of these two is so no longer. */
  forget(blocker: string, blocked: string): void {
    this.#known.delete(`${blocker}:${blocked}`);
  }

  /** Whether this is a direct chat whose other person has blocked the user. */
  async isUnwelcome(state: Readonly<ChatState>, userId: string): Promise<boolean> {
    if (state.type !== "direct") return false;
    for (const other of state.members.keys()) if (other !== userId && (await this.has(other, userId))) return true;
    return false;
  }

  async requireWelcome(state: Readonly<ChatState>, userId: string): Promise<void> {
    if (await this.isUnwelcome(state, userId)) throw problem("chat.blocked");
  }
}
