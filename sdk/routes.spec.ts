import { readFileSync } from "node:fs";
import { join } from "node:path";
import { actionEntries } from "@confab/contracts";
import { renderRoutes } from "./routes.generate.ts";
import { routes } from "./routes.ts";

test("routes.ts is what the contracts say", () => {
  expect(readFileSync(join(__dirname, "routes.ts"), "utf8")).toBe(renderRoutes());
});

test("every action with a route is there, and no other: what a server key is wanted for is none of a client", () => {
  const public_ = actionEntries.filter(([, { rest, audience }]) => rest && audience !== "server").map(([name]) => name);
  expect(Object.keys(routes)).toEqual(public_);
});
