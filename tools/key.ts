// npm run key -- --name backend --scopes users,tokens [--expires 2027-01-31]
//
// Makes a server key for the host's backend, and shows it, this once. On the settings of a node: in a cluster it asks the
// services there, embedded it opens the store itself, which one process alone can do; so Confab must not be running then.

import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { scopes, type Params, type Scope } from "@confab/contracts";
import { call } from "@confab/mixins/define.ts";
import { checkSettings, SettingsError } from "@confab/mixins/settings.ts";
import { inMemory, StoreRefused } from "@confab/mixins/store/sqlite.ts";
import { ServiceBroker } from "moleculer";
import { brokerOptions, clusterSettings } from "../moleculer.config.ts";
import { settings as userSettings } from "../services/user/settings.ts";
import userService from "../services/user/user.service.ts";

const patience = 15_000;

class Wording extends Error {}

try {
  const wanted = readWanted();
  const made = await withUserService((broker) =>
    call(broker, "user.serverkey.create", wanted, { meta: { userId: "system", role: "admin" } }),
  );
  const until = made.expiresAt === null ? "until it is removed" : `until ${made.expiresAt}`;
  console.error(
    `Server key ${made.id}, called ${made.name}, is good for ${made.scopes.join(", ")} ${until}. It is shown only now:`,
  );
  console.log(made.key);
} catch (err) {
  console.error(describe(err));
  process.exit(1);
}

function readWanted(): Params<"user.serverkey.create"> {
  const { values } = parseArgs({
    options: { name: { type: "string" }, scopes: { type: "string" }, expires: { type: "string" } },
  });
  const given = (values.scopes ?? "").split(",").map((scope) => scope.trim());
  const expires = values.expires === undefined ? undefined : new Date(values.expires);
  const faults = [
    ...(values.name?.trim() ? [] : ["--name is missing: what the key is for, such as backend"]),
    ...(given.every(isScope) ? [] : [`--scopes must name some of ${scopes.join(", ")}, with commas between them`]),
    ...(expires && Number.isNaN(expires.getTime()) ? ["--expires must be a day or a time, such as 2027-01-31"] : []),
  ];
  if (faults.length > 0) throw new Wording(faults.join("\n"));
  return {
    name: values.name!,
    scopes: [...new Set(given as Scope[])],
    ...(expires ? { expiresAt: expires.toISOString() } : {}),
  };
}

function isScope(word: string): boolean {
  return (scopes as readonly string[]).includes(word);
}

/** Does something with a broker that reaches the service of accounts: as a visitor of the cluster, or on the store. */
async function withUserService<T>(act: (broker: ServiceBroker) => Promise<T>): Promise<T> {
  checkSettings({ "every node": clusterSettings });
  const cluster = clusterSettings.read();
  // What is asked here is no node's: it has a name of its own, and caches nothing.
  const visitor = { NODE_ID: undefined, REDIS_URL: undefined, SERVICES: [], LOG_LEVEL: "fatal" as const };
  // Moleculer would end the process well whatever became of it.
  const broker = new ServiceBroker({ ...brokerOptions({ ...cluster, ...visitor }), skipProcessEventRegistration: true });
  if (!cluster.TRANSPORTER) {
    checkSettings({ user: userSettings });
    const { MONGO_URL, DATA_DIR } = userSettings.read();
    if (!MONGO_URL && DATA_DIR === inMemory) throw new Wording("DATA_DIR is memory: a key made here would be gone at once");
    broker.createService(userService());
  }
  await Promise.race([broker.start().then(() => broker.waitForServices("user")), lateness(cluster.TRANSPORTER)]);
  const result = await act(broker);
  await broker.stop();
  return result;
}

async function lateness(transporter: string | undefined): Promise<never> {
  await pause(patience, undefined, { ref: false });
  throw new Wording(
    transporter ? "The service of accounts is not to be found in the cluster that TRANSPORTER names" : "The store does not open",
  );
}

function describe(err: unknown): unknown {
  if (err instanceof StoreRefused)
    return `${err.message}\nStop Confab for the moment, or let an administrator make the key: POST /api/v1/admin/keys`;
  const { type, code, message, data } = err as { type?: string; code?: unknown; message: string; data?: unknown };
  if (err instanceof Wording || err instanceof SettingsError || String(code).startsWith("ERR_PARSE_ARGS")) return message;
  if (type === "VALIDATION_ERROR" || type === "bad_input") return [message, JSON.stringify(data)].join("\n");
  return type === undefined ? err : message;
}
