import { generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer, request, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { ActionName, PublicKey } from "@confab/contracts";
import { define, type Caller } from "@confab/mixins/define.ts";
import { edgeMiddleware, edgeOf, edgeSettings } from "@confab/mixins/edge.ts";
import { noRates } from "@confab/mixins/rates.testing.ts";
import { tokenTerms } from "@confab/mixins/sessions.ts";
import jwt from "jsonwebtoken";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import { brokerOptions, clusterSettings } from "../../moleculer.config.ts";
import api from "./api.service.ts";

/* The gateway on a real broker, between a real HTTP client and stub services. */

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- handlers of any action
type Handlers = Partial<Record<ActionName, (ctx: Caller<any>) => unknown>>;

/** Services that answer these actions by the contracts' checks, and nothing else. */
export function stubs(handlers: Handlers): ServiceSchema[] {
  const byService = Map.groupBy(Object.entries(handlers), ([name]) => name.split(".", 1)[0]!);
  return [...byService].map(([name, actions]) => ({
    name,
    actions: Object.assign(
      {},
      ...actions.map(([action, handler]) => define(action as ActionName, async (ctx) => handler(ctx) as never)),
    ),
  }));
}

/** A user service that signs tokens with a key of its own and knows which sessions have ended. */
export function signer() {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { x, y } = publicKey.export({ format: "jwk" }) as { x: string; y: string };
  const key: PublicKey = { kty: "EC", crv: "P-256", x, y, kid: "k1", alg: "ES256", use: "sig" };
  const ended = new Set<string>();
  return {
    key,
    privateKey,
    publicKey,
    end: (sessionId: string) => void ended.add(sessionId),
    token({
      userId = randomUUID(),
      sessionId = randomUUID(),
      ...options
    }: { userId?: string; sessionId?: string } & jwt.SignOptions = {}) {
      return jwt.sign({ sid: sessionId }, privateKey, {
        subject: userId,
        keyid: "k1",
        expiresIn: 300,
        ...tokenTerms,
        ...options,
      });
    },
    handlers: {
      "user.key.list": () => ({ keys: [key] }),
      "user.session.check": (ctx) => ({
        alive: (ctx.params as { sessionIds: string[] }).sessionIds.filter((id) => !ended.has(id)),
      }),
    } satisfies Handlers,
  };
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- whatever came
  json: any;
}

export interface Asking {
  method?: string;
  headers?: Record<string, string>;
  /** An object is sent as JSON, text and bytes as they are. */
  body?: unknown;
  token?: string;
}

/** Asks without the tidying that fetch does to addresses and headers. */
export function askAt(port: number, path: string, { method = "GET", headers = {}, body, token }: Asking = {}): Promise<Answer> {
  const text = body === undefined || typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const req = request(
      {
        port,
        path,
        method,
        agent: false,
        headers: {
          ...(text === undefined
            ? {}
            : { "content-type": "application/json", "content-length": String(Buffer.byteLength(text)) }),
          ...(token ? { authorization: `Bearer ${token}` } : {}),
          ...headers,
        },
      },
      (res) => {
        const chunks: Buffer[] = [];
        res
          .on("data", (chunk: Buffer) => chunks.push(chunk))
          .on("error", reject)
          .on("end", () => {
            const told = Buffer.concat(chunks).toString();
            const json = /json/.test(res.headers["content-type"] ?? "") && told ? (JSON.parse(told) as unknown) : undefined;
            resolve({ status: res.statusCode!, headers: res.headers, text: told, json });
          });
      },
    );
    req.on("error", reject).end(text);
  });
}

export interface Started {
  broker: ServiceBroker;
  port: number;
  log: string[];
  ask(path: string, asking?: Asking): Promise<Answer>;
  stop(): Promise<void>;
}

/** Starts the gateway; with `host` in a server whose handler that makes from ours. */
export async function startApi(
  handlers: Handlers,
  {
    env = {},
    host,
  }: {
    env?: Record<string, string>;
    host?: (handler: ReturnType<typeof edgeOf>["handler"]) => Parameters<typeof createServer>[1];
  } = {},
): Promise<Started> {
  const given = { PORT: "0", NODE_ENV: "test", ...noRates, ...env };
  const log: string[] = [];
  const server: Server | undefined = host && createServer((req, res) => host(edgeOf(broker).handler)!(req, res));
  const broker: ServiceBroker = new ServiceBroker({
    ...brokerOptions(clusterSettings.read({ ...given, REQUEST_TIMEOUT: "300" })),
    logger: false,
    middlewares: [edgeMiddleware(edgeSettings.read(given), server)],
  });
  const service = broker.createService(api(given));
  for (const level of ["error", "warn", "info", "debug"] as const)
    service.logger[level] = (...words: unknown[]) => void log.push(words.join(" "));
  for (const stub of stubs(handlers)) broker.createService(stub);
  await broker.start();
  if (server) await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = edgeOf(broker).server.address() as AddressInfo;
  return {
    broker,
    port,
    log,
    ask: (path, asking) => askAt(port, path, asking),
    async stop() {
      server?.close();
      await broker.stop();
    },
  };
}
