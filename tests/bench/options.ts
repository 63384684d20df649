// What the command line asks for.

import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

const measures = ["send", "deliver", "change", "memory", "loop", "idle", "pages", "search", "sync", "stored"] as const;
export type Measure = (typeof measures)[number];

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", multiple: true, default: [] },
    mongo: { type: "boolean", default: false },
    embedded: { type: "boolean", default: false },
    profile: { type: "boolean", default: false },
    against: { type: "string" },
    rounds: { type: "string" },
    large: { type: "boolean", default: false },
  },
});
const unknown = values.only.find((name) => !(measures as readonly string[]).includes(name));
if (unknown) throw new Error(`--only ${unknown}: there are ${measures.join(", ")}`);
const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0)) throw new Error("--rounds takes a positive integer");
const against = values.against === undefined ? undefined : resolve(values.against);
if (against !== undefined && !existsSync(join(against, "confab.ts")))
  throw new Error(`--against ${values.against}: there is no confab.ts`);

/** `against`: the root of another checkout to compare with, in place of the bare servers. */
export const options = { ...values, against };

/** Fills a store several times over, so another checkout is put through it only on request. */
const byRequest: Measure[] = against === undefined ? [] : ["stored"];
export const wants = (measure: Measure): boolean =>
  values.only.length === 0 ? !byRequest.includes(measure) : values.only.includes(measure);

const sizes = values.quick
  ? {
      seconds: 1,
      rounds: 1,
      pairs: 10,
      groups: [100],
      sockets: 200,
      messages: 2000,
      chats: 50,
      stored: [2000, 4000],
      storedChats: 20,
    }
  : {
      seconds: 4,
      rounds: against === undefined ? 2 : 4,
      pairs: 50,
      groups: [100, 1000],
      sockets: 2000,
      messages: 100_000,
      chats: 500,
      stored: [100_000, 1_000_000, ...(values.large ? [3_000_000] : [])],
      storedChats: 2000,
    };
export const size = { ...sizes, rounds: rounds ?? sizes.rounds };

const began = Date.now();
/** Progress, on stderr. */
export function say(what: string): void {
  console.error(`  ${((Date.now() - began) / 1000).toFixed(0).padStart(4)} s  ${what}`);
}
