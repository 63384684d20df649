import { findChromium } from "../../tools/chromium.ts";
import { describeNeeding } from "./needs.ts";

const found = findChromium();

/** Describes tests in a real browser. */
export const describeWithBrowser = (name: string, tests: () => void): void =>
  describeNeeding(found ? undefined : "There is no Chromium; npm run fetch installs it.", name, tests);

/** What Playwright launches in such tests. */
export const chromiumOptions = {
  executablePath: found ?? "",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
};
