// What a server costs that has nothing to do.

import { setTimeout as pause } from "node:timers/promises";
import { now, row, type Tally } from "./measure.ts";
import { options, say, wants } from "./options.ts";
import { signIn } from "./people.ts";
import { printProfile, profileFolder } from "./profile.ts";
import type { Report, Row } from "./report.ts";
import { startBaseline, startConfab, type Ground } from "./servers.ts";

/** Milliseconds until what a start leaves to be done is done, and of measuring. */
const [settling, measured] = options.quick ? [1000, 2000] : [30_000, 60_000];

export async function benchIdle(ground: Ground, report: Report): Promise<void> {
  if (!wants("idle")) return;
  const what = "CPU while idle, ms a second";
  await report.measure(what, async () => {
    say("idle");
    const profileTo = profileFolder(ground, "idle");
    const confab = await startConfab(ground, "idle", { profileTo });
    const other = options.against
      ? await startConfab(ground, "other-idle", { root: options.against })
      : await startBaseline(ground, "baseline.socket.ts", "bare-idle");
    let spans: Tally["spans"] = [];
    let rows: Row[] = [];
    try {
      await signIn(confab);
      if (options.against) await signIn(other);
      await pause(settling);
      const servers = [confab, other];
      const before = servers.map((server) => server.idleCpu());
      const from = now();
      await pause(measured);
      spans = [[from, now()]];
      const [ours, theirs] = servers.map((server, at) => ((server.idleCpu() - before[at]!) / measured) * 1e6);
      rows = [row(what, ours!, theirs, 2)];
    } finally {
      await Promise.all([confab.stop(), other.stop()]);
    }
    if (profileTo) printProfile(profileTo, spans);
    return rows;
  });
}
