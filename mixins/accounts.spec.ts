import type { Offer } from "@confab/contracts";
import { accountSettings, isOffered } from "./accounts.ts";

test.each<[string, Record<string, string>, Offer[]]>([
  ["by default", {}, ["own", "code"]],
  ["with the host's accounts alone", { AUTH: "host" }, ["host"]],
  ["with both", { AUTH: "both" }, ["own", "code", "host"]],
  ["without mailed codes", { AUTH_CODE: "off" }, ["own"]],
])("what is offered %s", (_, env, wanted) => {
  const settings = accountSettings.read(env);
  const offered = (["own", "code", "host"] as const).filter((one) => isOffered({ offered: one }, settings));
  expect(offered).toEqual(wanted);
  expect(isOffered({}, settings)).toBe(true);
});
