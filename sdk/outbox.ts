import type { Message } from "@confab/contracts";
import { jitter, uuid } from "./platform.ts";
import { ApiProblem } from "./problem.ts";
import { dropOutgoing, putOutgoing, type Chats, type ChatState, type Outgoing } from "./state.ts";
import type { Store } from "./store.ts";

interface Options {
  chats: Store<Chats>;
  /** Sends one message, by whatever way is open. */
  deliver(message: Outgoing): Promise<Message>;
  /** A message got its place. */
  arrived(message: Message): void;
  pause?: (ms: number) => Promise<void>;
}

interface Waiting {
  message: Outgoing;
  done: (message: Message) => void;
  failed: (err: unknown) => void;
}

/**
 * Own messages on their way: one at a time in each chat, so that they arrive as they were written; sent again under the
 * same name until the server has answered (G3). What the server refuses stays as failed.
 */
export class Outbox {
  readonly #options: Options;
  readonly #queues = new Map<string, Waiting[]>();
  readonly #sleeping = new Set<() => void>();
  #life = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  send(chatId: string, text: string, data?: Record<string, unknown>): Promise<Message> {
    return this.#queue({
      clientMessageId: uuid(),
      chatId,
      text,
      ...(data ? { data } : {}),
      at: new Date().toISOString(),
      status: "pending",
    });
  }

  /** Sends a failed message again, under its name. */
  retry(chatId: string, clientMessageId: string): Promise<Message> | undefined {
    const found = this.#find(chatId, clientMessageId);
    if (found?.status !== "failed") return undefined;
    return this.#queue({ ...found, status: "pending", problem: undefined });
  }

  /** Gives a failed message up. */
  discard(chatId: string, clientMessageId: string): void {
    if (this.#find(chatId, clientMessageId)?.status === "failed")
      this.#change(chatId, (state) => dropOutgoing(state, clientMessageId));
  }

  /** The way is open again: what waits goes now. */
  hurry(): void {
    for (const wake of [...this.#sleeping]) wake();
  }

  /** Gives up everything, as at signing out. */
  clear(): void {
    this.#life++;
    const left = [...this.#queues.values()].flat();
    this.#queues.clear();
    for (const wake of [...this.#sleeping]) wake();
    for (const { failed } of left) failed(new Error("signed out"));
  }

  #queue(message: Outgoing): Promise<Message> {
    this.#change(message.chatId, (state) => putOutgoing(state, message));
    return new Promise((done, failed) => {
      const waiting = { message, done, failed };
      const queue = this.#queues.get(message.chatId);
      if (queue) queue.push(waiting);
      else {
        this.#queues.set(message.chatId, [waiting]);
        void this.#drain(message.chatId);
      }
    });
  }

  async #drain(chatId: string): Promise<void> {
    const life = this.#life;
    const queue = this.#queues.get(chatId)!;
    for (let first = queue[0]; first && life === this.#life; queue.shift(), first = queue[0]) {
      try {
        const message = await this.#deliver(first.message, life);
        if (life !== this.#life) return;
        this.#change(chatId, (state) => putOutgoing(state, { ...first.message, rev: message.rev }));
        this.#options.arrived(message);
        first.done(message);
      } catch (err) {
        if (life !== this.#life) return;
        const problem = err instanceof ApiProblem ? err.document : undefined;
        this.#change(chatId, (state) => putOutgoing(state, { ...first.message, status: "failed", problem }));
        first.failed(err);
      }
    }
    if (life === this.#life) this.#queues.delete(chatId);
  }

  /** As often as it takes, as long as it may go through the next time. */
  async #deliver(message: Outgoing, life: number): Promise<Message> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#options.deliver(message);
      } catch (err) {
        if (!(err instanceof ApiProblem) || !err.passing || life !== this.#life) throw err;
        await this.#pause(Math.max((err.retryAfter ?? 0) * 1000, jitter(attempt)));
        if (life !== this.#life) throw err;
      }
    }
  }

  #pause(ms: number): Promise<void> {
    if (this.#options.pause) return this.#options.pause(ms);
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#sleeping.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#sleeping.add(wake);
    });
  }

  #find(chatId: string, clientMessageId: string): Outgoing | undefined {
    return this.#options.chats
      .get()
      .get(chatId)
      ?.outgoing.find((message) => message.clientMessageId === clientMessageId);
  }

  #change(chatId: string, change: (state: ChatState) => ChatState): void {
    const chats = this.#options.chats.get();
    const state = chats.get(chatId);
    if (state) this.#options.chats.set(new Map(chats).set(chatId, change(state)));
  }
}
