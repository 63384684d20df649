import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { problem } from "@confab/mixins/problem.ts";
import { Router, type Request, type Response } from "express";
import helmet from "helmet";
import { answerProblem, loggedPathOf, pathOf } from "./errors.ts";
import type { ApiService } from "./gateway.ts";
import { restPath } from "./routes.ts";
import { avatars } from "./web/avatars.ts";
import { docs, docsBeside } from "./web/docs.ts";
import { exports } from "./web/exports.ts";
import { inbox } from "./web/inbox.ts";
import { keys } from "./web/keys.ts";
import { page } from "./web/page.ts";
import { unsubscribing } from "./web/unsubscribe.ts";

type Handler = (req: IncomingMessage, res: ServerResponse, next?: () => void) => void;

/**
 * Everything that this process answers over HTTP: Express middleware in front, REST behind it, and the pages. It needs
 * no Express app of its own, so that it can stand alone or in a team's app, which `next` then belongs to.
 */
export function front(service: ApiService): Handler {
  const { logger } = service;
  const router = Router();
  router.use(protect);
  router.use((req, res, next) => (isRest(req) ? void service.answerRest(req, res, next) : next()));
  router.use(keys(service), avatars(service), exports(service), unsubscribing(service), inbox(service), docs(), page());

  return (req, res, next) => {
    const before = { ...res.getHeaders() };
    res.setHeader("X-Request-Id", requestIdFrom(req));
    const startedAt = performance.now();
    const path = loggedPathOf(req);
    router(req as Request, res as Response, (err?: unknown) => {
      if (err || !next) return answerProblem({ req, res, err: err ?? problem("not_found"), logger });
      // Not ours: the host answers it, under the host's own headers.
      for (const name of res.getHeaderNames()) if (!(name in before)) res.removeHeader(name);
      for (const [name, value] of Object.entries(before)) res.setHeader(name, value!);
      next();
    });
    res.once("finish", () =>
      logger.debug(`${req.method} ${path} ${res.statusCode} ${Math.round(performance.now() - startedAt)} ms`),
    );
  };
}

function isRest(req: IncomingMessage): boolean {
  const path = pathOf(req);
  return (path.startsWith(`${restPath}/`) || path === restPath) && path !== docsBeside;
}

/** The asker's own name of the request where it is a plain short word, so that it is fit for a log. */
function requestIdFrom(req: IncomingMessage): string {
  const given = req.headers["x-request-id"];
  return typeof given === "string" && /^[A-Za-z0-9._-]{1,64}$/.test(given) ? given : randomUUID();
}

const self = ["'self'"];
const policy = {
  defaultSrc: self,
  baseUri: ["'none'"],
  // Sockets of this address are 'self' too.
  connectSrc: self,
  formAction: self,
  frameAncestors: ["'none'"],
  imgSrc: ["'self'", "data:"],
  objectSrc: ["'none'"],
  scriptSrc: self,
  styleSrc: self,
};
const protection = (directives: Record<string, string[]>) =>
  helmet({
    contentSecurityPolicy: { useDefaults: false, directives },
    // This address only: what else the domain serves is not ours to bind.
    strictTransportSecurity: { includeSubDomains: false },
    xFrameOptions: { action: "deny" },
  });
const strict = protection(policy);
/** The viewer of the documents writes styles into its elements, and so do the mails that the inbox shows. */
const looser = protection({ ...policy, styleSrc: ["'self'", "'unsafe-inline'"] });

const protect: typeof strict = (req, res, next) =>
  (/^\/(docs|dev\/inbox)(\/|$)/.test(pathOf(req)) ? looser : strict)(req, res, next);
