// npm run fetch: all that tests need and npm does not bring. npm test begins with it, so that nothing is fetched in the middle.

import { join } from "node:path";
import { fetchChromium } from "./chromium.ts";
import { fetchPackages } from "./fetch/python.ts";
import { locateParts } from "./parts/parts.ts";

const root = join(import.meta.dirname, "..");
const say = (line: string) => console.error(`fetch: ${line}`);

const needs: [what: string, fetch: () => Promise<string>][] = [
  [
    "RabbitMQ, Redis and MongoDB",
    async () =>
      Object.entries(await locateParts(say))
        .map(([name, { source }]) => `${name} from ${source}`)
        .join(", "),
  ],
  ["Chromium", () => fetchChromium(say)],
  ...["python", "dkim"].map((name): (typeof needs)[number] => {
    const requirements = join("tests", "journeys", name, "requirements.txt");
    return [requirements, () => fetchPackages(join(root, requirements), say)];
  }),
];

/** Finds or fetches everything, and prints what is missing and why. Whether nothing is. */
export async function fetchAll(): Promise<boolean> {
  const fetched = await Promise.allSettled(needs.map(([, fetch]) => fetch()));
  for (const [at, [what]] of needs.entries()) {
    const one = fetched[at]!;
    if (one.status === "fulfilled") say(`${what}: ${one.value}`);
    else console.error(`\n!!! MISSING: ${what}\n${(one.reason as Error).message}\n`);
  }
  return fetched.every(({ status }) => status === "fulfilled");
}

if (import.meta.main) process.exitCode = (await fetchAll()) ? 0 : 1;
