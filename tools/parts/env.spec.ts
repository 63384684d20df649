import { parseEnv } from "node:util";
import { checkSettings, type Env } from "../../mixins/settings.ts";
import { clusterSettings } from "../../moleculer.config.ts";
import { services } from "../../node.ts";
import { presentEnv } from "./env.ts";

test("the printed lines are all that the nodes of a cluster want, each in one line", () => {
  const printed = presentEnv({ rabbitUrl: "amqp://a", redisUrl: "redis://b", mongoUrl: "mongodb://c/?replicaSet=rs0" });
  const env = parseEnv(printed) as Env;
  expect(Object.keys(env).sort()).toEqual(["MONGO_URL", "REDIS_URL", "SIGNING_KEY", "TRANSPORTER"]);
  expect(env["MONGO_URL"]).toBe("mongodb://c/?replicaSet=rs0");
  const owners = Object.entries(services).map(([name, { settings }]) => [name, settings] as const);
  expect(() => checkSettings({ cluster: clusterSettings, ...Object.fromEntries(owners) }, env)).not.toThrow();
});
