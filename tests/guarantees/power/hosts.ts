import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { noRates } from "../../../mixins/rates.testing.ts";
import { freePort } from "../../../tools/parts/ports.ts";
import { tail } from "../../../tools/parts/processes.ts";

/** Starts Confab on many folders, one after another, in one process as long as nothing fails. */
export class Host {
  readonly #log: string;
  #child: ChildProcess | undefined;

  constructor(log: string) {
    this.#log = log;
  }

  /** Answers where it listens. */
  async start(folder: string): Promise<string> {
    this.#child ??= this.#fork();
    const port = await freePort();
    const own = { NODE_ENV: "test", PORT: String(port), DATA_DIR: folder, ACCESS_MINUTES: "60", LOG_LEVEL: "warn" };
    await this.#ask({ ...noRates, ...own });
    return `http://127.0.0.1:${port}`;
  }

  stop(): Promise<void> {
    return this.#ask("stop");
  }

  #fork(): ChildProcess {
    const log = openSync(this.#log, "a");
    const child = fork(join(__dirname, "host.ts"), { stdio: ["ignore", log, log, "ipc"], execArgv: ["--no-warnings"] });
    closeSync(log);
    return child;
  }

  async #ask(what: Record<string, string> | "stop"): Promise<void> {
    const child = this.#child!;
    const answer = new AbortController();
    const { signal } = answer;
    const ended = once(child, "exit", { signal }).then(() => [{ error: "the process ended" }]);
    const answered = once(child, "message", { signal });
    child.send(what);
    const [{ error }] = (await Promise.race([answered, ended])) as [{ error?: string }];
    answer.abort();
    await Promise.allSettled([answered, ended]);
    if (!error) return;
    this.end();
    throw new Error(`${error}\n${tail(this.#log)}`);
  }

  /** Ends the process; the next start gets another one. */
  end(): void {
    if (this.#child?.connected) this.#child.disconnect();
    this.#child = undefined;
  }
}
