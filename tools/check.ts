// npm run check: generated files, types, lint and format. All of them run, so that one run names every fault.

import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";

const root = `${import.meta.dirname}/..`;
const checks: [name: string, command: string, ...args: string[]][] = [
  ["generated files", process.execPath, "tools/generate.ts", "--check"],
  ["types", "tsc", "--noEmit"],
  ["lint", "eslint", ".", "--max-warnings", "0"],
  ["format", "prettier", "--check", "--log-level", "warn", "."],
];

/** Runs one check; what it prints is shown whole, after it ended, and only where it failed. */
async function run([name, command, ...args]: (typeof checks)[number]): Promise<boolean> {
  const began = Date.now();
  const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  const printed: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => printed.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => printed.push(chunk));
  const passed = await new Promise<boolean>((resolve) => {
    child.once("error", (err) => {
      printed.push(Buffer.from(`${err.message}; run it by: npm run check\n`));
      resolve(false);
    });
    child.once("close", (status) => resolve(status === 0));
  });
  console.log(`${passed ? "ok    " : "FAILED"} ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  if (!passed) console.log(Buffer.concat(printed).toString("utf8").trimEnd());
  return passed;
}

const waiting = [...checks];
const results: boolean[] = [];
async function work(): Promise<void> {
  for (let next = waiting.shift(); next; next = waiting.shift()) results.push(await run(next));
}
await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, work));
process.exitCode = results.every(Boolean) ? 0 : 1;
