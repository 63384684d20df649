import { actions } from "@confab/contracts";
import { call } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import { compileSchema } from "@confab/mixins/validator.ts";
import { Router } from "express";
import type { ApiService } from "../gateway.ts";
import { limitAddress } from "../rates.ts";
import { getOnly } from "./get-only.ts";

const faultsOf = compileSchema(actions["user.avatar.read"].params);
/** What a picture can be; nothing that a browser runs. */
const types = ["image/webp", "image/jpeg", "image/png", "image/gif"];

/** The pictures of people, for whoever knows their ids, on pages of whatever origin. */
export function avatars(service: ApiService) {
  const router = Router();
  router.use("/avatars", limitAddress(service));
  router.use(
    getOnly("/avatars/:avatarId", async (req, res) => {
      const params = { avatarId: String(req.params["avatarId"]) };
      const found = faultsOf(params).length === 0 ? await call(service.broker, "user.avatar.read", params) : null;
      if (!found || !types.includes(found.type)) throw problem("not_found");
      const bytes = Buffer.from(found.base64, "base64");
      res.setHeader("Content-Type", found.type);
      res.setHeader("Content-Length", bytes.length);
      // Another picture has another id.
      res.setHeader("Cache-Control", "public, max-age=31536000, immutable");
      res.setHeader("X-Content-Type-Options", "nosniff");
      res.setHeader("Content-Security-Policy", "default-src 'none'; sandbox");
      res.setHeader("Cross-Origin-Resource-Policy", "cross-origin");
      res.end(bytes);
    }),
  );
  return router;
}
