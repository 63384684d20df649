import express, { Router } from "express";
import swaggerFolder from "swagger-ui-dist/absolute-path.js";
import { pathOf } from "../errors.ts";
import { restPath } from "../routes.ts";
import { answerText, getOnly, redirect } from "./get-only.ts";

/** The viewer's files that are served; its folder holds more. */
const files = ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"];

/** For whoever looks for the viewer beside the document. */
export const docsBeside = `${restPath}/docs`;

/** The OpenAPI document in Swagger UI, from this address alone. */
export function docs() {
  const serve = express.static(swaggerFolder(), {
    index: false,
    redirect: false,
    cacheControl: false,
    setHeaders: (res) => void res.setHeader("Cache-Control", "no-cache"),
  });
  const router = Router();
  router.use(
    getOnly("/docs", (req, res) => {
      if (pathOf(req).endsWith("/")) return redirect(res, "../docs");
      answerText(res, "text/html", html);
    }),
    getOnly(docsBeside, (_req, res) => redirect(res, "../../docs")),
    getOnly("/docs/start.js", (_req, res) => answerText(res, "text/javascript", script)),
  );
  router.use("/docs", (req, res, next) => (files.includes(pathOf(req).slice(1)) ? serve(req, res, next) : next()));
  return router;
}

const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Confab: REST</title>
<link rel="icon" href="docs/favicon-32x32.png"><link rel="stylesheet" href="docs/swagger-ui.css">
<div id="docs"></div>
<script src="docs/swagger-ui-bundle.js"></script><script src="docs/start.js"></script>
</html>
`;

const script = `SwaggerUIBundle({ url: "${restPath.slice(1)}/openapi.json", dom_id: "#docs", deepLinking: true, validatorUrl: null });
`;
