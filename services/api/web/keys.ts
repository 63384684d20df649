import { call } from "@confab/mixins/define.ts";
import { answerJson } from "../errors.ts";
import type { ApiService } from "../gateway.ts";
import { getOnly } from "./get-only.ts";

/** The keys that access tokens are signed with, for whoever checks them outside. */
export function keys({ broker }: ApiService) {
  return getOnly("/.well-known/jwks.json", async (_req, res) => {
    const set = await call(broker, "user.key.list", {});
    res.setHeader("Cache-Control", "public, max-age=300");
    answerJson(res, 200, set);
  });
}
