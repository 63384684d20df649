// How loads are told in figures.

import { setTimeout as pause } from "node:timers/promises";
import type { BenchServer } from "./servers.ts";

/** What one server did in the time that it was measured. */
export interface Tally {
  /** Sends, deliveries or pages. */
  done: number;
  seconds: number;
  /** Of the server and its database. */
  cpu: number;
  /** Of this process, which is the driver. */
  driverCpu: number;
  /** Milliseconds, one for each thing that was waited for. */
  waits: number[];
  /** From when to when, in microseconds of the clock that profiles use too. */
  spans: [from: number, to: number][];
}

/** One line of the table. `lessIsBetter` where a ratio below 1 is the good one. */
export interface Row {
  what: string;
  confab: string;
  baseline: string;
  ratio: string;
}

/** Runs a load on both in turn, so that what else the machine does strikes both alike, and adds up each one's rounds. */
export async function inTurn(rounds: number, loads: (() => Promise<Tally>)[]): Promise<Tally[]> {
  const sums = loads.map((): Tally => ({ done: 0, seconds: 0, cpu: 0, driverCpu: 0, waits: [], spans: [] }));
  for (let round = 0; round < rounds; round++) {
    for (const [at, load] of loads.entries()) {
      const { done, seconds, cpu, driverCpu, waits, spans } = await load();
      const sum = sums[at]!;
      sum.done += done;
      sum.seconds += seconds;
      sum.cpu += cpu;
      sum.driverCpu += driverCpu;
      for (const wait of waits) sum.waits.push(wait);
      sum.spans.push(...spans);
      await pause(200);
    }
  }
  return sums;
}

/** Measures what `work` does to the server; `work` answers how much it has done and what it waited. */
export async function tally(server: BenchServer, work: () => Promise<{ done: number; waits?: number[] }>): Promise<Tally> {
  const cpu = server.cpu();
  const driver = process.cpuUsage();
  const from = now();
  const { done, waits = [] } = await work();
  const to = now();
  const { user, system } = process.cpuUsage(driver);
  return {
    done,
    seconds: (to - from) / 1e6,
    cpu: server.cpu() - cpu,
    driverCpu: (user + system) / 1e6,
    waits,
    spans: [[from, to]],
  };
}

const now = () => Number(process.hrtime.bigint() / 1000n);

export function rate({ done, seconds }: Tally): number {
  return done / seconds;
}
export function perCpuSecond({ done, cpu }: Tally): number {
  return done / Math.max(cpu, 0.01);
}
/** How much of one core the driver used: near 1 it is what limits, not the server. */
export function driverShare({ driverCpu, seconds }: Tally): number {
  return driverCpu / seconds;
}
export function percentile({ waits }: Tally, part: number): number {
  const sorted = Float64Array.from(waits).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
}

/** The rows of one load: how much, how long it was waited for, and for what CPU. */
export function rowsOf(what: string, confab: Tally, baseline: Tally): Row[] {
  const waits = confab.waits.length > 0;
  return [
    row(`${what} /s`, rate(confab), rate(baseline)),
    ...(waits ? [row("  p50 ms", percentile(confab, 0.5), percentile(baseline, 0.5), 1)] : []),
    ...(waits ? [row("  p99 ms", percentile(confab, 0.99), percentile(baseline, 0.99), 1)] : []),
    row("  per second of server CPU", perCpuSecond(confab), perCpuSecond(baseline)),
    {
      what: "  driver, of a core",
      confab: driverShare(confab).toFixed(2),
      baseline: driverShare(baseline).toFixed(2),
      ratio: "",
    },
  ];
}

/** The rows of a load for which there is no bare server to compare with. */
export function rowsAlone(what: string, confab: Tally): Row[] {
  return rowsOf(what, confab, confab).map((one) => ({ ...one, baseline: "", ratio: "" }));
}

export function row(what: string, confab: number, baseline: number, digits = 0): Row {
  const show = (value: number) => value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return { what, confab: show(confab), baseline: show(baseline), ratio: (confab / baseline).toFixed(2) };
}

export function printTable(title: string, rows: Row[]): void {
  const head: Row = { what: title, confab: "Confab", baseline: "baseline", ratio: "ratio" };
  const all = [head, ...rows];
  const width = (key: keyof Row) => Math.max(...all.map((one) => one[key].length));
  const [what, confab, baseline, ratio] = [width("what"), width("confab"), width("baseline"), width("ratio")];
  const line = (one: Row) =>
    [one.what.padEnd(what), one.confab.padStart(confab), one.baseline.padStart(baseline), one.ratio.padStart(ratio)].join("  ");
  console.log(`\n${line(head)}\n${"-".repeat(what + confab + baseline + ratio + 6)}\n${rows.map(line).join("\n")}`);
}
