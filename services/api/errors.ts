import type { IncomingMessage, ServerResponse } from "node:http";
import { problems } from "@confab/contracts";
import { presentProblem, problem, toProblem, type Problem } from "@confab/mixins/problem.ts";
import type { Service } from "moleculer";

/** What the body parser and the gateway call their errors, in our words. */
const words: Record<string, () => Problem> = {
  "entity.parse.failed": () => problem("bad_json"),
  "entity.too.large": () => problem("too_large"),
  "encoding.unsupported": () => problem("unsupported_media_type", { detail: "A compressed body is not taken" }),
  "charset.unsupported": () => problem("unsupported_media_type", { detail: "The body must be in UTF-8" }),
  "request.aborted": () => problem("bad_request", { detail: "The body ended too early" }),
  "request.size.invalid": () => problem("bad_request", { detail: "The body is not as long as announced" }),
  UNABLE_DECODE_PARAM: () => problem("bad_request"),
  NOT_FOUND: () => problem("not_found"),
};

/**
 * Any error that a request met, as a problem; the one place that knows what moleculer-web, the body parser and the
 * file server throw. `action` is what was asked for: a complaint about another action's input is our own fault.
 */
export function edgeProblem(err: unknown, action?: string): Problem {
  const { name, type, data, statusCode } = (err ?? {}) as { name?: string; type?: string; data?: unknown; statusCode?: number };
  if (name !== "Problem") {
    if (type && Object.hasOwn(words, type)) return words[type]!();
    if (name === "ServiceUnavailableError") return problem("unavailable", { retryAfter: 1 });
    // A file that was asked for in parts that it does not have, and the like.
    if (statusCode && statusCode >= 400 && statusCode < 500) return problem("bad_request");
    if (type === "VALIDATION_ERROR" && isAbout(data, action) === false) return problem("internal");
  }
  return toProblem(err);
}

function isAbout(data: unknown, action: string | undefined): boolean {
  const about = Array.isArray(data) ? (data[0] as { action?: string } | undefined)?.action : undefined;
  return about === undefined || about === action;
}

export interface Failure {
  req: IncomingMessage;
  res: ServerResponse;
  err: unknown;
  logger: Pick<Service["logger"], "error" | "warn">;
  action?: string;
}

/** The only place that answers an error. */
export function answerProblem({ req, res, err, logger, action }: Failure): void {
  const found = edgeProblem(err, action);
  const requestId = requestIdOf(res);
  const about = `${requestId} ${req.method} ${action ?? loggedPathOf(req)}`;
  if (found.type === "internal") logger.error(`${about} failed:`, (err as Error | undefined)?.stack ?? err);
  if (found.type === "unavailable") logger.warn(`${about} is unavailable:`, (err as Error | undefined)?.message);
  // Something was already said: a second answer would end the process.
  if (res.headersSent) return void (res.writableEnded || res.destroy());

  const document = presentProblem(found, requestId);
  for (const [name, value] of Object.entries(headersOf(found, req))) res.setHeader(name, value);
  answerJson(res, document.status, document, "application/problem+json; charset=utf-8");
}

function headersOf({ type, data }: Problem, req: IncomingMessage): Record<string, string> {
  return {
    "Cache-Control": "no-store",
    ...(data.retryAfter === undefined ? {} : { "Retry-After": String(data.retryAfter) }),
    ...(Array.isArray(data["allow"]) ? { Allow: data["allow"].join(", ") } : {}),
    ...(problems[type].status === 401 ? { "WWW-Authenticate": challenge(req) } : {}),
    // What is left of the body is not worth reading.
    ...(type === "too_large" ? { Connection: "close" } : {}),
  };
}

const challenge = (req: IncomingMessage) =>
  req.headers.authorization ? 'Bearer realm="confab", error="invalid_token"' : 'Bearer realm="confab"';

export function answerJson(res: ServerResponse, status: number, body: unknown, type = "application/json; charset=utf-8"): void {
  const text = JSON.stringify(body);
  res.statusCode = status;
  res.setHeader("Content-Type", type);
  res.setHeader("Content-Length", Buffer.byteLength(text));
  res.end(text);
}

/** Set on the answer before anything else happens. */
export const requestIdOf = (res: ServerResponse) => String(res.getHeader("X-Request-Id"));

/** Without the query, which may hold what no log should. */
export const pathOf = (req: IncomingMessage) => (req.url ?? "/").split("?", 1)[0]!;

/** As it may stand in a log: not with somebody's address, nor with the token of a link in a mail, which whoever reads it could use. */
export const loggedPathOf = (req: IncomingMessage) => pathOf(req).replace(/(unsubscribe|addresses).+/i, "$1…");
