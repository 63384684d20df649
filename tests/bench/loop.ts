// How long the event loop is held up under the send load, on this disk and on one whose fsync takes 20 ms longer.

import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { FaultyDisk } from "../support/disk/disk.ts";
import { closeSockets, openSockets, requireOpen, sendInPairs } from "./loads.ts";
import { percentile, rate, row } from "./measure.ts";
import { say, size, wants } from "./options.ts";
import { gatherInConfab } from "./people.ts";
import type { LoopDelays } from "./probe.ts";
import type { Report, Row } from "./report.ts";
import { startConfab, type BenchServer, type Ground } from "./servers.ts";
import { setTimeout as pause } from "node:timers/promises";

export async function benchLoop(ground: Ground, report: Report): Promise<void> {
  // With MongoDB the disk is not this process's.
  if (!wants("loop") || ground.mongoUrl) return;
  for (const slower of [0, 20]) {
    const what = slower === 0 ? "sends, this disk" : `sends, fsync +${slower} ms`;
    await report.measure(what, () => measureLoop(ground, what, slower));
  }
}

async function measureLoop(ground: Ground, what: string, slower: number): Promise<Row[]> {
  say(what);
  const name = `loop-${slower}`;
  const data = join(ground.folder, name);
  mkdirSync(data, { recursive: true });
  const disk = new FaultyDisk(data);
  const delays = join(ground.folder, `${name}.json`);
  // Nobody reads the journal.
  const env = { ...disk.env, DISK_JOURNAL: "/dev/null", LOOP_DELAYS: delays };
  const confab = await startConfab(ground, name, { env });
  try {
    const crowd = await gatherInConfab(confab, { people: size.pairs * 2, pairs: size.pairs, groups: [] });
    const sockets = await openSockets(crowd, size.pairs * 2);
    disk.set({ syncDelay: slower * 1000 });
    await sendInPairs(crowd, sockets, Math.min(1, size.seconds));
    await loopDelays(confab, delays);
    const tally = await sendInPairs(crowd, sockets, size.seconds);
    const { p99, max } = await loopDelays(confab, delays);
    requireOpen(sockets);
    closeSockets(sockets);
    return [
      row(`${what} /s`, rate(tally)),
      row("  p99 ms", percentile(tally, 0.99), undefined, 1),
      row("  event loop delay p99 ms", p99, undefined, 1),
      row("  event loop delay max ms", max, undefined, 1),
    ];
  } finally {
    await confab.stop();
    disk.remove();
  }
}

/** The delays since the last time that this was asked. */
async function loopDelays(server: BenchServer, file: string): Promise<LoopDelays> {
  rmSync(file, { force: true });
  server.signal("SIGHUP");
  for (let tries = 0; tries < 500; tries++) {
    await pause(10);
    try {
      return JSON.parse(readFileSync(file, "utf8")) as LoopDelays;
    } catch {
      // Not written yet.
    }
  }
  throw new Error("the server does not answer SIGHUP");
}
