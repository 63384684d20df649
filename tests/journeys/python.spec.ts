import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { embeddedWorld, type World } from "../support/world.ts";

/* A client that nobody of Confab wrote, in another language: python-socketio, with pinned versions. */

const folder = join(__dirname, "python");
const requirements = join(folder, "requirements.txt");
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

/** Installs the client beside the other packages, once for these versions and this Python. */
function install(): string {
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

const lacks = missing();
if (lacks && !process.env["CI"]) process.stderr.write(`\n!!! SKIPPED: a client in Python. ${lacks}\n\n`);
// In CI a missing Python is a failure.
const withPython = lacks && !process.env["CI"] ? describe.skip : describe;

withPython("a client in Python", () => {
  let world: World;
  let packages: string;

  beforeAll(async () => {
    if (lacks) throw new Error(lacks);
    packages = install();
    world = await embeddedWorld();
  }, 300_000);
  afterAll(() => world?.stop());

  test("signs in, talks, edits, reacts, reads, catches up and is told what is wrong", async () => {
    const { api, io } = world.doors[0]!;
    const env = { ...process.env, PYTHONPATH: packages, PYTHONDONTWRITEBYTECODE: "1" };
    const run = promisify(execFile)(python, [join(folder, "journey.py"), api, io], { env, timeout: 120_000 });
    await expect(run).resolves.toMatchObject({ stderr: "" });
  }, 130_000);
});
