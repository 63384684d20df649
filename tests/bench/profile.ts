// What costs most, from a profile that node --cpu-prof has written.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { options } from "./options.ts";
import type { Ground } from "./servers.ts";

interface Profile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number }; children?: number[] }[];
  /** Microseconds of the monotonic clock. */
  startTime: number;
  samples: number[];
  timeDeltas: number[];
}

const shown = 40;

/** Where the profile of a server goes, if one is asked for. */
export const profileFolder = (ground: Ground, name: string): string | undefined =>
  options.profile ? join(ground.folder, `profile-${name}`) : undefined;

/** `spans`: the times that count; the rest is the start, and people who sign in. */
export function printProfile(folder: string, spans: [from: number, to: number][]): void {
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".cpuprofile"))) {
    const { nodes, startTime, samples, timeDeltas } = JSON.parse(readFileSync(join(folder, file), "utf8")) as Profile;
    const own = new Map<number, number>();
    let now = startTime;
    samples.forEach((id, at) => {
      now += timeDeltas[at]!;
      if (spans.some(([from, to]) => from < now && now < to)) own.set(id, (own.get(id) ?? 0) + timeDeltas[at]!);
    });
    const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
    const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));

    const [byPlace, bySelf, byTotal] = [new Map<string, number>(), new Map<string, number>(), new Map<string, number>()];
    let busy = 0;
    for (const [id, time] of own) {
      const frame = frames.get(id)!;
      if (["(idle)", "(root)"].includes(frame.functionName)) continue;
      busy += time;
      add(byPlace, placeOf(frame.url) || frame.functionName, time);
      add(bySelf, nameOf(frame), time);
      const chain = new Set<string>();
      for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) chain.add(nameOf(frames.get(at)!));
      for (const name of chain) add(byTotal, name, time);
    }
    for (const [title, sums] of [
      ["by package", byPlace],
      ["by function itself", bySelf],
      ["by function with what it calls", byTotal],
    ] as const) {
      console.log(`\nCPU ${title}, of ${(busy / 1e6).toFixed(1)} s busy`);
      const top = [...sums].sort((a, b) => b[1] - a[1]).slice(0, shown);
      for (const [name, time] of top) console.log(`${((100 * time) / busy).toFixed(1).padStart(6)} %  ${name}`);
    }
  }
}

const add = (sums: Map<string, number>, key: string, time: number) => void sums.set(key, (sums.get(key) ?? 0) + time);

/** The package, or the file of ours. */
function placeOf(url: string): string {
  const inPackage = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  return inPackage ?? url.replace(/^file:\/\//, "").replace(`${join(import.meta.dirname, "..", "..")}/`, "");
}

function nameOf({ functionName, url, lineNumber }: Profile["nodes"][number]["callFrame"]): string {
  if (url === "") return functionName;
  const file = url
    .replace(/^file:\/\//, "")
    .replace(`${join(import.meta.dirname, "..", "..")}/`, "")
    .replace(/.*node_modules\//, "");
  return `${functionName || "(anonymous)"} ${file}:${lineNumber + 1}`;
}
