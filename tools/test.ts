// npm test: fetches what tests need, and runs every test there is; with arguments, those that Jest finds by them. The last line is the counts: `N passed, N failed`.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fetchAll } from "./fetch.ts";
import { presentCounts, type Counts } from "../tests/support/reporter.ts";

const root = join(import.meta.dirname, "..");
const jest = join(root, "node_modules", "jest", "bin", "jest.js");

/** Runs Jest to its end. A run that broke off is one failure at least. */
async function run(args: readonly string[]): Promise<Counts> {
  const child = spawn(process.execPath, [jest, ...args], { cwd: root, stdio: ["inherit", "inherit", "inherit", "ipc"] });
  let counts: Counts | undefined;
  let patience: NodeJS.Timeout | undefined;
  child.on("message", (message) => {
    const all = (counts = message as Counts);
    // What a test left open would keep Jest here for ever.
    patience = setTimeout(() => {
      console.error("Some test left something open (npx jest --detectOpenHandles finds it): that is a failure.");
      all.failed++;
      child.kill("SIGKILL");
    }, 60_000);
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => child.kill(signal));
  const [code] = (await once(child, "exit")) as [number | null];
  clearTimeout(patience);
  counts ??= { passed: 0, failed: 1, skipped: 0 };
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}

const given = process.argv.slice(2);
// Nothing is fetched in the middle of tests. What cannot be had is skipped, and in CI there is no use in going on.
const needsAll = given.length === 0 || given.some((one) => /tests|parts/.test(one));
if (needsAll && !(await fetchAll()) && process.env["CI"]) {
  console.log(`\n${presentCounts({ passed: 0, failed: 1, skipped: 0 })}`);
  process.exit(1);
}

// What needs no world runs first, on every core. Then, two at once, worlds that wait most of their time, and what people
// and operators ask of one. The rest is one after another, since it shares this machine with what it is measured against.
const waiting = String.raw`/(sdk\.proxy|g5\.mail|g6\.revocation|digest|erasure|heads|mail\.paused|mail\.queue|presence|redis\.away)\.spec\.ts$`;
const asking = [
  String.raw`/tests/journeys/(?!journey\.|sdk\.proxy\.|settings\.)`,
  String.raw`/tests/cluster/(?!heads\.|mail\.queue\.|presence\.|redis\.away\.)`,
  String.raw`/tests/guarantees/(g3|g8|matrix)\.`,
];
const full = ["--selectProjects", "full"];
const runs =
  given.length > 0
    ? [["--runInBand", ...given]]
    : [
        ["--selectProjects", "quick", "--maxWorkers", "100%"],
        [...full, "--maxWorkers", "2", "--testPathPatterns", waiting],
        [...full, "--maxWorkers", "2", "--testPathPatterns", ...asking],
        [...full, "--runInBand", "--testPathIgnorePatterns", "/node_modules/", waiting, ...asking],
      ];
const total: Counts = { passed: 0, failed: 0, skipped: 0 };
for (const args of runs) {
  const { passed, failed, skipped } = await run(args);
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
}
console.log(`\n${presentCounts(total)}`);
process.exitCode = total.failed > 0 ? 1 : 0;
