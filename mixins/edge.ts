import { randomUUID } from "node:crypto";
import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ProblemCode } from "@confab/contracts";
import type { Middleware, ServiceBroker } from "moleculer";
import { clusterDeclarations } from "./cluster.ts";
import { presentProblem, problem } from "./problem.ts";
import { declareSettings, integer, text, type Values } from "./settings.ts";

/** Where a process that runs `api` or `io` listens. */
export const edgeSettings = declareSettings("edge", {
  PORT: integer({ about: "The port of REST, sockets and the page.", default: 3000, max: 65_535 }),
  HOST: text({ about: "The address to listen on; by default this machine only, in production every address." }),
  NODE_ENV: clusterDeclarations.NODE_ENV,
});

/** The client program by its own account, as stored with a session; a foreign server may have put any string there. */
export const deviceOf = ({ headers }: Pick<IncomingMessage, "headers">): string =>
  (headers["user-agent"] ?? "").slice(0, 200).toWellFormed();

/** Answers a request; mounted in somebody else's app it may also pass it on. */
type Handler = (req: IncomingMessage, res: ServerResponse, next?: () => void) => void;

/** The one HTTP server of a process: `api` answers its requests and `io` its upgrades, alone or together. */
export class Edge {
  readonly server: Server;
  /** Whether the server is somebody else's, who listens and closes. */
  readonly isForeign: boolean;
  #handler: Handler = answerNothing;
  #used = false;
  readonly #leavers: (() => Promise<void>)[] = [];
  /** Each connection with the request that is being answered on it. */
  readonly #connections = new Map<Socket, IncomingMessage | undefined>();

  constructor(server?: Server) {
    this.isForeign = server !== undefined;
    this.server = server ?? this.#serveAlone();
  }

  #serveAlone(): Server {
    const server = createServer((req, res) => {
      this.#connections.set(req.socket, req);
      res.once("close", () => this.#connections.has(req.socket) && this.#connections.set(req.socket, undefined));
      this.#handler(req, res);
    });
    server.on("connection", (socket: Socket) => {
      this.#connections.set(socket, undefined);
      socket.once("close", () => this.#connections.delete(socket));
    });
    return server.on("clientError", answerUnreadable);
  }

  /** For `app.use(edge.handler)` in a team's own Express app. */
  readonly handler = (req: IncomingMessage, res: ServerResponse, next?: () => void): void => {
    this.#handler(req, res, next);
  };

  /** Answers requests from now on. */
  serve(handler: Handler): void {
    this.#handler = handler;
    this.#used = true;
  }

  /** The server, for whoever attaches to its upgrades; `leave` ends those connections, since the server does not. */
  attach(leave: () => Promise<void>): Server {
    this.#used = true;
    this.#leavers.push(leave);
    return this.server;
  }

  async listen({ PORT, HOST, NODE_ENV }: Values<typeof edgeSettings.declarations>): Promise<void> {
    if (!this.#used || this.isForeign) return;
    const host = HOST ?? (NODE_ENV === "production" ? "0.0.0.0" : "127.0.0.1");
    await new Promise<void>((resolve, reject) => {
      this.server.once("error", reject).listen(PORT, host, () => resolve(void this.server.off("error", reject)));
    });
  }

  /** Where a browser on this machine finds it, while it listens. */
  get address(): string | undefined {
    const bound = this.server.address();
    if (bound === null || typeof bound === "string") return undefined;
    const host = ["127.0.0.1", "0.0.0.0", "::1", "::"].includes(bound.address) ? "localhost" : bound.address;
    return `http://${host}:${bound.port}`;
  }

  /**
   * Takes no new connection, lets running requests finish (G7) and closes connections that wait for nothing; whoever
   * has not sent a whole request by then gets a moment to.
   */
  async close(): Promise<void> {
    const closed = this.isForeign || !this.server.listening ? undefined : new Promise((resolve) => this.server.close(resolve));
    await Promise.all(this.#leavers.map((leave) => leave()));
    if (!closed) return;
    this.server.closeIdleConnections();
    const sweep = setInterval(() => this.server.closeIdleConnections(), 50);
    const moment = setTimeout(() => this.#closeUnfinished(), 1000);
    const patience = setTimeout(() => this.server.closeAllConnections(), 5000);
    await closed;
    clearInterval(sweep);
    clearTimeout(moment);
    clearTimeout(patience);
  }

  #closeUnfinished(): void {
    for (const [socket, req] of this.#connections) if (!req?.complete) socket.destroy();
  }
}

/** A problem where no service answers: its head without the status, and its body. */
function writeProblem(code: ProblemCode): { status: number; headers: Record<string, string>; body: string } {
  const requestId = randomUUID();
  const document = presentProblem(problem(code), requestId);
  const body = JSON.stringify(document);
  const headers = {
    "Content-Type": "application/problem+json; charset=utf-8",
    "Content-Length": String(Buffer.byteLength(body)),
    "Cache-Control": "no-store",
    "X-Request-Id": requestId,
  };
  return { status: document.status, headers, body };
}

const answerNothing: Handler = (_req, res) => {
  const { status, headers, body } = writeProblem("not_found");
  res.writeHead(status, headers).end(body);
};

/** What Node's parser calls its errors, in our words. */
const unreadable: Record<string, ProblemCode> = {
  HPE_HEADER_OVERFLOW: "headers_too_large",
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "too_large",
  ERR_HTTP_REQUEST_TIMEOUT: "request_timeout",
};

/** Answers what is no request, and hears no more of it. */
function answerUnreadable(err: NodeJS.ErrnoException, duplex: Duplex): void {
  const socket = duplex as Duplex & { _httpMessage?: ServerResponse };
  // Into the middle of an answer nothing can be said.
  if (!socket.writable || socket._httpMessage?.headersSent) return void socket.destroy();
  const { status, headers, body } = writeProblem(unreadable[err.code ?? ""] ?? "bad_request");
  const head = Object.entries({ ...headers, Connection: "close" }).map(([name, value]) => `${name}: ${value}`);
  socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...head, "", body].join("\r\n"), () => socket.destroy());
}

const edges = new WeakMap<ServiceBroker, Edge>();

export function edgeOf(broker: ServiceBroker): Edge {
  const edge = edges.get(broker);
  if (!edge) throw new Error("this broker was made without the edge middleware");
  return edge;
}

/** Opens the edge once every service has started, and closes it before the first one stops. */
export function edgeMiddleware(settings: Values<typeof edgeSettings.declarations>, server?: Server): Middleware {
  return {
    name: "Edge",
    created: (broker) => void edges.set(broker, new Edge(server)),
    started: (broker) => edgeOf(broker).listen(settings),
    stopping: (broker) => edgeOf(broker).close(),
  };
}
