import type { IncomingMessage } from "node:http";
import { languages, type Language } from "@confab/contracts";
import { request as express, type Request } from "express";

/** What only `*` stands for. */
const any = "x-any";

/** The one of our languages that whoever asks likes best; undefined where they named none of them. */
export function languageOf(req: Pick<IncomingMessage, "headers">): Language | undefined {
  const best = express.acceptsLanguages.call(req as Request, any, ...languages);
  return languages.find((language) => language === best);
}
