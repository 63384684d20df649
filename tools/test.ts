// npm test: every test there is; arguments are passed on to Jest. The last line is the counts: `N passed, N failed`.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { presentCounts, type Counts } from "../tests/support/reporter.ts";

const root = join(import.meta.dirname, "..");
const jest = join(root, "node_modules", "jest", "bin", "jest.js");

// One after another: worlds of many processes share this machine with what they are measured against.
const child = spawn(process.execPath, [jest, "--runInBand", ...process.argv.slice(2)], {
  cwd: root,
  stdio: ["inherit", "inherit", "inherit", "ipc"],
});
let counts: Counts | undefined;
child.on("message", (message) => {
  const all = (counts = message as Counts);
  // What a test left open would keep Jest here for ever.
  setTimeout(() => {
    console.error("Some test left something open (npx jest --detectOpenHandles finds it): that is a failure.");
    all.failed++;
    child.kill("SIGKILL");
  }, 60_000).unref();
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));

const [code] = (await once(child, "exit")) as [number | null];
// A run that broke off is one failure at least.
counts ??= { passed: 0, failed: 1, skipped: 0 };
if (code !== 0 && counts.failed === 0) counts.failed = 1;
console.log(`\n${presentCounts(counts)}`);
process.exitCode = counts.failed > 0 ? 1 : 0;
