import type { IncomingMessage } from "node:http";
import { languages, type Language } from "@confab/contracts";
import express, { type Request } from "express";

/** The best of ours by Accept-Language; undefined where nothing is asked for that we have. */
export function languageOf(req: IncomingMessage): Language | undefined {
  if (req.headers["accept-language"] === undefined) return undefined;
  const best = express.request.acceptsLanguages.call(req as Request, ...languages);
  return languages.find((language) => language === best);
}
