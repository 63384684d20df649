import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { actions, type Params } from "@confab/contracts";
import { call } from "@confab/mixins/define.ts";
import { problem } from "@confab/mixins/problem.ts";
import { compileSchema } from "@confab/mixins/validator.ts";
import { Router } from "express";
import type { ApiService } from "../gateway.ts";
import { limitAddress } from "../rates.ts";
import { getOnly } from "./get-only.ts";

const faultsOf = compileSchema(actions["user.export.read"].params);

/** The archives of what is held of people, for whoever has the link. What is wrong with a link is not told. */
export function exports(service: ApiService) {
  const router = Router();
  router.use("/exports", limitAddress(service));
  router.use(
    getOnly("/exports/:exportId", async (req, res) => {
      const token = new URLSearchParams(req.url.split("?")[1] ?? "").get("token") ?? "";
      const asked = { exportId: String(req.params["exportId"]), token, part: 0 };
      const first = faultsOf({ ...asked }).length === 0 ? await call(service.broker, "user.export.read", asked) : null;
      if (!first) throw problem("not_found");
      res.setHeader("Content-Type", "application/zip");
      res.setHeader("Content-Length", first.bytes);
      res.setHeader("Content-Disposition", 'attachment; filename="confab-export.zip"');
      res.setHeader("Cache-Control", "no-store");
      // The address holds the token.
      res.setHeader("Referrer-Policy", "no-referrer");
      if (req.method === "HEAD") return void res.end();
      await pipeline(Readable.from(partsOf(service, asked, first)), res).catch((err: unknown) => {
        // Whoever went away before the end wants nothing more; whoever stayed sees that it was cut short.
        if (!res.destroyed) res.destroy();
        service.logger.debug("An archive was not read to its end.", (err as Error).message);
      });
    }),
  );
  return router;
}

type Part = { base64: string; parts: number };

/** One part after another, each asked for when the one before it has been taken. */
async function* partsOf({ broker }: ApiService, asked: Params<"user.export.read">, first: Part): AsyncGenerator<Buffer> {
  yield Buffer.from(first.base64, "base64");
  for (let part = 1; part < first.parts; part++) {
    const next = await call(broker, "user.export.read", { ...asked, part });
    if (!next) throw new Error("the archive is gone");
    yield Buffer.from(next.base64, "base64");
  }
}
