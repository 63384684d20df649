import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Middleware, ServiceBroker } from "moleculer";
import { declareSettings, integer, oneOf, text, type Values } from "./settings.ts";

/** Where a process that runs `api` or `io` listens. */
export const edgeSettings = declareSettings("edge", {
  PORT: integer({ about: "The port of REST, sockets and the page.", default: 3000, max: 65_535 }),
  HOST: text({ about: "The address to listen on; by default this machine only, in production every address." }),
  NODE_ENV: oneOf(["development", "test", "production"], {
    about: "production wants its secrets set and closes the dev inbox.",
    default: "development",
  }),
});

/** Answers a request; mounted in somebody else's app it may also pass it on. */
type Handler = (req: IncomingMessage, res: ServerResponse, next?: () => void) => void;

/** The one HTTP server of a process: `api` answers its requests and `io` its upgrades, alone or together. */
export class Edge {
  readonly server: Server;
  /** Whether the server is somebody else's, who listens and closes. */
  readonly #foreign: boolean;
  #handler: Handler = answerNothing;
  #used = false;
  readonly #leavers: (() => Promise<void>)[] = [];

  constructor(server?: Server) {
    this.#foreign = server !== undefined;
    this.server = server ?? createServer((req, res) => this.#handler(req, res));
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
    if (!this.#used || this.#foreign) return;
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

  /** Takes no new connection, lets running requests finish (G7) and closes connections that wait for nothing. */
  async close(): Promise<void> {
    const closed = this.#foreign || !this.server.listening ? undefined : new Promise((resolve) => this.server.close(resolve));
    await Promise.all(this.#leavers.map((leave) => leave()));
    if (!closed) return;
    this.server.closeIdleConnections();
    const sweep = setInterval(() => this.server.closeIdleConnections(), 50);
    const patience = setTimeout(() => this.server.closeAllConnections(), 5000);
    await closed;
    clearInterval(sweep);
    clearTimeout(patience);
  }
}

const answerNothing: Handler = (_req, res) => void res.writeHead(404).end();

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
