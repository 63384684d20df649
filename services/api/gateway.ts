import { isUtf8 } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import { addressReader } from "@confab/mixins/address.ts";
import { call, type Meta } from "@confab/mixins/define.ts";
import { deviceOf } from "@confab/mixins/edge.ts";
import { problem } from "@confab/mixins/problem.ts";
import { ratesOf, type Rates } from "@confab/mixins/rates.ts";
import { ServerKeys } from "@confab/mixins/serverkeys.ts";
import { Sessions } from "@confab/mixins/sessions.ts";
import { compileSchema } from "@confab/mixins/validator.ts";
import { json, type RequestHandler } from "express";
import type { Context, Service, ServiceSchema } from "moleculer";
import ApiGateway from "moleculer-web";
import { allowOrigin, answerOptions } from "./cors.ts";
import { answerJson, answerProblem, edgeProblem, pathOf, requestIdOf } from "./errors.ts";
import { readIdempotencyKey } from "./idempotency.ts";
import { languageOf } from "./language.ts";
import { noteProof, noteRefusal } from "./noting.ts";
import { gatherParams } from "./params.ts";
import { forgetAddress, limitAddress, tellRates } from "./rates.ts";
import { hasItemAddress, offeredRoutes, restPath, routeOf, routes, type Route } from "./routes.ts";
import type { ApiSettings } from "./settings.ts";

interface Alias {
  action: string;
  method: string;
  match(url: string): Record<string, string> | false;
}

/** A request as moleculer-web hands it around. */
export interface GatewayRequest extends IncomingMessage {
  $alias?: Alias;
  $params: Record<string, unknown>;
  $query: URLSearchParams;
  $next?: () => void;
  body?: unknown;
  originalUrl: string;
}

export type ApiService = Service & {
  settings: ApiSettings;
  sessions: Sessions;
  serverKeys: ServerKeys;
  rates: Rates;
  /** Where a request comes from. */
  addressOf(req: IncomingMessage): string;
  aliases: Alias[];
  httpHandler(req: IncomingMessage, res: ServerResponse, next: () => void): Promise<void>;
  answerRest(req: IncomingMessage, res: ServerResponse, pass: () => void): Promise<void>;
  errorHandler(req: IncomingMessage, res: ServerResponse, err: unknown): void;
};

/** moleculer-web with the contracts' routes, our identity, our params and our problems, and nothing open beside them. */
export function gateway(settings: ApiSettings): ServiceSchema {
  const { MAX_BODY, CORS_ORIGINS } = settings;
  const addressOf = addressReader(settings);
  return {
    name: "api",
    mixins: [ApiGateway],
    settings: {
      $secureSettings: ["routes"],
      server: false,
      // Addresses and params hold what no log should.
      logRequest: null,
      logRequestParams: null,
      logResponse: null,
      logRouteRegistration: null,
      rootCallOptions: (options: { requestID?: string }, _req: IncomingMessage, res: ServerResponse) =>
        void (options.requestID = requestIdOf(res)),
      routes: [
        {
          path: restPath,
          aliases: Object.fromEntries(offeredRoutes(settings).map(({ method, path, action }) => [`${method} ${path}`, action])),
          mappingPolicy: "restrict",
          mergeParams: false,
          pathToRegexpOptions: { sensitive: true },
          bodyParsers: false,
          use: [limitByAddress, requireJson, readJson(MAX_BODY)],
          onBeforeCall: prepareCall,
          onAfterCall: noteDone,
        },
      ],
    } as ServiceSchema["settings"],
    // Nobody adds routes to a running gateway, and none lists what is not public.
    actions: { listAliases: false, addRoute: false, removeRoute: false },
    methods: {
      addressOf,

      /** Answers what is under `restPath`; `pass` is for what is not there. */
      async answerRest(this: ApiService, req: IncomingMessage, res: ServerResponse, pass: () => void) {
        try {
          requireReadable(req.url!);
          allowOrigin(req, res, CORS_ORIGINS);
          if (req.method !== "OPTIONS") return await this.httpHandler(req, res, pass);
          const methods = methodsAt(this.aliases, pathOf(req));
          if (methods.length === 0) return pass();
          answerOptions(res, methods);
        } catch (err) {
          answerProblem({ req, res, err, logger: this.logger });
        }
      },

      parseQueryString(req: GatewayRequest) {
        const [url, ...query] = req.url!.split("?");
        req.$query = new URLSearchParams(query.join("?"));
        return { url, query: {} };
      },

      /** The framework's own goes on where nothing matches, and reads the body first. */
      resolveAlias(this: ApiService, url: string, method: string) {
        const wanted = method === "HEAD" ? "GET" : method;
        for (const alias of this.aliases) {
          const params = alias.method === wanted && alias.match(url);
          if (params) return { alias, params };
        }
        const allow = methodsAt(this.aliases, url);
        throw allow.length > 0 ? problem("method_not_allowed", { allow }) : problem("not_found", { noRoute: true });
      },

      sendResponse(req: GatewayRequest & { $ctx: Context<unknown, Meta> }, res: ServerResponse, data: unknown) {
        if (res.headersSent) return;
        const route = routeOf(req.$alias!.action);
        const { status } = route.contract;
        const picked = req.$ctx.meta.$statusCode;
        const code = picked !== undefined && status.includes(picked) ? picked : status[0]!;
        res.setHeader("Cache-Control", "no-store");
        if (code === 204) return void res.writeHead(204).end();
        if (code === 201 && hasItemAddress(route)) {
          res.setHeader("Location", `${req.originalUrl.split("?", 1)[0]!.replace(/\/$/, "")}/${(data as { id: string }).id}`);
        }
        answerJson(res, code, data);
      },

      errorHandler(this: ApiService, req: GatewayRequest, res: ServerResponse, err: unknown) {
        const nothingHere = (err as { data?: { noRoute?: boolean } } | undefined)?.data?.noRoute === true;
        if (nothingHere && req.$next && !res.headersSent) return req.$next();
        noteRefusal(this, req, res, edgeProblem(err, req.$alias?.action).type);
        answerProblem({ req, res, err, logger: this.logger, action: req.$alias?.action });
      },

      sendError(this: ApiService, req: GatewayRequest, res: ServerResponse, err: unknown) {
        this.errorHandler(req, res, err);
      },
    },
    created() {
      this["sessions"] = new Sessions(this.broker);
      this["serverKeys"] = new ServerKeys(this.broker);
    },
    async started() {
      this["rates"] = ratesOf(this.broker, settings);
    },
  };
}

function limitByAddress(this: ApiService, req: IncomingMessage, res: ServerResponse, next: (err?: unknown) => void): void {
  limitAddress(this)(req, res, next);
}

/** Who asks, and with what. */
async function prepareCall(
  this: ApiService,
  ctx: Context<unknown, Meta>,
  _route: unknown,
  req: GatewayRequest,
  res: ServerResponse,
  alias: Alias,
) {
  const route = routeOf(alias.action);
  const address = this.addressOf(req);
  ctx.meta.device = deviceOf(req);
  ctx.meta.address = address;
  // The host's backend speaks for people whose language it does not say.
  const language = route.contract.audience === "server" ? undefined : languageOf(req);
  if (language) ctx.meta.language = language;
  const asker = await identify(this, route, req);
  const { path, query, body } = { path: req.$params["params"] as Record<string, string>, query: req.$query, body: req.body };
  if (asker.keyId !== undefined || asker.userId !== undefined) {
    this.rates.forgiveAddress(address);
    forgetAddress(res);
  }
  tellRates(res, await this.rates.admit(route.contract, { address, ...asker }, path));
  Object.assign(ctx.meta, asker);
  await authorize(this, route, ctx);
  const { key, errors } = readIdempotencyKey(req);
  if (key !== undefined) ctx.meta.idempotencyKey = key;
  req.$params = gatherParams(route, { path, query, body });
  // G8: named together with every other wrong field.
  if (errors.length > 0)
    throw problem("bad_input", { errors: [...errors, ...compileSchema(route.contract.params)(req.$params)] });
}

type Asker = Pick<Meta, "userId" | "sessionId" | "keyId" | "scopes">;

/** Each audience has its kind of token: another one is none at all. */
async function identify({ sessions, serverKeys }: ApiService, { contract }: Route, req: IncomingMessage): Promise<Asker> {
  switch (contract.audience) {
    case "user":
    case "admin": {
      const { userId, sessionId } = await sessions.identify(bearer(req));
      return { userId, sessionId };
    }
    case "server": {
      const { keyId, scopes } = await serverKeys.identify(bearer(req));
      return { keyId, scopes };
    }
    default:
      return {};
  }
}

/** Whether whoever asks may ask that. */
async function authorize({ broker }: ApiService, { contract }: Route, { meta }: Context<unknown, Meta>): Promise<void> {
  const { audience, scope } = contract;
  if (audience === "server" && scope && !meta.scopes?.includes(scope)) throw problem("user.missing_scope");
  if (audience !== "admin") return;
  // G6: asked each time, so that nobody is an administrator for longer than they are one.
  const { role } = await call(broker, "user.role.get", { userId: meta.userId! });
  if (role !== "admin") throw problem("forbidden");
  meta.role = role;
}

/** Counts what went well. */
function noteDone(
  this: ApiService,
  ctx: Context<unknown, Meta>,
  _route: unknown,
  req: GatewayRequest,
  res: ServerResponse,
  data: unknown,
) {
  const { contract } = routeOf(req.$alias!.action);
  this.rates.noteDone(contract, req.$params);
  noteProof(this, { req, res, contract, data, userId: ctx.meta.userId });
  return data;
}

function bearer(req: IncomingMessage): string | undefined {
  return /^Bearer +([^ ]+) *$/i.exec(req.headers.authorization ?? "")?.[1];
}

/** The methods that an address knows. */
function methodsAt(aliases: Alias[], url: string): string[] {
  const path = url.length > 1 && url.endsWith("/") ? url.slice(0, -1) : url;
  const methods = aliases.filter((alias) => alias.match(path)).map(({ method }) => method);
  return [...new Set(methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])))];
}

function requireReadable(url: string): void {
  try {
    decodeURIComponent(url);
  } catch {
    throw problem("bad_request", { detail: "The address has a % that no two hex digits follow, or that is not UTF-8" });
  }
}

/** Reads the body, where a contract says so also a larger one than others. */
function readJson(limit: number): RequestHandler {
  const reader = (most: number) =>
    json({ limit: most, strict: false, inflate: false, type: "application/json", verify: requireUtf8 });
  const usual = reader(limit);
  const larger = new Map<string, RequestHandler>(
    routes.flatMap(({ method, path, contract }) =>
      contract.maxBody === undefined
        ? []
        : [[`${method} ${restPath}${path}`, reader(Math.max(limit, contract.maxBody))] as const],
    ),
  );
  return (req, res, next) => (larger.get(`${req.method} ${pathOf(req)}`) ?? usual)(req, res, next);
}

/** RFC 8259: JSON is UTF-8. The parser would replace bytes that are not, and store something else than was sent. */
function requireUtf8(_req: IncomingMessage, _res: ServerResponse, body: Buffer, encoding: string): void {
  if (encoding !== "utf-8") throw Object.assign(new Error(`charset ${encoding}`), { type: "charset.unsupported" });
  if (!isUtf8(body)) throw problem("bad_json", { detail: "The body is not valid UTF-8" });
}

/** A body is JSON, and only where one is wanted; what else it may be is not read. */
function requireJson(req: IncomingMessage, _res: ServerResponse, next: (err?: unknown) => void): void {
  const hasBody = req.headers["transfer-encoding"] !== undefined || Number(req.headers["content-length"] ?? 0) > 0;
  if (!hasBody) return next();
  if (["GET", "HEAD", "DELETE"].includes(req.method!))
    return next(problem("bad_request", { detail: `A ${req.method} takes no body` }));
  const type = (req.headers["content-type"] ?? "").split(";", 1)[0]!.trim().toLowerCase();
  next(type === "application/json" ? undefined : problem("unsupported_media_type"));
}
