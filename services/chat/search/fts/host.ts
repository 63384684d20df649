/* Where the engine runs: in this process, or in a worker thread so that no call of it delays anything else here. */
import { Worker } from "node:worker_threads";
import { Engine, type EngineOptions } from "./engine.ts";
import { isDamage } from "./schema.ts";

type Methods = "state" | "write" | "removeSome" | "removeSomeOf" | "find" | "endFilling" | "reset" | "scrub" | "close";
type Arguments<M extends Methods> = Parameters<Engine[M]>;
type Result<M extends Methods> = ReturnType<Engine[M]>;

/** Calls are carried out in the order in which they are made. */
export interface EngineHost {
  call<M extends Methods>(method: M, ...args: Arguments<M>): Promise<Result<M>>;
  close(): Promise<void>;
}

/** What the engine threw. */
export class EngineError extends Error {
  /** The file was damaged. By now it is replaced by an empty one. */
  readonly wasDamaged: boolean;
  constructor(message: string, wasDamaged: boolean) {
    super(message);
    this.name = "EngineError";
    this.wasDamaged = wasDamaged;
  }
}

export class LocalHost implements EngineHost {
  readonly #engine: Engine;

  constructor(options: EngineOptions) {
    this.#engine = new Engine(options);
  }

  async call<M extends Methods>(method: M, ...args: Arguments<M>): Promise<Result<M>> {
    try {
      return (this.#engine[method] as (...args: Arguments<M>) => Result<M>)(...args);
    } catch (err) {
      throw new EngineError((err as Error).message, isDamage(err));
    }
  }

  async close(): Promise<void> {
    await this.call("close");
  }
}

export interface Request {
  id: number;
  method: Methods;
  args: unknown[];
}
export type Response = { id: number } & ({ result: unknown } | { error: string; wasDamaged: boolean });

interface Waiting {
  resolve: (result: never) => void;
  reject: (reason: EngineError) => void;
}

/** A worker that ended is started again by the next call. */
export class WorkerHost implements EngineHost {
  readonly #options: EngineOptions;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #lastId = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  call<M extends Methods>(method: M, ...args: Arguments<M>): Promise<Result<M>> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#worker ??= this.#start();
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, method, args } satisfies Request);
    });
  }

  async close(): Promise<void> {
    if (!this.#worker) return;
    await this.call("close").catch(() => {});
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData: this.#options, name: "search" });
    // A process that has nothing else to do may end.
    worker.unref();
    worker.on("message", (response: Response) => {
      const waiting = this.#waiting.get(response.id);
      this.#waiting.delete(response.id);
      if ("error" in response) waiting?.reject(new EngineError(response.error, response.wasDamaged));
      else waiting?.resolve(response.result as never);
    });
    let reason = "the search worker ended";
    worker.on("error", (err) => (reason = (err as Error).message));
    worker.on("exit", () => {
      if (this.#worker === worker) this.#worker = undefined;
      const waiting = [...this.#waiting.values()];
      this.#waiting.clear();
      for (const { reject } of waiting) reject(new EngineError(reason, false));
    });
    return worker;
  }
}
