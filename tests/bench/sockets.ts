// What sockets are used for: sends, deliveries, changes; and what an idle one costs.

import { type BenchSocket } from "./client.ts";
import { editInPairs, reactInGroup, receiptsInGroup } from "./changes.ts";
import { closeSockets, memoryOfIdle, openSockets, requireOpen, sendInPairs, sendToGroup } from "./loads.ts";
import { inTurn, row, rowsOf, type Tally } from "./measure.ts";
import { options, say, size, wants } from "./options.ts";
import { gatherInBaseline, gatherInConfab, type Crowd } from "./people.ts";
import { printProfile, profileFolder } from "./profile.ts";
import type { Report } from "./report.ts";
import { startBaseline, startConfab, type Ground } from "./servers.ts";

type Load = (crowd: Crowd, sockets: BenchSocket[], seconds: number) => Promise<Tally>;

export async function benchSockets(ground: Ground, report: Report): Promise<void> {
  // A socket needs the same memory whatever the database.
  const memory = wants("memory") && !ground.mongoUrl;
  if (!(wants("send") || wants("deliver") || wants("change") || memory)) return;
  await report.measure(
    "sends, deliveries, changes, sockets",
    async () => {
      const spans: Tally["spans"] = [];
      const profileTo = profileFolder(ground, "sockets");
      const baseline = options.against
        ? await startConfab(ground, "other", { root: options.against })
        : await startBaseline(ground, "baseline.socket.ts", "bare-socket");
      const confab = await startConfab(ground, "confab", { profileTo });
      try {
        const groups = wants("deliver") || wants("change") ? size.groups : [];
        const people = Math.max(size.pairs * 2, ...groups, memory ? size.sockets / 2 : 0);
        const crowdSize = { people, pairs: size.pairs, groups };
        say(`${people} people sign in`);
        const theirs = options.against ? await gatherInConfab(baseline, crowdSize) : gatherInBaseline(baseline, crowdSize);
        const crowds = [await gatherInConfab(confab, crowdSize), theirs];
        if (memory) await measureMemory(crowds, report);
        if (wants("send"))
          await report.measure("stored 1:1 sends", async () => {
            say(`${size.pairs} pairs talk`);
            const [ours, theirs] = await compare(crowds, size.pairs * 2, sendInPairs);
            spans.push(...ours.spans);
            return rowsOf("stored 1:1 sends", ours, theirs);
          });
        if (wants("deliver")) await measureDeliveries(crowds, report);
        if (wants("change")) await measureChanges(crowds, report);
      } finally {
        await Promise.all([confab.stop(), baseline.stop()]);
      }
      if (profileTo) printProfile(profileTo, spans);
    },
    30 * 60_000,
  );
}

async function measureMemory(crowds: Crowd[], report: Report): Promise<void> {
  const what = "kB of memory per idle socket";
  await report.measure(what, async () => {
    say(`${size.sockets} idle sockets`);
    const [ours, theirs] = [await memoryOfIdle(crowds[0]!, size.sockets), await memoryOfIdle(crowds[1]!, size.sockets)];
    return [row(what, ours / 1000, theirs / 1000, 1)];
  });
}

async function measureDeliveries(crowds: Crowd[], report: Report): Promise<void> {
  for (const members of size.groups) {
    const what = `deliveries to a group of ${members}`;
    await report.measure(what, async () => {
      say(`a group of ${members}`);
      return rowsOf(what, ...(await compare(crowds, members, sendToGroup)));
    });
  }
}

async function measureChanges(crowds: Crowd[], report: Report): Promise<void> {
  const [small, large] = [size.groups[0]!, size.groups.at(-1)!];
  const measures: [what: string, count: number, load: Load][] = [
    ["edits", size.pairs * 2, editInPairs],
    [`reactions in a group of ${large}`, large, reactInGroup],
    [`receipts of ${small} in a group`, small, receiptsInGroup],
  ];
  for (const [what, count, load] of measures)
    await report.measure(what, async () => {
      say(what);
      return rowsOf(what, ...(await compare(crowds, count, load)));
    });
}

/** The same load on both, with a short one first that is not counted. */
async function compare(crowds: Crowd[], count: number, load: Load): Promise<[confab: Tally, baseline: Tally]> {
  const sockets: BenchSocket[][] = [];
  try {
    for (const crowd of crowds) sockets.push(await openSockets(crowd, count));
    const loads = crowds.map((crowd, at) => (seconds: number) => load(crowd, sockets[at]!, seconds));
    for (const run of loads) await run(Math.min(1, size.seconds));
    const [confab, baseline] = await inTurn(
      size.rounds,
      loads.map((run) => () => run(size.seconds)),
    );
    sockets.forEach(requireOpen);
    return [confab!, baseline!];
  } finally {
    sockets.forEach(closeSockets);
  }
}
