import { inspect } from "node:util";
import type { BrokerOptions, LoggerConfig } from "moleculer";
import { clusterDeclarations } from "./mixins/cluster.ts";
import { ProblemRegenerator } from "./mixins/problem.ts";
import { declareSettings, flag, integer, list, oneOf, text, type Values } from "./mixins/settings.ts";
import { ContractValidator } from "./mixins/validator.ts";

export const serviceNames = ["user", "chat", "mail", "io", "api"] as const;
export type ServiceName = (typeof serviceNames)[number];

export const clusterSettings = declareSettings(
  "cluster",
  {
    NODE_ENV: clusterDeclarations.NODE_ENV,
    SERVICES: list({ about: `The services of this process, of ${serviceNames.join(", ")}.`, default: [...serviceNames] }),
    TRANSPORTER: clusterDeclarations.TRANSPORTER,
    REDIS_URL: clusterDeclarations.REDIS_URL,
    NAMESPACE: clusterDeclarations.NAMESPACE,
    NODE_ID: text({ about: "The name of this node in the cluster; unique. Left out, it is made from host and process." }),
    LOG_LEVEL: oneOf(["fatal", "error", "warn", "info", "debug", "trace"], { about: "How much is logged.", default: "info" }),
    REQUEST_TIMEOUT: integer({ about: "Milliseconds after which a call between services is given up.", default: 8000, min: 100 }),
    METRICS: flag({ about: "Whether /metrics is measured and served.", default: false }),
  },
  ({ SERVICES }) => {
    const wrong = SERVICES.filter(
      (name, at) => !(serviceNames as readonly string[]).includes(name) || SERVICES.indexOf(name) !== at,
    );
    const wanted = `must name some of ${serviceNames.join(", ")}, each once`;
    return wrong.length > 0 || SERVICES.length === 0 ? [{ name: "SERVICES", wanted }] : [];
  },
);
export type ClusterSettings = Values<typeof clusterSettings.declarations>;

/** Everything about the cluster that is not the services' own. */
export function brokerOptions(settings: ClusterSettings): BrokerOptions {
  return {
    namespace: settings.NAMESPACE,
    nodeID: settings.NODE_ID ?? null,
    logger: logger(settings),
    logLevel: settings.LOG_LEVEL,
    transporter: transporter(settings.TRANSPORTER),
    cacher: cacher(settings),
    validator: new ContractValidator(),
    errorRegenerator: new ProblemRegenerator(),
    // The defaults never give up and drop a dead node after 46 s.
    requestTimeout: settings.REQUEST_TIMEOUT,
    heartbeatInterval: 2,
    heartbeatTimeout: 6,
    // Calls in flight are finished before a node leaves (G7).
    tracking: { enabled: true, shutdownTimeout: 5000 },
    // Off, and turned on by each action that its contract calls repeatable. A silent node is not asked again: the
    // asker's own patience is shorter than two time-outs.
    retryPolicy: {
      enabled: false,
      retries: 3,
      delay: 100,
      maxDelay: 1000,
      factor: 2,
      check: (err) => isPassing(err as { retryable?: boolean; type?: string }),
    },
    registry: { strategy: "RoundRobin", preferLocal: true },
    metrics: settings.METRICS ? { enabled: true } : false,
    metadata: { services: settings.SERVICES },
  };
}

const isPassing = (err: { retryable?: boolean; type?: string }) => err.retryable === true && err.type !== "REQUEST_TIMEOUT";

function cacher({ REDIS_URL, NAMESPACE }: ClusterSettings): BrokerOptions["cacher"] {
  if (!REDIS_URL) return { type: "MemoryLRU", options: { max: 1000 } };
  // An address is fine here; the types know only an object.
  return { type: "Redis", options: { prefix: NAMESPACE, redis: REDIS_URL as unknown as object } };
}

/** amqplib leaves Nagle's algorithm on and Moleculer takes one request at a time: 22 calls a second. These make it thousands. */
function transporter(target: string | undefined): BrokerOptions["transporter"] {
  if (!target?.startsWith("amqp")) return (target ?? null) as BrokerOptions["transporter"];
  return {
    type: "AMQP",
    options: {
      url: target,
      socketOptions: { noDelay: true },
      prefetch: 100,
      // Queues of nodes that are gone go too; RabbitMQ 4 knows no transient queue that is not exclusive.
      autoDeleteQueues: 120_000,
      queueOptions: { durable: true },
    },
  } as unknown as BrokerOptions["transporter"];
}

function logger({ NODE_ENV, LOG_LEVEL }: ClusterSettings): LoggerConfig {
  const formatter = NODE_ENV === "production" ? "json" : "short";
  const options = {
    level: LOG_LEVEL,
    formatter,
    colors: NODE_ENV === "development",
    autoPadding: false,
    objectPrinter: printObject,
  };
  return { type: "Console", options };
}

/** Errors by their stacks alone: what clients hang on them may hold what was sent, a password among it. */
function printObject(value: unknown): string {
  if (!(value instanceof Error)) return inspect(value, { depth: 2, breakLength: Infinity });
  // Meant for the operator, who has no use for a stack.
  if (value.name === "StoreRefused") return value.message;
  const stack = value.stack || `${value.name}: ${value.message}`;
  return value.cause instanceof Error ? `${stack}\n  because of ${printObject(value.cause)}` : stack;
}
