import { readFileSync } from "node:fs";
import { join } from "node:path";
import { waysToSignIn } from "@confab/mixins/accounts.ts";
import { define } from "@confab/mixins/define.ts";
import { presentLimits } from "@confab/mixins/limits.ts";
import type { ApiService } from "../gateway.ts";

export const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8")) as { version: string };

export const meta = define("api.meta.get", async function (this: ApiService) {
  return { version, limits: presentLimits(this.settings), auth: waysToSignIn(this.settings) };
});
