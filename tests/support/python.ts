import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

/* What nobody of Confab wrote, in another language: Python, with pinned packages beside Node's. */

const python = process.env["PYTHON"] ?? "python3";

/** What is missing here; undefined where nothing is. */
function missing(): string | undefined {
  try {
    execFileSync(python, ["-m", "pip", "--version"], { stdio: "pipe" });
    return undefined;
  } catch {
    return `There is no ${python} with pip; PYTHON names one that lies elsewhere.`;
  }
}

/** Describes tests that want Python. Where there is none they are skipped, but for CI, where that is a failure. */
export function describeWithPython(name: string, tests: () => void): void {
  const lacks = missing();
  if (lacks && !process.env["CI"]) {
    process.stderr.write(`\n!!! SKIPPED: ${name}. ${lacks}\n\n`);
    describe.skip(name, tests);
    return;
  }
  describe(name, () => {
    beforeAll(() => {
      if (lacks) throw new Error(lacks);
    });
    tests();
  });
}

/** The folder with the packages of a requirements.txt, installed once for these versions and this Python. */
export function installPackages(requirements: string): string {
  const version = execFileSync(python, ["--version"]).toString();
  const name = createHash("sha256").update(version).update(readFileSync(requirements)).digest("hex").slice(0, 16);
  const target = join(__dirname, "../../node_modules/.cache/confab-python", name);
  const done = join(target, ".done");
  if (existsSync(done)) return target;
  mkdirSync(target, { recursive: true });
  const args = ["-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--target", target, "-r", requirements];
  execFileSync(python, args, { stdio: ["ignore", "pipe", "pipe"] });
  writeFileSync(done, version);
  return target;
}

/** Runs a script on those packages; what it prints. */
export function runPython(packages: string, args: string[], timeout = 120_000): Promise<{ stdout: string; stderr: string }> {
  const env = { ...process.env, PYTHONPATH: packages, PYTHONDONTWRITEBYTECODE: "1" };
  return promisify(execFile)(python, args, { env, timeout });
}
