import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

// It runs and compares; how fast this machine is, is no test's business.
test("npm run bench prints what Confab does beside its baseline, and their ratio", async () => {
  const main = join(__dirname, "main.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [main, "--quick", "--only", "send", "--embedded"]);
  expect(stdout).toMatch(/^embedded \(NeDB\) +Confab +baseline +ratio$/m);
  expect(stdout).toMatch(/^stored 1:1 sends \/s +[\d,]+ +[\d,]+ +\d+\.\d\d$/m);
  expect(stdout).toMatch(/^ +p99 ms +[\d,.]+ +[\d,.]+ +\d+\.\d\d$/m);
}, 120_000);
