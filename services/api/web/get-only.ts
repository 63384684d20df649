import type { ServerResponse } from "node:http";
import { problem } from "@confab/mixins/problem.ts";
import { Router, type Request } from "express";

type Answer = (req: Request, res: ServerResponse) => void | Promise<void>;

/** An address that can be read and nothing else. */
export function getOnly(path: string, answer: Answer): Router {
  const router = Router();
  router
    .route(path)
    .get((req, res) => answer(req, res))
    .all((_req, _res, next) => next(problem("method_not_allowed", { allow: ["GET", "HEAD"] })));
  return router;
}

export function answerText(res: ServerResponse, type: string, text: string): void {
  res.setHeader("Content-Type", `${type}; charset=utf-8`);
  res.setHeader("Content-Length", Buffer.byteLength(text));
  res.end(text);
}

export function redirect(res: ServerResponse, location: string): void {
  res.writeHead(302, { Location: location, "Content-Length": "0" }).end();
}
