import type { Entry, Limits, SocketPayload } from "@confab/contracts";
import { createStore, type Observable } from "./store.ts";

interface Options {
  /** Undefined until they are known. */
  limits(): Limits | null;
  /** Tells that one is typing oneself, or no longer, if there is a way. */
  tell(chatId: string, typing: boolean): void;
  myId(): string;
}

/** Seconds, until the limits are known. */
const defaultEvery = 3;

/** Who is typing in which chat, and that one is oneself. */
export class Typing {
  readonly #options: Options;
  readonly #state = createStore<ReadonlyMap<string, readonly string[]>>(new Map());
  readonly #ends = new Map<string, ReturnType<typeof setTimeout>>();
  /** When one was last said to be typing, by chat. */
  readonly #told = new Map<string, number>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** The user ids by chat, the latest last. */
  get state(): Observable<ReadonlyMap<string, readonly string[]>> {
    return this.#state;
  }

  /** What the server tells of another. It ends by itself: the word that ends it may be lost. */
  hear({ chatId, userId, typing }: SocketPayload<"typing">): void {
    if (userId === this.#options.myId()) return;
    const key = `${chatId}:${userId}`;
    clearTimeout(this.#ends.get(key));
    this.#ends.delete(key);
    if (typing)
      this.#ends.set(
        key,
        setTimeout(() => this.#put(chatId, userId, false), 2 * this.#every()),
      );
    this.#put(chatId, userId, typing);
  }

  /** Whoever has sent, or left, types no more. */
  apply(entries: readonly Entry[]): void {
    for (const { chatId, type, by, data } of entries) {
      if (type === "message.sent") this.hear({ chatId, userId: by, typing: false });
      if (type === "member.removed") this.hear({ chatId, userId: data.userId, typing: false });
    }
  }

  /** Says that one is typing oneself: again only when the time has come, and no longer only where it was said. */
  set(chatId: string, typing: boolean): void {
    const since = Date.now() - (this.#told.get(chatId) ?? -Infinity);
    if (typing ? since < this.#every() : since >= 2 * this.#every()) return;
    if (typing) this.#told.set(chatId, Date.now());
    else this.#told.delete(chatId);
    this.#options.tell(chatId, typing);
  }

  /** A message of one's own says it as well. */
  sent(chatId: string): void {
    this.#told.delete(chatId);
  }

  /** Nobody tells any more. */
  clear(): void {
    for (const timer of this.#ends.values()) clearTimeout(timer);
    this.#ends.clear();
    this.#told.clear();
    this.#state.set(new Map());
  }

  #put(chatId: string, userId: string, typing: boolean): void {
    const known = this.#state.get().get(chatId) ?? [];
    if (known.includes(userId) === typing) return;
    const others = known.filter((id) => id !== userId);
    const next = new Map(this.#state.get());
    if (typing) next.set(chatId, [...others, userId]);
    else if (others.length > 0) next.set(chatId, others);
    else next.delete(chatId);
    this.#state.set(next);
  }

  #every(): number {
    return (this.#options.limits()?.typingEvery ?? defaultEvery) * 1000;
  }
}
