import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = (...args: string[]) =>
  promisify(execFile)(process.execPath, [join(__dirname, "main.ts"), "--quick", "--embedded", ...args]);

// It runs and compares; how fast this machine is cannot be tested here.
test("npm run bench prints what Confab does beside its baseline, and their ratio", async () => {
  const { stdout } = await run("--only", "send");
  expect(stdout).toMatch(/^embedded +Confab +baseline +ratio$/m);
  expect(stdout).toMatch(/^stored 1:1 sends \/s +[\d,]+ +[\d,]+ +\d+\.\d\d$/m);
  expect(stdout).toMatch(/^ +p99 ms +[\d,.]+ +[\d,.]+ +\d+\.\d\d$/m);
});

test("a measure that fails is shown as failed, the others are measured, and the exit code is 1", async () => {
  const broken = mkdtempSync(join(tmpdir(), "confab-broken-"));
  writeFileSync(join(broken, "confab.ts"), 'throw new Error("broken");\n');
  const failure = await run("--against", broken, "--only", "send", "--only", "stored").then(
    () => undefined,
    (error: unknown) => error as { code: number; stdout: string },
  );
  rmSync(broken, { recursive: true });
  expect(failure?.code).toBe(1);
  expect(failure?.stdout).toMatch(/^sends, deliveries, changes, sockets +failed$/m);
  expect(failure?.stdout).toMatch(/^failed: sends, deliveries, changes, sockets: a server did not start:/m);
  expect(failure?.stdout).toMatch(/^start to ready, ms \(median\) +[\d,]+ +[\d,]+ +[\d,]+$/m);
  expect(failure?.stdout).toMatch(/^with 4,000 messages +failed$/m);
});
