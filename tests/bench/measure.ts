// How loads are told in figures.

import { setTimeout as pause } from "node:timers/promises";
import type { Row } from "./report.ts";
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

/**
 * Runs the loads in turn and adds up the rounds of each, so that whatever else the machine does affects all of them. Every other
 * round is in reverse order, so that none always follows the same one.
 */
export async function inTurn(rounds: number, loads: (() => Promise<Tally>)[]): Promise<Tally[]> {
  const sums = loads.map((): Tally => ({ done: 0, seconds: 0, cpu: 0, driverCpu: 0, waits: [], spans: [] }));
  for (let round = 0; round < rounds; round++) {
    const order = [...loads.entries()];
    for (const [at, load] of round % 2 === 0 ? order : order.reverse()) {
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

/** Microseconds of the clock that profiles use. */
export const now = (): number => Number(process.hrtime.bigint() / 1000n);

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

/** The rows of one load: rate, waiting times, and what it took of CPU. Without a baseline, of Confab alone. */
export function rowsOf(what: string, confab: Tally, baseline?: Tally): Row[] {
  const compare = (name: string, of: (tally: Tally) => number, digits = 0) =>
    row(name, of(confab), baseline && of(baseline), digits);
  const waits = confab.waits.length > 0;
  return [
    compare(`${what} /s`, rate),
    ...(waits ? [compare("  p50 ms", (tally) => percentile(tally, 0.5), 1)] : []),
    ...(waits ? [compare("  p99 ms", (tally) => percentile(tally, 0.99), 1)] : []),
    compare("  per second of server CPU", perCpuSecond),
    {
      what: "  driver, of a core",
      cells: [confab, ...(baseline ? [baseline] : [])].map((tally) => driverShare(tally).toFixed(2)),
    },
  ];
}

export const show = (value: number, digits = 0): string =>
  value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** One figure of Confab, of the baseline, and their ratio. */
export function row(what: string, confab: number, baseline?: number, digits = 0): Row {
  if (baseline === undefined) return { what, cells: [show(confab, digits)] };
  return { what, cells: [show(confab, digits), show(baseline, digits), (confab / baseline).toFixed(2)] };
}
