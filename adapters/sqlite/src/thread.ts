import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker, type WorkerOptions } from "node:worker_threads";

interface Request {
  answer: (message: unknown) => void;
  failed: (err: Error) => void;
}

/** The sources run as they are; a published package has been built. */
const ending = import.meta.url.endsWith(".ts") ? "ts" : "js";

function options(): WorkerOptions {
  // A thread refuses the options of a program given on the command line. It refuses V8's options, too, if they are passed on.
  const execArgv = process.execArgv.some((option) => option.startsWith("--input-type")) ? [] : undefined;
  if (ending === "js") return { execArgv };
  // eslint-disable-next-line no-restricted-properties -- passed on, not read as a setting
  const { env } = process;
  // Stripping types costs a thread 15 MB and most of its start-up time, so the result is cached.
  return { execArgv, env: { NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache"), ...env } };
}

/** A thread that answers each message in turn. It keeps the process alive only while it owes an answer. */
export class Thread {
  readonly #worker: Worker;
  readonly #requests: Request[] = [];
  #ended: Error | undefined;

  /** `name` is the module beside this one. */
  constructor(name: string, workerData: unknown) {
    this.#worker = new Worker(new URL(`./${name}.${ending}`, import.meta.url), {
      workerData,
      name: `sqlite-${name}`,
      ...options(),
    });
    this.#worker.unref();
    this.#worker.on("message", (message: unknown) => {
      this.#requests.shift()?.answer(message);
      if (this.#requests.length === 0) this.#worker.unref();
    });
    this.#worker.on("error", (err) => this.#end(err as Error));
    this.#worker.on("exit", () => this.#end(new Error(`the thread ${name} has ended`)));
  }

  ask(message: unknown): Promise<unknown> {
    const answer = this.answer();
    if (!this.#ended) this.#worker.postMessage(message);
    return answer;
  }

  /** The next answer, where the thread owes one without being asked. */
  answer(): Promise<unknown> {
    return new Promise((answer, failed) => {
      if (this.#ended) return failed(this.#ended);
      this.#requests.push({ answer, failed });
      this.#worker.ref();
    });
  }

  /** Lets the thread close its file; resolves when it has ended. */
  async close(): Promise<void> {
    if (this.#ended) return;
    const ended = new Promise((resolve) => this.#worker.once("exit", resolve));
    this.#worker.ref();
    this.#worker.postMessage("close");
    await ended;
  }

  #end(err: Error): void {
    this.#ended ??= err;
    for (const { failed } of this.#requests.splice(0)) failed(this.#ended);
  }
}
