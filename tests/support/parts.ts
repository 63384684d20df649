// Where the real parts of this run are. They are started once, by global.setup.ts.

import { variables } from "../../tools/parts/given.ts";
import { startParts, type PartName, type Parts } from "../../tools/parts/parts.ts";
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

/** Parts of a test's own, for it to break: those that are named. The others are the run's. */
export async function ownParts(...names: PartName[]): Promise<Parts> {
  const given = names.map((name) => [variables[name], process.env[variables[name]]] as const);
  for (const [variable] of given) delete process.env[variable];
  try {
    return await startParts();
  } finally {
    for (const [variable, value] of given) if (value !== undefined) process.env[variable] = value;
  }
}

/** Tests that need the real parts. */
export const describeCluster = (name: string, tests: () => void): void =>
  describeNeeding(process.env["TEST_PARTS_MISSING"], name, tests);
