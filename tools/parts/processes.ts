// One process of ours: started in a session of its own, its output in a log file, known to the watchdog.

import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import type { Watchdog } from "./watchdog.ts";

export interface Launch {
  command: string;
  args: string[];
  env?: Record<string, string>;
  cwd: string;
  log: string;
}

export interface Running {
  readonly pid: number;
  /** How it ended, once it has. */
  readonly ended: string | undefined;
  signal(signal: NodeJS.Signals): void;
  /** Resolves with true when it has ended, with false when that took longer than `milliseconds`. */
  gone(milliseconds: number): Promise<boolean>;
}

export function launch(what: Launch, watchdog: Watchdog): Running {
  const log = openSync(what.log, "a");
  const child = spawn(what.command, what.args, {
    cwd: what.cwd,
    env: { ...process.env, ...what.env },
    detached: true, // Ctrl-C in the terminal goes to us alone; we then stop the parts in order
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  child.unref(); // a forgotten stop() must not keep the process alive; the watchdog then ends the part

  let ended: string | undefined;
  const exit = new Promise<true>((resolve) => {
    const end = (how: string) => {
      ended ??= how;
      if (child.pid) watchdog.tell("ended", child.pid); // the number may soon be someone else's
      resolve(true);
    };
    child.once("exit", (code, signal) => end(signal ? `by ${signal}` : `with code ${code}`));
    child.once("error", (error) => end(`at once: ${error.message}`));
  });
  if (child.pid) watchdog.tell("process", child.pid);

  return {
    pid: child.pid ?? 0,
    get ended() {
      return ended;
    },
    signal(signal) {
      if (ended === undefined) child.kill(signal);
    },
    async gone(milliseconds) {
      if (ended !== undefined) return true;
      child.ref(); // while someone waits, the exit has to be heard
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), milliseconds)));
      try {
        return await Promise.race([exit, late]);
      } finally {
        clearTimeout(timer);
        child.unref();
      }
    },
  };
}

export function tail(log: string, lines = 25): string {
  try {
    return readFileSync(log, "utf8").trimEnd().split("\n").slice(-lines).join("\n");
  } catch {
    return "(no log)";
  }
}
