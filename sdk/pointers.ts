import type { Params, Result } from "@confab/contracts";
import { pauseAfter } from "./problem.ts";

type Moved = Result<"chat.receipt.move">["chats"];

interface Options {
  /** Tells the server; `attempt` counts from 0. */
  tell(pointers: Params<"chat.receipt.move">, attempt: number): Promise<{ chats: Moved }>;
  /** Hears where the pointers are. */
  told(chats: Moved): void;
  /** Milliseconds in which pointers gather before they are told together. */
  gather?: number;
}

/** Pointers in one request, so that it stays well below any limit of its size. */
const maxAtOnce = 300;

/**
 * One's own pointers, read and delivered: gathered for a moment, told for many chats at once, kept until the server has
 * answered. They only go forward, so nothing is wrong with telling one twice.
 */
export class Pointers {
  readonly #options: Options;
  #waiting = { read: new Map<string, number>(), delivered: new Map<string, number>() };
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isTelling = false;
  #attempt = 0;
  #life = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  move(kind: "read" | "delivered", chatId: string, seq: number): void {
    const waiting = this.#waiting[kind];
    if (seq <= (waiting.get(chatId) ?? 0)) return;
    waiting.set(chatId, seq);
    this.#tellIn(this.#options.gather ?? 1000);
  }

  /** The way is open again. */
  hurry(): void {
    if (this.#attempt === 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#tellIn(0);
  }

  /** Gives up what was not told. */
  clear(): void {
    this.#life++;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isTelling = false;
    this.#attempt = 0;
    this.#waiting = { read: new Map(), delivered: new Map() };
  }

  #tellIn(ms: number): void {
    if (this.#isTelling) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#tell();
    }, ms);
  }

  async #tell(): Promise<void> {
    const life = this.#life;
    const { read, delivered } = this.#waiting;
    const sent = { read: [...read].slice(0, maxAtOnce), delivered: [...delivered].slice(0, maxAtOnce) };
    if (sent.read.length + sent.delivered.length === 0) return;
    this.#isTelling = true;
    let pause: number | undefined;
    try {
      const pointers = { read: Object.fromEntries(sent.read), delivered: Object.fromEntries(sent.delivered) };
      const { chats } = await this.#options.tell(pointers, this.#attempt);
      if (life === this.#life) this.#options.told(chats);
    } catch (err) {
      pause = pauseAfter(err, this.#attempt++);
    }
    if (life !== this.#life) return;
    this.#isTelling = false;
    if (pause === undefined) {
      // Answered, or refused for good. What went further meanwhile is for the next time.
      this.#attempt = 0;
      for (const [chatId, seq] of sent.read) if (read.get(chatId) === seq) read.delete(chatId);
      for (const [chatId, seq] of sent.delivered) if (delivered.get(chatId) === seq) delivered.delete(chatId);
    }
    if (read.size + delivered.size > 0) this.#tellIn(pause ?? 0);
  }
}
