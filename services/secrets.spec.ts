import { generateKeyPairSync } from "node:crypto";
import { ServiceBroker } from "moleculer";
import { edgeMiddleware, edgeSettings } from "../mixins/edge.ts";
import { brokerOptions, clusterSettings } from "../moleculer.config.ts";
import { services } from "../node.ts";

test("what a node tells the others of itself holds no secret", async () => {
  const secrets = {
    SIGNING_KEY: generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "pem", type: "pkcs8" }) as string,
    SMTP_URL: "smtp://mailer:secret-of-smtp@127.0.0.1",
    MONGO_URL: "mongodb://confab:secret-of-mongo@127.0.0.1/confab?replicaSet=rs0",
    REDIS_URL: "redis://:secret-of-redis@127.0.0.1:6379",
    TRANSPORTER: "amqp://confab:secret-of-rabbit@127.0.0.1:5672",
  };
  const env = {
    ...secrets,
    HOST_JWT_SECRET: "secret-of-the-host-and-of-nobody-else",
    NODE_ENV: "production",
    PUBLIC_URL: "https://chat.example.com",
  };
  // Nothing is connected: the broker is made, its services are registered, and none is started.
  const broker = new ServiceBroker({
    ...brokerOptions(clusterSettings.read(env)),
    transporter: null,
    cacher: false,
    tracking: { enabled: false },
    logger: false,
    middlewares: [edgeMiddleware(edgeSettings.read(env))],
  });
  for (const { load } of Object.values(services)) {
    const made: object = broker.createService((await load()).default(env));
    broker.registerLocalService((made as { _serviceSpecification: never })._serviceSpecification);
  }

  const info = broker.registry.getLocalNodeInfo(true) as unknown as { services: { name: string; settings: object }[] };
  const told = JSON.stringify(info);
  expect(info.services.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(services)));
  // It does tell the settings that are no secrets.
  expect(told).toContain("CODES_PER_HOUR");
  for (const [name, secret] of Object.entries(secrets)) {
    for (const part of [secret, JSON.stringify(secret).slice(1, -1), "secret-of"])
      expect({ name, found: told.includes(part) }).toEqual({ name, found: false });
  }
});
