// The processes that are measured, and what they cost.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { noRates } from "../../mixins/rates.testing.ts";
import { freePort } from "../../tools/parts/ports.ts";
import { launch, tail, type Running } from "../../tools/parts/processes.ts";
import type { Watchdog } from "../../tools/parts/watchdog.ts";

const ownRoot = join(import.meta.dirname, "..", "..");
/** Clock ticks a second in /proc, on every Linux that Node runs on. */
const ticks = 100;
/** Time that a script may take, such as one that stores millions of messages. */
export const scriptLimitMs = 30 * 60_000;

/** Where a run keeps its logs and data, and what they are kept in. */
export interface Ground {
  folder: string;
  watchdog: Watchdog;
  /** The address of a database of that name, where MongoDB is what is measured. */
  mongoUrl?: (database: string) => string;
  /** The processes of that MongoDB, as far as they are ours. */
  mongoPids: () => number[];
}

/** A server under measure. */
export class BenchServer {
  readonly url: string;
  readonly #running: Running;
  readonly #log: string;
  readonly #helpers: () => number[];

  constructor(url: string, running: Running, log: string, helpers: () => number[]) {
    this.url = url;
    this.#running = running;
    this.#log = log;
    this.#helpers = helpers;
  }

  /** Seconds of CPU that it and its database have used so far, in all their threads. */
  cpu(): number {
    return [this.#running.pid, ...this.#helpers()].reduce((sum, pid) => sum + cpuOf(pid), 0);
  }

  /** The same to the nanosecond, without the database and threads that have ended: for a server that does next to nothing. */
  idleCpu(): number {
    return scheduledOf(this.#running.pid);
  }

  /** Bytes in memory after garbage was cleared away. */
  async memory(): Promise<number> {
    this.#running.signal("SIGUSR2");
    await pause(1500);
    const status = readFileSync(`/proc/${this.#running.pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) * 1024;
  }

  async ready(path: string, port = new URL(this.url).port): Promise<void> {
    for (const began = Date.now(); ; await pause(10)) {
      const response = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
      await response?.arrayBuffer();
      if (response?.status === 200) return;
      if (this.#running.ended !== undefined || Date.now() - began > 60_000)
        throw new Error(`a server did not start:\n${tail(this.#log)}`);
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#running.signal(signal);
  }

  async stop(): Promise<void> {
    this.#running.signal("SIGTERM");
    if (await this.#running.gone(10_000)) return;
    this.#running.signal("SIGKILL");
    await this.#running.gone(10_000);
  }
}

/** Seconds of CPU of a process: the 14th and 15th field, counted past the name, which may hold anything. */
export function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticks;
}

/** Seconds that the threads of a process have run so far. */
function scheduledOf(pid: number): number {
  const tasks = readdirSync(`/proc/${pid}/task`);
  return (
    tasks.reduce((sum, task) => sum + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]), 0) / 1e9
  );
}

/** `profileTo`: a folder for a profile of its CPU. `root`: another checkout to start it from. */
export interface ConfabOptions {
  profileTo?: string | undefined;
  root?: string | undefined;
  env?: Record<string, string>;
}

/** All of Confab in one process. */
export async function startConfab(
  ground: Ground,
  name: string,
  { profileTo, root = ownRoot, env: more = {} }: ConfabOptions = {},
): Promise<BenchServer> {
  const port = await freePort();
  const healthPort = await freePort();
  // Empty is as good as unset: nothing of whoever runs the bench leaks in.
  const unset = Object.fromEntries(
    [
      "TRANSPORTER",
      "REDIS_URL",
      "SMTP_URL",
      "MAILGUN_URL",
      "NODE_ID",
      "NAMESPACE",
      "SERVICES",
      "HOST",
      "LOG_LEVEL",
      "METRICS",
    ].map((key) => [key, ""]),
  );
  const env = {
    ...unset,
    NODE_ENV: "test",
    PORT: String(port),
    HEALTH_PORT: String(healthPort),
    DATA_DIR: join(ground.folder, name),
    MONGO_URL: ground.mongoUrl?.(name) ?? "",
    ACCESS_MINUTES: "60",
    // What is measured is how fast it is, not when it says no.
    ...noRates,
    ...more,
  };
  const profiling = profileTo === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileTo}`];
  const server = start(ground, name, port, [...profiling, join(root, "confab.ts")], env);
  await server.ready("/health/ready", String(healthPort));
  return server;
}

/** One of the bare servers of this folder. */
export async function startBaseline(ground: Ground, file: string, name: string, args: string[] = []): Promise<BenchServer> {
  const port = await freePort();
  const server = start(ground, name, port, [
    join(import.meta.dirname, file),
    "--port",
    String(port),
    ...storeArgs(ground, name),
    ...args,
  ]);
  await server.ready("/");
  return server;
}

/** Runs a script of this folder, or of the same folder of another checkout, to its end. */
export async function runScript(ground: Ground, file: string, name: string, args: string[], root = ownRoot): Promise<void> {
  const log = join(ground.folder, `${file}.log`);
  const command = [join(root, "tests", "bench", file), ...storeArgs(ground, name), ...args];
  const running = launch({ command: process.execPath, args: command, cwd: ground.folder, log }, ground.watchdog);
  await running.gone(scriptLimitMs);
  if (running.ended === undefined) running.signal("SIGKILL");
  if (running.ended !== "with code 0") throw new Error(`${file} ended ${running.ended ?? "too late"}:\n${tail(log)}`);
}

function storeArgs(ground: Ground, name: string): string[] {
  return ground.mongoUrl ? ["--mongo", ground.mongoUrl(name)] : ["--data", join(ground.folder, name)];
}

function start(ground: Ground, name: string, port: number, args: string[], env: Record<string, string> = {}): BenchServer {
  const log = join(ground.folder, `${name}.log`);
  const probe = ["--import", join(import.meta.dirname, "probe.ts")];
  const running = launch({ command: process.execPath, args: [...probe, ...args], env, cwd: ground.folder, log }, ground.watchdog);
  return new BenchServer(`http://127.0.0.1:${port}`, running, log, ground.mongoPids);
}
