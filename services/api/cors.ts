import type { IncomingMessage, ServerResponse } from "node:http";

/** Lets pages of the listed origins call REST; for others the browser finds no permission. Whole origins are compared, never parts. */
export function allowOrigin(req: IncomingMessage, res: ServerResponse, origins: readonly string[]): void {
  if (origins.length === 0) return;
  res.setHeader("Vary", "Origin");
  const origin = req.headers.origin;
  if (!origin || !origins.includes(origin)) return;
  res.setHeader("Access-Control-Allow-Origin", origin);
  res.setHeader("Access-Control-Expose-Headers", "Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id");
}

/** Answers OPTIONS; nothing behind the gateway ever sees one. */
export function answerOptions(res: ServerResponse, methods: readonly string[]): void {
  const allow = [...methods, "OPTIONS"].join(", ");
  res.setHeader("Allow", allow);
  if (res.hasHeader("Access-Control-Allow-Origin")) {
    res.setHeader("Access-Control-Allow-Methods", allow);
    res.setHeader("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, X-Request-Id");
    res.setHeader("Access-Control-Max-Age", "600");
  }
  res.writeHead(204).end();
}
