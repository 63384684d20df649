/*
 * Fills an index that is new, or that may have lost its newest writes, from the log: from the newest message down, so that
 * what people look for most is found first. An index that is only behind is searched meanwhile as it is.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Said } from "../index.ts";
import { topId, type Batch, type EngineState } from "./engine.ts";
import type { EngineHost } from "./host.ts";

/** A message as it is now. */
export interface LoggedMessage extends Said {
  messageId: string;
  /** Its words are gone, or are to go. */
  isRemoved: boolean;
}

export interface MessageLog {
  /** Of all chats the messages with lower ids, the highest first. Ids follow the order in which messages were sent. */
  messagesBefore(messageId: string, limit: number): Promise<LoggedMessage[]>;
  hasMessage(chatId: string, seq: number): Promise<boolean>;
}

/** Read at once. Reading them takes a few milliseconds, in which the process does nothing else. */
const atOnce = 100;
/** How long it rests for each millisecond of work. */
const rest = 3;
/** Messages in a row that must be as they should be. */
const comparedAfterKill = 200;
const retryAfterMs = 5000;

export class Filling {
  readonly #host: EngineHost;
  readonly #log: MessageLog;
  readonly #logger: { info(text: string): void; warn(text: string, err?: unknown): void };
  #running = Promise.resolve();
  #stop = new AbortController();

  constructor(host: EngineHost, log: MessageLog, logger: { info(text: string): void; warn(text: string, err?: unknown): void }) {
    this.#host = host;
    this.#log = log;
    this.#logger = logger;
  }

  /** Begins, if there is something to do, and does not wait for it. */
  start(): void {
    const stopped = this.stop();
    const { signal } = (this.#stop = new AbortController());
    this.#running = stopped.then(() => this.#run(signal));
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  done(): Promise<void> {
    return this.#running;
  }

  /** An index that is ahead of the log is of another log, whatever its epoch says: as after a file was copied back. */
  async #check(): Promise<EngineState> {
    const state = await this.#host.call("state");
    if (!state.newest || (await this.#log.hasMessage(state.newest.chatId, state.newest.seq))) return state;
    this.#logger.warn("The search index has messages that the log does not have. It is filled again from the log.");
    await this.#host.call("reset");
    return this.#host.call("state");
  }

  /** Never rejects. */
  async #run(signal: AbortSignal): Promise<void> {
    let isDone = false;
    while (!isDone && !signal.aborted) {
      try {
        const { fillFrom, condition } = await this.#check();
        if (condition === "killed") await this.#compareNewest(signal);
        if (fillFrom !== null) await this.#fill(fillFrom, signal);
        isDone = true;
      } catch (err) {
        if (signal.aborted) return;
        this.#logger.warn("The search index will be filled later.", err);
        await sleep(retryAfterMs, signal);
      }
    }
  }

  /** Until many in a row are as they should be. */
  async #compareNewest(signal: AbortSignal): Promise<void> {
    let [next, unchanged] = [topId, 0];
    while (unchanged < comparedAfterKill && !signal.aborted) {
      const messages = await this.#log.messagesBefore(next, atOnce);
      if (messages.length === 0) return;
      const { changed } = await this.#host.call("write", batchOf(messages));
      unchanged = changed > 0 ? 0 : unchanged + messages.length;
      next = messages.at(-1)!.messageId;
    }
  }

  async #fill(from: string, signal: AbortSignal): Promise<void> {
    const begun = performance.now();
    let [next, count] = [from, 0];
    while (!signal.aborted) {
      const began = performance.now();
      const messages = await this.#log.messagesBefore(next, atOnce);
      if (messages.length === 0) {
        await this.#host.call("endFilling");
        const seconds = ((performance.now() - begun) / 1000).toFixed(0);
        if (count > 0) this.#logger.info(`The search index was filled from the log: ${count} messages in ${seconds} s.`);
        return;
      }
      next = messages.at(-1)!.messageId;
      await this.#host.call("write", { ...batchOf(messages), filledTo: next });
      count += messages.length;
      await sleep((performance.now() - began) * rest, signal);
    }
  }
}

const batchOf = (messages: readonly LoggedMessage[]): Batch => ({
  put: messages.filter(({ isRemoved }) => !isRemoved).map(({ messageId: _, isRemoved: __, ...said }) => said),
  removed: messages.filter(({ isRemoved }) => isRemoved).map(({ chatId, seq, rev }) => ({ chatId, seq, rev })),
  removedChats: [],
  fromLog: true,
});

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await pause(ms, undefined, { signal, ref: false }).catch(() => {});
}
