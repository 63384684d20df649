import { readFileSync } from "node:fs";
import { join } from "node:path";
import { actionEntries } from "@confab/contracts";
import { renderRoutes } from "./routes.generate.ts";
import { routes } from "./routes.ts";

test("routes.ts is what the contracts say", () => {
  expect(readFileSync(join(__dirname, "routes.ts"), "utf8")).toBe(renderRoutes());
});

test("every action with a route is there, and no other", () => {
  const public_ = actionEntries.filter(([, contract]) => contract.rest).map(([name]) => name);
  expect(Object.keys(routes)).toEqual(public_);
});
