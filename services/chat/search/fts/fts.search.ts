/* The search of the embedded store: a full-text index of SQLite in a file of its own, written and read by a worker thread. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Unavailable } from "@confab/mixins/store/collection.ts";
import type { Found, Query, Said, SearchIndex } from "../index.ts";
import type { Batch, EngineOptions } from "./engine.ts";
import { Filling, type MessageLog } from "./filling.ts";
import { EngineError, LocalHost, WorkerHost, type EngineHost } from "./host.ts";
import type { Removal } from "./writer.ts";

export interface FtsOptions extends Pick<EngineOptions, "sizes" | "limits"> {
  /** The folder of the service's files, or `memory` for an index that ends with the process. */
  folder: string;
  /** Names the log that the index is of. */
  epoch: string;
  /** From which an index that is new or may be behind is filled. */
  log: MessageLog;
  logger: { info(text: string): void; warn(text: string, err?: unknown): void };
}

/** Name of the file in the folder. */
export const fileName = "search.db";
/** Milliseconds that writes wait for others, with which they share a transaction. */
const gatherMs = 10;
/** Messages in one transaction, about. */
const maxBatch = 500;
/** Milliseconds after which words that were removed are taken out of the WAL. */
const scrubAfterMs = 1000;

interface Waiting {
  part: Partial<Batch>;
  resolve: () => void;
  reject: (reason: unknown) => void;
}

/** A call is answered when the worker has committed it; the process may then be killed without losing it. */
export class FtsSearch implements SearchIndex {
  readonly #host: EngineHost;
  readonly #filling: Filling;
  readonly #logger: FtsOptions["logger"];
  readonly #gatherMs: number;
  #waiting: Waiting[] = [];
  #gathering: NodeJS.Timeout | undefined;
  #scrubbing: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;

  private constructor(host: EngineHost, gatherMs: number, { log, logger }: FtsOptions) {
    this.#host = host;
    this.#gatherMs = gatherMs;
    this.#logger = logger;
    this.#filling = new Filling(host, log, logger);
  }

  /** Does not wait for the worker: calls are carried out in their order, after it has opened the file. */
  static open(options: FtsOptions): FtsSearch {
    const { folder, epoch, sizes, limits } = options;
    const inMemory = folder === "memory";
    if (!inMemory) mkdirSync(folder, { recursive: true, mode: 0o700 });
    const engine = { path: inMemory ? ":memory:" : join(folder, fileName), epoch, sizes, limits };
    const host = inMemory ? new LocalHost(engine) : new WorkerHost(engine);
    const search = new FtsSearch(host, inMemory ? 0 : gatherMs, options);
    search.#filling.start();
    // A removal that a killed process did not finish.
    search.#removeRest().catch((err: unknown) => search.#logger.warn("A removed chat will leave the search index later.", err));
    return search;
  }

  put(messages: readonly Said[]): Promise<void> {
    return messages.length === 0 ? Promise.resolve() : this.#write({ put: messages });
  }

  remove(messages: readonly Removal[]): Promise<void> {
    return messages.length === 0 ? Promise.resolve() : this.#write({ removed: messages });
  }

  async removeChat(chatId: string): Promise<void> {
    await this.#write({ removedChats: [chatId] });
    await this.#removeRest();
  }

  async reset(chatId: string): Promise<void> {
    await this.#flush();
    while (await this.#call("removeSomeOf", chatId));
    this.#scrubSoon();
  }

  async find(query: Query): Promise<Found> {
    try {
      return await this.#call("find", query);
    } catch (err) {
      throw new Unavailable(err);
    }
  }

  async scrub(): Promise<void> {
    await this.#flush();
    await this.#call("scrub");
  }

  async close(): Promise<void> {
    await this.#filling.stop();
    clearTimeout(this.#scrubbing);
    await this.#flush();
    await this.#host.close();
  }

  /** Resolves when the index is filled as far as the log went when it was opened. */
  filled(): Promise<void> {
    return this.#filling.done();
  }

  #write(part: Partial<Batch>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ part, resolve, reject });
      if (this.#gatherMs === 0) void this.#flush();
      else if (!this.#writing) this.#gathering ??= setTimeout(() => void this.#flush(), this.#gatherMs);
    });
  }

  /** Writes what waits, and what comes before that is done. Never rejects: whoever waits is told. */
  #flush(): Promise<void> {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    if (this.#waiting.length > 0) this.#writing ??= this.#writeAll();
    return this.#writing ?? Promise.resolve();
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const waiting = this.#takeSome();
      const all = <K extends "put" | "removed" | "removedChats">(key: K) =>
        waiting.flatMap(({ part }) => (part[key] ?? []) as Batch[K][number][]);
      const batch = { put: all("put"), removed: all("removed"), removedChats: all("removedChats") };
      try {
        if ((await this.#call("write", batch)).hasRemains) this.#scrubSoon();
        for (const { resolve } of waiting) resolve();
      } catch (err) {
        for (const { reject } of waiting) reject(new Unavailable(err));
      }
    }
    // In the turn in which nothing waits: who is told only now comes after it, and starts the next.
    this.#writing = undefined;
  }

  #takeSome(): Waiting[] {
    let [count, messages] = [0, 0];
    while (count < this.#waiting.length && messages < maxBatch) messages += this.#waiting[count++]!.part.put?.length ?? 1;
    return this.#waiting.splice(0, count);
  }

  async #removeRest(): Promise<void> {
    let hasRemoved = false;
    while (await this.#call("removeSome")) hasRemoved = true;
    if (hasRemoved) this.#scrubSoon();
  }

  #scrubSoon(): void {
    this.#scrubbing ??= setTimeout(() => {
      this.#scrubbing = undefined;
      this.#call("scrub").catch((err: unknown) => this.#logger.warn("Removed words leave the search index later.", err));
    }, scrubAfterMs).unref();
  }

  /** Once more where the file was damaged: by then there is an empty one. */
  #call: EngineHost["call"] = async (method, ...args) => {
    try {
      return await this.#host.call(method, ...args);
    } catch (err) {
      if (!(err instanceof EngineError && err.wasDamaged)) throw err;
      this.#logger.warn("The search index was damaged. It is filled again from the log.", err);
      this.#filling.start();
      return this.#host.call(method, ...args);
    }
  };
}
