/*
 * Fills an index that is new, or that may have lost its newest writes, from the log: from the newest message down, so that
 * what people look for most is found first. An index that is only behind is searched meanwhile as it is.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Said } from "../index.ts";
import type { EngineState } from "./engine.ts";
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
const retryAfterMs = 5000;

export class Filling {
  readonly #host: EngineHost;
  readonly #log: MessageLog;
  readonly #logger: { info(text: string): void; warn(text: string, err?: unknown): void };
  #running: Promise<void> | undefined;
  #stop = new AbortController();

  constructor(host: EngineHost, log: MessageLog, logger: { info(text: string): void; warn(text: string, err?: unknown): void }) {
    this.#host = host;
    this.#log = log;
    this.#logger = logger;
  }

  /** Begins if there is something to do, and does not wait for the end. */
  async start(): Promise<void> {
    await this.stop();
    const state = await this.#check();
    if (state.fillFrom === null) return;
    this.#stop = new AbortController();
    this.#running = this.#run(state.fillFrom, this.#stop.signal);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  done(): Promise<void> {
    return this.#running ?? Promise.resolve();
  }

  /** An index that is ahead of the log is of another log, whatever its epoch says: as after a file was copied back. */
  async #check(): Promise<EngineState> {
    const state = await this.#host.call("state");
    if (!state.newest || (await this.#log.hasMessage(state.newest.chatId, state.newest.seq))) return state;
    this.#logger.warn("The search index has messages that the log does not have. It is filled again from the log.");
    await this.#host.call("reset");
    return this.#host.call("state");
  }

  async #run(from: string, signal: AbortSignal): Promise<void> {
    let next: string | undefined = from;
    let count = 0;
    const begun = performance.now();
    while (next !== undefined && !signal.aborted) {
      const began = performance.now();
      try {
        const messages: LoggedMessage[] = await this.#log.messagesBefore(next, atOnce);
        if (messages.length === 0) await this.#host.call("endFilling");
        else await this.#write(messages);
        next = messages.at(-1)?.messageId;
        count += messages.length;
        await sleep((performance.now() - began) * rest, signal);
      } catch (err) {
        if (!signal.aborted) this.#logger.warn("The search index will be filled later.", err);
        await sleep(retryAfterMs, signal);
      }
    }
    const seconds = ((performance.now() - begun) / 1000).toFixed(0);
    if (next === undefined && count > 0)
      this.#logger.info(`The search index was filled from the log: ${count} messages in ${seconds} s.`);
  }

  async #write(messages: readonly LoggedMessage[]): Promise<void> {
    await this.#host.call("write", {
      put: messages.filter(({ isRemoved }) => !isRemoved).map(({ messageId: _, isRemoved: __, ...said }) => said),
      removed: messages.filter(({ isRemoved }) => isRemoved).map(({ chatId, seq, rev }) => ({ chatId, seq, rev })),
      removedChats: [],
      filledTo: messages.at(-1)!.messageId,
    });
  }
}

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await pause(ms, undefined, { signal, ref: false }).catch(() => {});
}
