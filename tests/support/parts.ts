// Where the real parts of this run are. They are started once, by global.setup.ts.

import { startParts, type Parts } from "../../tools/parts/parts.ts";
import { describeNeeding } from "./needs.ts";

function given(variable: string): string {
  const value = process.env[variable];
  if (!value)
    throw new Error(process.env["TEST_PARTS_MISSING"] ?? `${variable} is not set: this test belongs to the project "full"`);
  return value;
}

export const rabbitUrl = (): string => given("TEST_RABBIT_URL");
export const redisUrl = (): string => given("TEST_REDIS_URL");

/** The address of one database on the run's replica set. */
export function mongoUrl(database: string): string {
  const [, server, query = ""] = /^([^:]+:\/\/[^/]+)(?:\/[^?]*)?(\?.*)?$/.exec(given("TEST_MONGO_URL"))!;
  return `${server}/${database}${query}`;
}

/** Parts of a test's own, since the run's are not for it to break. */
export async function ownParts(): Promise<Parts> {
  const given = ["TEST_RABBIT_URL", "TEST_REDIS_URL", "TEST_MONGO_URL"].map((name) => [name, process.env[name]] as const);
  for (const [name] of given) delete process.env[name];
  try {
    return await startParts();
  } finally {
    for (const [name, value] of given) if (value !== undefined) process.env[name] = value;
  }
}

/** Tests that need the real parts. */
export const describeCluster = (name: string, tests: () => void): void =>
  describeNeeding(process.env["TEST_PARTS_MISSING"], name, tests);
