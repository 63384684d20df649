import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { noRates } from "../../mixins/rates.testing.ts";
import { freePort } from "../../tools/parts/ports.ts";
import { launch, tail, type Running } from "../../tools/parts/processes.ts";
import { startWatchdog, type Watchdog } from "../../tools/parts/watchdog.ts";
import { eventually } from "./wait.ts";

const confab = ["--import", join(__dirname, "compile.cache.ts"), join(__dirname, "..", "..", "confab.ts")] as const;

/** A folder for the logs and data of some nodes, and a watchdog that ends them when the test process dies, however it dies. */
export class Ground {
  readonly folder = mkdtempSync(join(tmpdir(), "confab-world-"));
  readonly watchdog: Watchdog = startWatchdog(this.folder, 0);

  async clear(): Promise<void> {
    await this.watchdog.dismiss();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export type NodeEnv = Record<string, string>;

/** A command that starts a node's process in its own place, such as `unshare`: it is given the command as its last arguments. */
export type Launcher = readonly string[];

/** One process of Confab. */
export class TestNode {
  readonly name: string;
  readonly #ground: Ground;
  readonly #env: NodeEnv;
  readonly #healthPort: number;
  readonly #launcher: Launcher;
  readonly port: number;
  #running: Running | undefined;

  private constructor(ground: Ground, name: string, env: NodeEnv, ports: { port: number; health: number }, launcher: Launcher) {
    this.#ground = ground;
    this.name = name;
    this.port = ports.port;
    this.#healthPort = ports.health;
    this.#env = env;
    this.#launcher = launcher;
  }

  static async create(ground: Ground, name: string, env: NodeEnv, launcher: Launcher = []): Promise<TestNode> {
    return new TestNode(ground, name, env, { port: await freePort(), health: await freePort() }, launcher);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }
  get log(): string {
    return join(this.#ground.folder, `${this.name}.log`);
  }
  get pid(): number {
    return this.#running?.pid ?? 0;
  }

  /** Starts the process without waiting for it. */
  launch(): void {
    const { folder, watchdog } = this.#ground;
    // Empty is as good as unset: nothing of whoever runs the tests leaks in.
    const unset = {
      TRANSPORTER: "",
      MONGO_URL: "",
      REDIS_URL: "",
      SMTP_URL: "",
      MAILGUN_URL: "",
      NODE_ID: "",
      NAMESPACE: "",
      SERVICES: "",
      HOST: "",
      LOG_LEVEL: "",
      METRICS: "",
    };
    const own = {
      NODE_ENV: "test",
      PORT: String(this.port),
      HEALTH_PORT: String(this.#healthPort),
      DATA_DIR: join(folder, "data"),
      ACCESS_MINUTES: "60",
      // Tests ask faster than people do; those of rates set their own.
      ...noRates,
    };
    const env = { ...unset, ...own, ...this.#env };
    const [command, ...args] = [...this.#launcher, process.execPath, ...confab];
    this.#running = launch({ command: command, args, env, cwd: folder, log: this.log }, watchdog);
  }

  /** Waits until the node says that it is ready. */
  async ready(): Promise<void> {
    const running = this.#running!;
    try {
      const state = await eventually(`${this.name} is ready`, async () => {
        if (running.ended !== undefined) return { ended: running.ended };
        const response = await fetch(`http://127.0.0.1:${this.#healthPort}/health/ready`).catch(() => undefined);
        await response?.arrayBuffer();
        return response?.status === 200 && { ended: undefined };
      });
      if (state.ended) throw new Error(`${this.name} ended ${state.ended} before it was ready`);
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${this.tail()}`, { cause: error });
    }
  }

  /** What Prometheus would read. */
  async metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.#healthPort}/metrics`)).text();
  }

  /** Sends the signal and waits for the end. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const running = this.#running;
    if (!running) return;
    running.signal(signal);
    if (await running.gone(20_000)) return;
    running.signal("SIGKILL");
    await running.gone(20_000);
    throw new Error(`${this.name} did not end on ${signal}\n${this.tail()}`);
  }

  /** Sends the signal, and waits for nothing. */
  signal(signal: NodeJS.Signals): void {
    this.#running?.signal(signal);
  }

  /** How the process ended, once it has; undefined where that takes longer than so many milliseconds. */
  async ended(milliseconds: number): Promise<string | undefined> {
    await this.#running?.gone(milliseconds);
    return this.#running?.ended;
  }

  tail(lines = 30): string {
    return `the end of the log of ${this.name}:\n${tail(this.log, lines)}`;
  }
}
