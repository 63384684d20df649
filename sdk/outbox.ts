import type { Message } from "@confab/contracts";
import type { Outgoing, SendOptions } from "./api.ts";
import { exclusively, jitter, onWindow, uuid, type ClientStorage } from "./platform.ts";
import { ApiProblem, nobody, pauseAfter } from "./problem.ts";
import type { Logs } from "./state.ts";
import { createStore, type Observable } from "./store.ts";

interface Options {
  /** Keeps the messages of several servers apart. */
  name: string;
  storage: ClientStorage;
  /** What is in them is on its way no longer. */
  logs: Observable<Logs>;
  /** Sends one message, by whatever way is open. */
  deliver(message: Outgoing, attempt: number): Promise<Message>;
  /** A message got its place. */
  arrived(message: Message): void;
  /** Lets one at a time through, across tabs. */
  lock?: typeof exclusively;
  pause?: (ms: number) => Promise<void>;
}

interface Waiter {
  done: (message: Message) => void;
  failed: (err: unknown) => void;
}

/**
 * Own messages on their way, in the order of their writing: one at a time in each chat, so that they arrive as they were
 * written; sent again under the same name until the server has answered (G3). What the server refuses stays as failed.
 * The messages of each user lie in the storage, where the next start, and other tabs, find them. Should two tabs send
 * the same one after all, its name makes it one message.
 */
export class Outbox {
  readonly #options: Options;
  readonly #list = createStore<readonly Outgoing[]>([]);
  /** Names that were given here: as long as nobody has answered for them, this tab sends them, whatever others do. */
  readonly #own = new Set<string>();
  readonly #waiters = new Map<string, Waiter[]>();
  readonly #draining = new Set<string>();
  readonly #sleeping = new Set<() => void>();
  readonly #stopListening: (() => void)[];
  #key: string | undefined;
  #life = 0;

  constructor(options: Options) {
    this.#options = options;
    this.#stopListening = [
      options.logs.subscribe(() => this.#settle()),
      // Another tab has written or sent something.
      onWindow("storage", (event) => this.#key !== undefined && (event as StorageEvent).key === this.#key && this.#take()),
    ];
  }

  /** What is on its way, or failed. */
  get list(): Observable<readonly Outgoing[]> {
    return this.#list;
  }

  /** Takes up what this user has not sent yet. */
  open(userId: string): void {
    this.#key = keyOf(this.#options.name, userId);
    this.#take();
  }

  send(chatId: string, text: string, options: SendOptions = {}): Promise<Message> {
    const { replyTo, mentions, data } = options;
    const message: Outgoing = {
      clientMessageId: uuid(),
      chatId,
      text,
      ...(replyTo === undefined ? {} : { replyTo }),
      ...(mentions === undefined ? {} : { mentions }),
      ...(data === undefined ? {} : { data }),
      at: new Date().toISOString(),
      status: "pending",
    };
    if (this.#key === undefined) return Promise.reject(nobody());
    this.#own.add(message.clientMessageId);
    this.#write([...this.#merged(), message]);
    return this.#answerTo(message);
  }

  /** Sends a failed message again, under its name. */
  retry(chatId: string, clientMessageId: string): Promise<Message> | undefined {
    const found = this.#find(clientMessageId);
    if (found?.chatId !== chatId || found.status !== "failed") return undefined;
    const { problem: _, ...message } = found;
    this.#own.add(clientMessageId);
    this.#change({ ...message, status: "pending" });
    return this.#answerTo(found);
  }

  /** Gives a failed message up. */
  discard(chatId: string, clientMessageId: string): void {
    const found = this.#find(clientMessageId);
    if (found?.chatId === chatId && found.status === "failed") this.#drop(clientMessageId);
  }

  #settle(): void {
    for (const { clientMessageId, chatId, rev } of this.#list.get()) {
      const log = this.#options.logs.get().get(chatId);
      // Names are UUIDs: nobody else has the same.
      const message = log?.messages.findLast((known) => known.clientMessageId === clientMessageId);
      if (message) {
        this.#drop(clientMessageId);
        this.#answer(clientMessageId, ({ done }) => done(message));
        // Where the chat is not shown, nobody waits to see it.
      } else if (rev !== undefined && (!log || rev <= log.rev)) this.#drop(clientMessageId);
    }
  }

  /** The way is open again: what waits for that goes now. */
  hurry(): void {
    for (const wake of [...this.#sleeping]) wake();
  }

  /** Stops; what is unsent stays in the storage. */
  close(): void {
    this.#life++;
    this.#key = undefined;
    this.#own.clear();
    this.#draining.clear();
    this.#list.set([]);
    this.hurry();
    const waiters = [...this.#waiters.values()].flat();
    this.#waiters.clear();
    for (const { failed } of waiters) failed(new Error("The client was closed before this was sent"));
  }

  /** Ends for good. */
  dispose(): void {
    this.close();
    for (const stop of this.#stopListening) stop();
  }

  /** Stops and leaves nothing behind, as at signing out. */
  clear(): void {
    if (this.#key) this.#options.storage.removeItem(this.#key);
    this.close();
  }

  /** Takes in what the storage has. */
  #take(): void {
    this.#list.set(this.#merged());
    for (const chatId of new Set(this.#list.get().map((message) => message.chatId))) this.#drain(chatId);
  }

  #answerTo({ chatId, clientMessageId }: Outgoing): Promise<Message> {
    const answer = new Promise<Message>((done, failed) => {
      this.#waiters.set(clientMessageId, [...(this.#waiters.get(clientMessageId) ?? []), { done, failed }]);
    });
    this.#drain(chatId);
    return answer;
  }

  #answer(clientMessageId: string, tell: (waiter: Waiter) => void): void {
    const waiters = this.#waiters.get(clientMessageId) ?? [];
    this.#waiters.delete(clientMessageId);
    waiters.forEach(tell);
  }

  /** Sends what waits in a chat, unless this or another tab is at it. */
  #drain(chatId: string): void {
    if (this.#key === undefined || this.#draining.has(chatId) || !this.#next(chatId)) return;
    const life = this.#life;
    this.#draining.add(chatId);
    const lock = this.#options.lock ?? exclusively;
    void lock(`${this.#key}:${chatId}`, async () => {
      if (life !== this.#life) return;
      this.#list.set(this.#merged());
      for (let next = this.#next(chatId); next; next = this.#next(chatId)) {
        await this.#deliver(next, life);
        if (life !== this.#life) return;
      }
    }).finally(() => {
      if (life !== this.#life) return;
      this.#draining.delete(chatId);
      this.#drain(chatId);
    });
  }

  #next(chatId: string): Outgoing | undefined {
    return this.#list.get().find((one) => one.chatId === chatId && one.status === "pending" && one.rev === undefined);
  }

  /** As often as it takes, as long as it may go through the next time. */
  async #deliver(message: Outgoing, life: number): Promise<void> {
    const { clientMessageId } = message;
    for (let attempt = 0; ; attempt++) {
      try {
        const answer = await this.#options.deliver(message, attempt);
        if (life !== this.#life) return;
        if (this.#find(clientMessageId)) this.#change({ ...message, rev: answer.rev });
        this.#options.arrived(answer);
        this.#settle();
        return this.#answer(clientMessageId, ({ done }) => done(answer));
      } catch (err) {
        // The log has shown it meanwhile.
        if (life !== this.#life || !this.#find(clientMessageId)) return;
        const signedOut = err instanceof ApiProblem && err.code === "unauthenticated";
        const pause = signedOut ? jitter(attempt) : pauseAfter(err, attempt);
        if (pause === undefined) return this.#fail(message, err);
        await this.#pause(pause, err);
        if (life !== this.#life || !this.#find(clientMessageId)) return;
      }
    }
  }

  #fail(message: Outgoing, err: unknown): void {
    const problem = err instanceof ApiProblem ? err.document : undefined;
    // A chat that one is not in shows nothing, so nobody could ever give this up.
    if (problem?.code === "chat.not_found") this.#drop(message.clientMessageId);
    else this.#change({ ...message, status: "failed", problem });
    this.#answer(message.clientMessageId, ({ failed }) => failed(err));
  }

  #find(clientMessageId: string): Outgoing | undefined {
    return this.#list.get().find((message) => message.clientMessageId === clientMessageId);
  }

  #change(message: Outgoing): void {
    this.#write(this.#merged().map((one) => (one.clientMessageId === message.clientMessageId ? message : one)));
  }

  #drop(clientMessageId: string): void {
    this.#own.delete(clientMessageId);
    this.#write(this.#merged().filter((one) => one.clientMessageId !== clientMessageId));
  }

  /** What is in the storage, with what is known here alone: answers, and what another tab has just written over. */
  #merged(): readonly Outgoing[] {
    const kept = this.#read();
    const names = new Set(kept.map(({ clientMessageId }) => clientMessageId));
    const here = this.#list.get();
    const answered = here.filter(({ rev }) => rev !== undefined);
    const done = new Set(answered.map(({ clientMessageId }) => clientMessageId));
    const own = here.filter(
      ({ clientMessageId, rev }) => rev === undefined && this.#own.has(clientMessageId) && !names.has(clientMessageId),
    );
    return [...answered, ...kept.filter(({ clientMessageId }) => !done.has(clientMessageId)), ...own];
  }

  #write(list: readonly Outgoing[]): void {
    if (this.#key === undefined) return;
    const unsent = list.filter(({ rev }) => rev === undefined);
    try {
      if (unsent.length === 0) this.#options.storage.removeItem(this.#key);
      else this.#options.storage.setItem(this.#key, JSON.stringify(unsent));
    } catch {
      // A storage that is full keeps nothing over a reload; the messages are sent all the same.
    }
    this.#list.set(list);
  }

  #read(): readonly Outgoing[] {
    if (this.#key === undefined) return [];
    try {
      return JSON.parse(this.#options.storage.getItem(this.#key) ?? "[]") as Outgoing[];
    } catch {
      return [];
    }
  }

  #pause(ms: number, err: unknown): Promise<void> {
    if (this.#options.pause) return this.#options.pause(ms);
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#sleeping.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      // As long as the server asked for is as long as it takes, also where the way is open again.
      if (!(err instanceof ApiProblem) || err.retryAfter === undefined) this.#sleeping.add(wake);
    });
  }
}

const keyOf = (name: string, userId: string) => `confab:${name}:outbox:${userId}`;
