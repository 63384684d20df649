import type { Message, Params, Result } from "@confab/contracts";
import type { ChatLog } from "./api.ts";
import type { CatchUp } from "./catchup.ts";
import { changeMessage } from "./message.ts";
import { addOlder, findMessage, growWindow, isAtHand, leaveWindow, openWindow, quote, type Logs } from "./state.ts";
import type { Observable } from "./store.ts";

interface Options {
  logs: Observable<Logs>;
  catchUp: CatchUp;
  list(params: Params<"chat.message.list">): Promise<Result<"chat.message.list">>;
  get(params: Params<"chat.message.get">): Promise<Result<"chat.message.get">>;
  myId(): string;
}

/** Whoever finds a chat begun anew so many times meanwhile does without. */
const maxTries = 3;

/** Fetches older messages, windows and single messages into the chats. What is told while they come is applied to them. */
export class Pages {
  readonly #options: Options;
  readonly #running = new Map<string, Promise<unknown>>();
  /** Counts what was asked of each chat's window, so that the last of it counts. */
  readonly #jumps = new Map<string, number>();

  constructor(options: Options) {
    this.#options = options;
  }

  loadOlder(chatId: string): Promise<boolean> {
    return this.#once(`older ${chatId}`, async () => {
      const log = this.#log(chatId);
      const before = log?.window ? log.window.before : log?.older;
      if (before === null || before === undefined) return false;
      await this.#fetch(
        chatId,
        () => this.#options.list({ chatId, before }),
        ({ items }) => items,
        (now, page, items) => {
          const isSame = now.window ? now.window.before === before : !log?.window && now.older === before;
          if (!isSame) return now;
          const current = { ...page, items };
          return now.window ? growWindow(now, current, "above", this.#me) : addOlder(now, current, this.#me);
        },
      );
      return true;
    });
  }

  loadNewer(chatId: string): Promise<boolean> {
    return this.#once(`newer ${chatId}`, async () => {
      const after = this.#log(chatId)?.window?.after;
      if (after === null || after === undefined) return false;
      await this.#fetch(
        chatId,
        () => this.#options.list({ chatId, after }),
        ({ items }) => items,
        (now, page, items) => (now.window?.after === after ? growWindow(now, { ...page, items }, "below", this.#me) : now),
      );
      return true;
    });
  }

  async jump(chatId: string, seq: number): Promise<void> {
    const turn = (this.#jumps.get(chatId) ?? 0) + 1;
    this.#jumps.set(chatId, turn);
    const log = this.#log(chatId);
    if (!log) return;
    if (isAtHand(log, seq)) return this.#options.catchUp.change(chatId, leaveWindow);
    const { window } = log;
    if (window?.messages.some((message) => message.seq === seq))
      return this.#options.catchUp.change(chatId, (now) => ({ ...now, window: { ...window, target: seq } }));
    await this.#fetch(
      chatId,
      () => this.#options.list({ chatId, around: seq }),
      ({ items }) => items,
      (now, page, items) => (this.#jumps.get(chatId) === turn ? openWindow(now, { ...page, items }, seq, this.#me) : now),
    );
  }

  leaveWindow(chatId: string): void {
    this.#jumps.set(chatId, (this.#jumps.get(chatId) ?? 0) + 1);
    this.#options.catchUp.change(chatId, leaveWindow);
  }

  async message(chatId: string, messageId: string): Promise<Message> {
    const log = this.#log(chatId);
    const known = log && findMessage(log, messageId);
    if (known) return known;
    return this.#once(`message ${chatId} ${messageId}`, async () => {
      const { message } = await this.#fetch(
        chatId,
        () => this.#options.get({ chatId, messageId }),
        (answer) => [answer.message],
        (now, _, [current]) => quote(now, current!),
      );
      const now = this.#log(chatId);
      return (now && findMessage(now, messageId)) ?? message;
    });
  }

  clear(): void {
    this.#running.clear();
    this.#jumps.clear();
  }

  /**
   * Fetches messages, applies to them what was told since they were asked for, and puts them into the chat. Where the
   * chat was begun anew meanwhile, nobody knows what happened to them: then they are fetched again.
   */
  async #fetch<T>(
    chatId: string,
    get: () => Promise<T>,
    messagesOf: (answer: T) => readonly Message[],
    place: (log: ChatLog, answer: T, messages: Message[]) => ChatLog,
  ): Promise<T> {
    for (let tries = 1; ; tries++) {
      const watch = this.#options.catchUp.watch(chatId);
      try {
        const answer = await get();
        if (watch.broken && tries < maxTries) continue;
        const messages = messagesOf(answer).map((message) =>
          watch.entries.reduce((now, entry) => changeMessage(now, entry, this.#me), message),
        );
        if (!watch.broken) this.#options.catchUp.change(chatId, (log) => place(log, answer, messages));
        return answer;
      } finally {
        watch.stop();
      }
    }
  }

  /** The same thing asked for twice at once is asked for once. */
  #once<T>(what: string, run: () => Promise<T>): Promise<T> {
    const running =
      (this.#running.get(what) as Promise<T> | undefined) ??
      run().finally(() => {
        if (this.#running.get(what) === running) this.#running.delete(what);
      });
    this.#running.set(what, running);
    return running;
  }

  #log(chatId: string): ChatLog | undefined {
    return this.#options.logs.get().get(chatId);
  }

  get #me(): string {
    return this.#options.myId();
  }
}
