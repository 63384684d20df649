import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { MetricReporters, type Middleware, type ServiceBroker } from "moleculer";
import { declareSettings, integer, text, type Values } from "./settings.ts";

/** Where a node tells how it is. Left out, it does not. */
export const healthSettings = declareSettings("health", {
  HEALTH_PORT: integer({
    about: "The port of /health/live, /health/ready and /metrics; left out, they are not served.",
    max: 65_535,
    example: "3030",
  }),
  HEALTH_HOST: text({
    about: "The address of that port; whoever reaches it may read. Probes from outside want 0.0.0.0.",
    default: "127.0.0.1",
  }),
});

/** Moleculer's own Prometheus text, served by our server in place of one of its own. */
class PrometheusText extends MetricReporters.Prometheus {
  override init(registry: ServiceBroker["metrics"]): void {
    MetricReporters.Base.prototype.init.call(this, registry);
    // As its own init does, which would also listen.
    const labels = { namespace: registry.broker.namespace, nodeID: registry.broker.nodeID };
    Object.assign(this, { defaultLabels: labels });
  }
}

const servers = new WeakMap<ServiceBroker, Server>();

/** The health server of a node, for tests that let the system choose the port. */
export function healthServerOf(broker: ServiceBroker): Server | undefined {
  return servers.get(broker);
}

/** Why a node is not to be given work just now; nothing where it is. */
export function reasonsNotReady(broker: ServiceBroker): string[] {
  const reasons: string[] = [];
  if (broker.stopping) reasons.push("the node is stopping");
  else if (!broker.started) reasons.push("the services have not all started");
  // The transit itself notices only a leave-taking; a lost connection shows at its transporter.
  const transit = broker.transit as { connected: boolean; tx: { connected: boolean } } | undefined;
  if (transit && !(transit.connected && transit.tx.connected)) reasons.push("the transporter is not connected");
  if (isCutOff(broker)) reasons.push("the channel to the transporter is closed");
  return reasons;
}

/** Whether the node has lost its channel to the others for good: a broker closes one that it was given too much on, and nobody opens it anew. */
export function isCutOff(broker: ServiceBroker): boolean {
  const tx = (broker.transit as { tx?: { connected: boolean; channel?: unknown } } | undefined)?.tx;
  return tx?.connected === true && tx.channel === null;
}

function answer(res: ServerResponse, status: number, body: object): void {
  res.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store" }).end(JSON.stringify(body));
}

/**
 * Answers from before the first service starts until after the last has stopped, so that a slow start shows as live
 * but not ready, and a stopping node is seen before it closes its doors (G7). Comes last among a broker's
 * middlewares, whose `stopping` hooks run from the last to the first.
 */
export function healthMiddleware({ HEALTH_PORT, HEALTH_HOST }: Values<typeof healthSettings.declarations>): Middleware {
  if (HEALTH_PORT === undefined) return { name: "Health" };
  return {
    name: "Health",
    async starting(broker) {
      const metrics = broker.isMetricsEnabled() ? new PrometheusText() : undefined;
      metrics?.init(broker.metrics);

      const server = createServer((req: IncomingMessage, res) => {
        if (req.method !== "GET" && req.method !== "HEAD") return answer(res, 405, { status: "method not allowed" });
        if (req.url === "/health/live") {
          // Only a new start helps, and that is what whoever asks this is for.
          return isCutOff(broker) ? answer(res, 503, { status: "cut off" }) : answer(res, 200, { status: "live" });
        }
        if (req.url === "/health/ready") {
          const reasons = reasonsNotReady(broker);
          return reasons.length === 0
            ? answer(res, 200, { status: "ready" })
            : answer(res, 503, { status: "not ready", reasons });
        }
        if (req.url === "/metrics" && metrics) return metrics.handler(req, res);
        answer(res, 404, { status: "not found" });
      });
      servers.set(broker, server);
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject).listen(HEALTH_PORT, HEALTH_HOST, () => resolve(void server.off("error", reject)));
      });
    },
    async stopped(broker) {
      const server = servers.get(broker);
      if (!server?.listening) return;
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
