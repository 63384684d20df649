// Loaded into each server before it starts (node --import). On SIGUSR2 it clears away garbage, so that memory can be
// compared from outside. With LOOP_DELAYS, on SIGHUP it writes the event loop's delays since the last time to that file.

import { writeFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Milliseconds by which timers were late. */
export interface LoopDelays {
  p99: number;
  max: number;
}

// Not on the command line: a thread may refuse to inherit the flag.
setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

process.on("SIGUSR2", () => {
  collectGarbage();
  setTimeout(collectGarbage, 100);
});

const { LOOP_DELAYS } = process.env;
if (LOOP_DELAYS) {
  const resolution = 1;
  const delays = monitorEventLoopDelay({ resolution });
  delays.enable();
  // The histogram counts nanoseconds between two timers.
  const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - resolution);
  process.on("SIGHUP", () => {
    const now: LoopDelays = { p99: late(delays.percentile(99)), max: late(delays.max) };
    writeFileSync(LOOP_DELAYS, JSON.stringify(now));
    delays.reset();
  });
}
