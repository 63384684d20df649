import { rateSettings } from "./rates.ts";

/** Settings without a limit of rates, for tests that are not about them. */
export const noRates: Record<string, string> = Object.fromEntries(
  Object.keys(rateSettings.declarations)
    .filter((name) => name.startsWith("RATE_"))
    .map((name) => [name, "0"]),
);
