// npm run bench: Confab beside bare servers of our own that do the same to the same store, in one run, as ratios.
// A measure that fails is shown as failed, the others go on, and the exit code is 1.
//
//   --quick             each load for a second: does it run at all
//   --only <measure>    send, deliver, change, memory, loop, idle, pages, search, sync or stored; may be given several times
//   --mongo             on MongoDB alone;   --embedded  on the embedded store alone.   Otherwise both, if MongoDB can be had.
//   --against <folder>  another checkout of Confab in place of the bare servers: the same driver, in turn
//   --rounds <n>        rounds of each load, 2 by default, 4 against another checkout
//   --large             `stored` with 3,000,000 messages, too
//   --profile           also prints what costs most of Confab's CPU; that run's figures say less

import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { PartsUnavailable } from "../../tools/parts/part.ts";
import { startParts } from "../../tools/parts/parts.ts";
import { startWatchdog } from "../../tools/parts/watchdog.ts";
import { benchIdle } from "./idle.ts";
import { benchLoop } from "./loop.ts";
import { options } from "./options.ts";
import { benchPages, benchSync } from "./reads.ts";
import { Report } from "./report.ts";
import type { Ground } from "./servers.ts";
import { benchSockets } from "./sockets.ts";
import { benchStored } from "./stored.ts";

const folder = mkdtempSync(join(tmpdir(), "confab-bench-"));
const watchdog = startWatchdog(folder, 0);
const embedded: Ground = { folder: join(folder, "embedded"), watchdog, mongoPids: () => [] };
const began = Date.now();
const load = () => loadavg()[0]!.toFixed(1);
try {
  const cpu = `${cpus().length} CPUs (${cpus()[0]?.model.trim()})`;
  console.log(
    `${cpu}, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}, Confab at ${commitOf(import.meta.dirname)}`,
  );
  console.log(`Load of the machine before: ${load()}. If others use it too, only the ratios are meaningful.`);
  if (!options.mongo) await bench("embedded", embedded);
  if (!options.embedded) await benchOnMongo();
  console.log(`\nLoad of the machine after: ${load()}. ${Math.round((Date.now() - began) / 1000)} s in all.`);
} finally {
  await watchdog.dismiss();
  rmSync(folder, { recursive: true, force: true });
}

async function benchOnMongo(): Promise<void> {
  const parts = await startParts().catch((error: unknown) => {
    if (!(error instanceof PartsUnavailable) || options.mongo) throw error;
    console.log(`\nMongoDB is left out: ${error.message.split("\n")[0]}`);
  });
  if (!parts) return;
  try {
    // One process needs nothing but the database.
    for (const part of [parts.rabbitmq, parts.redis]) if (part.pids().length > 0) await part.stop();
    const run = randomUUID().slice(0, 8);
    const mongoUrl = (database: string) => parts.mongoUrl.replace(/^([^:]+:\/\/[^/]+)\/?[^?]*/, `$1/bench-${run}-${database}`);
    const title = parts.mongodb.pids().length > 0 ? "MongoDB (its CPU counted too)" : "MongoDB (its CPU not counted)";
    await bench(title, { ...embedded, folder: join(folder, "mongo"), mongoUrl, mongoPids: () => parts.mongodb.pids() });
  } finally {
    await parts.stop();
  }
}

async function bench(title: string, ground: Ground): Promise<void> {
  mkdirSync(ground.folder, { recursive: true });
  const other = options.against === undefined ? "baseline" : commitOf(options.against);
  const report = new Report(title, ["Confab", other, "ratio"]);
  await benchSockets(ground, report);
  await benchLoop(ground, report);
  await benchIdle(ground, report);
  await benchPages(ground, report);
  await benchSync(ground, report);
  print(report);
  print(await benchStored(title, ground));
  if (options.against !== undefined) print(await benchStored(`${title}, ${other}`, ground, options.against));
}

function print(report: Report | undefined): void {
  const table = String(report ?? "");
  if (table !== "") console.log(`\n${table}`);
  if (report?.failed) process.exitCode = 1;
}

/** The commit of a checkout, with a + where files were changed since. */
function commitOf(checkout: string): string {
  try {
    const git = (...args: string[]) => execFileSync("git", ["-C", checkout, ...args], { encoding: "utf8" }).trim();
    return git("rev-parse", "--short", "HEAD") + (git("status", "--porcelain", "--untracked-files=no") === "" ? "" : "+");
  } catch {
    return "unknown";
  }
}
