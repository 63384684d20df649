import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { actionEntries } from "@confab/contracts";

/** The text of `routes.ts`: what the client has to know of the contracts at run time, and no more. */
export function renderRoutes(): string {
  const rows = actionEntries
    // A server key has no place in a client.
    .filter(([, { rest, audience }]) => rest && audience !== "server")
    .map(([name, { rest, audience, socket }]) => {
      const facts = [`rest: ${JSON.stringify(rest)}`, `audience: ${JSON.stringify(audience)}`];
      if (socket) facts.push(`socket: ${JSON.stringify(socket)}`);
      return `  ${JSON.stringify(name)}: { ${facts.join(", ")} },`;
    });
  return [
    "// Written by routes.generate.ts from the contracts. Do not change it by hand.",
    "",
    "/** Method and path under `/api/v1` of each action, who may ask, and the socket event that does the same. */",
    "export const routes = {",
    ...rows,
    "} as const;",
    "",
    "/** The actions that a client can call. */",
    "export type RouteName = keyof typeof routes;",
    "",
  ].join("\n");
}

const self = process.argv[1] ?? "";
if (self.endsWith("routes.generate.ts")) writeFileSync(join(dirname(self), "routes.ts"), renderRoutes());
