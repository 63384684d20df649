import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

export type Say = (line: string) => void;

/** What a command prints. Throws its last lines if it fails, or does not end in time. */
export async function output(command: string, args: readonly string[], timeoutMs: number): Promise<string> {
  try {
    return (await run(command, args, { timeout: timeoutMs, killSignal: "SIGKILL", maxBuffer: 64 * 1024 * 1024 })).stdout;
  } catch (error) {
    const { stdout = "", stderr = "", message, killed } = error as Error & { stdout?: string; stderr?: string; killed?: boolean };
    const end = `${stdout}\n${stderr}`.trim().split("\n").slice(-12).join("\n");
    const why = killed ? `did not end within ${timeoutMs / 1000} s` : "failed";
    throw new Error(`${[command, ...args].join(" ").slice(0, 60)}… ${why}:\n${end || message}`, { cause: error });
  }
}

/** Tries three times, for a registry that does not answer at once. */
export async function thrice<Result>(attempt: () => Promise<Result>, pauseMs = 3000): Promise<Result> {
  for (let tries = 1; tries < 3; tries++) {
    try {
      return await attempt();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, tries * pauseMs));
    }
  }
  return attempt();
}
