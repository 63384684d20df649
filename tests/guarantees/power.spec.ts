// A power cut loses nothing that was acknowledged. The disk after a cut is built from a journal of what a process wrote and
// fsynced, at any position of it, so that a few runs under load yield many cuts.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FaultyDisk } from "../support/disk/disk.ts";
import { Disk, type Survival } from "../support/disk/journal.ts";
import { between, fork, pick, seededRandom, type Random } from "../support/random.ts";
import { embeddedWorld } from "../support/world.ts";
import { Host } from "./power/hosts.ts";
import { Load } from "./power/load.ts";
import { LoadRecord } from "./power/record.ts";
import { Survivor } from "./power/survivor.ts";

jest.setTimeout(900_000);

interface Cut {
  position: number;
  survival: Survival;
  what: string;
}

/** One process under load on a disk, up to its end by SIGKILL. */
interface Run {
  disk: FaultyDisk;
  record: LoadRecord;
  /** What the disk held at its start. */
  base: string | undefined;
  /** Where the journal ended when it was ready, and in the end. */
  ready: number;
  end: number;
}

let ground: string;
let host: Host;

beforeAll(() => {
  ground = mkdtempSync(join(tmpdir(), "confab-power-"));
  host = new Host(join(ground, "host.log"));
});
afterAll(() => {
  host.end();
  rmSync(ground, { recursive: true });
});

/** Runs Confab on a new disk, or on the one that a cut left, with all that was told before that. */
async function runUnderLoad(random: Random, from?: { folder: string; base: string; record: LoadRecord }): Promise<Run> {
  const folder = from?.folder ?? join(ground, "first");
  mkdirSync(folder, { recursive: true });
  const disk = new FaultyDisk(folder);
  const record = from?.record ?? new LoadRecord();
  const world = await embeddedWorld({ env: { ...disk.env, DATA_DIR: disk.root } });
  try {
    const ready = disk.position();
    const load = new Load(world, disk, record, random);
    if (record.chats.length === 0) await load.gather();
    await load.run(300);
    return { disk, record, base: from?.base, ready, end: disk.position() };
  } finally {
    await world.stop();
  }
}

/** Cuts of a run, ascending: some while it starts, some right after something was acknowledged, the others anywhere. */
function chooseCuts(random: Random, { record, ready, end }: Run, count: number): Cut[] {
  const acknowledged = record.sends.flatMap(({ told }) => told?.position || []);
  const cuts = Array.from({ length: count }, (_, at): Cut => {
    const [what, position] =
      at % 5 === 0
        ? ["while it starts", between(random, 0, ready)]
        : at % 5 < 3
          ? ["after an acknowledgement", pick(random, acknowledged)]
          : ["anywhere", between(random, ready, end)];
    const survival: Survival = at % 2 === 0 ? { unsynced: "none" } : { unsynced: "some", random: fork(random) };
    return { what, position: Math.floor(position), survival };
  });
  return cuts.sort((a, b) => a.position - b.position);
}

/** Starts on the disk after each of these cuts. */
async function examineCuts(random: Random, { disk, base, record }: Run, cuts: Cut[]): Promise<string[]> {
  const model = new Disk(disk.journal, base);
  const faults: string[] = [];
  let acknowledged = 0;
  let unsynced = 0;
  for (const [at, { position, survival, what }] of cuts.entries()) {
    model.advance(position);
    unsynced += model.unsynced;
    const folder = join(ground, `cut-${at}`);
    model.write(folder, survival);
    const where = `cut ${at}, ${what}, at ${position} with ${survival.unsynced} of what was not fsynced`;
    try {
      const url = await host.start(folder);
      const survivor = new Survivor(url, record, position, random);
      await survivor.examine();
      faults.push(...survivor.faults.map((fault) => `${where}: ${fault}`));
      acknowledged += survivor.acknowledged;
      await host.stop();
    } catch (error) {
      faults.push(`${where}: ${(error as Error).message}`);
    }
    rmSync(folder, { recursive: true });
  }
  console.log(`${cuts.length} cuts: ${acknowledged} acknowledged messages, ${unsynced} changes that were not fsynced`);
  return faults;
}

test("after 50 power cuts under load all that was acknowledged is there, and retries are the same message", async () => {
  const random = seededRandom();
  const first = await runUnderLoad(random);
  const cuts = chooseCuts(random, first, 30);
  expect(await examineCuts(random, first, cuts)).toEqual([]);

  // The second process starts on what a cut of the first has left, and is cut off too.
  const { position } = cuts.at(-8)!;
  const [folder, base] = [join(ground, "second"), join(ground, "second-base")];
  const model = new Disk(first.disk.journal);
  model.advance(position);
  for (const copy of [folder, base]) model.write(copy, { unsynced: "none" });
  const second = await runUnderLoad(random, { folder, base, record: first.record.past(position) });
  expect(await examineCuts(random, second, chooseCuts(random, second, 20))).toEqual([]);
  first.disk.remove();
  second.disk.remove();
});
