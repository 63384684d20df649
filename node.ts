import type { Server } from "node:http";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import { edgeMiddleware, edgeOf, edgeSettings, type Edge } from "./mixins/edge.ts";
import { healthMiddleware, healthSettings } from "./mixins/health.ts";
import { silenceMiddleware } from "./mixins/silence.ts";
import { checkSettings, joinSettings, SettingsError, type AnySettings, type Env } from "./mixins/settings.ts";
import { brokerOptions, clusterSettings, type ServiceName } from "./moleculer.config.ts";
import * as api from "./services/api/settings.ts";
import * as chat from "./services/chat/settings.ts";
import * as io from "./services/io/settings.ts";
import * as mail from "./services/mail/settings.ts";
import * as user from "./services/user/settings.ts";

type ServiceModule = { default: (env?: Env) => ServiceSchema };

/** Each service: its settings, read before anything starts, and where its schema is. */
export const services: Record<ServiceName, { settings: AnySettings; load: () => Promise<ServiceModule> }> = {
  user: { settings: user.settings, load: () => import("./services/user/user.service.ts") },
  chat: { settings: chat.settings, load: () => import("./services/chat/chat.service.ts") },
  mail: { settings: mail.settings, load: () => import("./services/mail/mail.service.ts") },
  io: { settings: io.settings, load: () => import("./services/io/io.service.ts") },
  api: { settings: api.settings, load: () => import("./services/api/api.service.ts") },
};

/** A running node of the cluster, or all of Confab where it is the only one. */
export interface ConfabNode {
  broker: ServiceBroker;
  /** The HTTP side: `app.use(node.edge.handler)` mounts REST and the page into an Express app. */
  edge: Edge;
  stop(): Promise<void>;
}

/**
 * Starts the services that `env` names. Throws SettingsError, which names every wrong setting, before anything runs.
 * With `server` the node answers on that HTTP server instead of one of its own, and does not listen;
 * with `visit` it runs no services and only sees the others.
 */
export async function startNode(
  env?: Env,
  { server, visit = false }: { server?: Server; visit?: boolean } = {},
): Promise<ConfabNode> {
  const names = visit ? [] : (clusterSettings.check(env).values.SERVICES as ServiceName[]);
  if (visit && !clusterSettings.check(env).values.TRANSPORTER) {
    throw new SettingsError([
      { name: "TRANSPORTER", wanted: "is missing; it names the cluster to visit", wantedBy: "the prompt" },
    ]);
  }
  const own = names.filter((name) => Object.hasOwn(services, name)).map((name) => [name, services[name].settings] as const);
  checkSettings({ ...Object.fromEntries(own), "every node": joinSettings(clusterSettings, edgeSettings, healthSettings) }, env);

  const middlewares = [
    edgeMiddleware(edgeSettings.read(env), server),
    healthMiddleware(healthSettings.read(env)),
    silenceMiddleware(),
  ];
  const broker = new ServiceBroker({ ...brokerOptions(clusterSettings.read(env)), middlewares });
  for (const name of names) broker.createService((await services[name].load()).default(env));
  await broker.start();
  return { broker, edge: edgeOf(broker), stop: () => broker.stop() };
}
