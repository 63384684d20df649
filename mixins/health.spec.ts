import type { AddressInfo } from "node:net";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import { healthMiddleware, healthServerOf, healthSettings } from "./health.ts";

const brokers: ServiceBroker[] = [];
const gates: { open: () => void }[] = [];
afterEach(async () => {
  for (const { open } of gates.splice(0)) open();
  for (const broker of brokers.splice(0)) await broker.stop();
});

function node({
  metrics = false,
  transporter,
  service,
}: { metrics?: boolean; transporter?: "Fake"; service?: ServiceSchema } = {}) {
  const settings = { ...healthSettings.read({}), HEALTH_PORT: 0 };
  const broker = new ServiceBroker({ logger: false, metrics, transporter, middlewares: [healthMiddleware(settings)] });
  if (service) broker.createService(service);
  brokers.push(broker);
  return broker;
}

async function ask(broker: ServiceBroker, path: string, method = "GET") {
  const { port } = healthServerOf(broker)!.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers: { "Accept-Encoding": "identity" } });
  return { status: response.status, text: await response.text() };
}

/** Something that a hook waits for, and the sign that it does. */
function gate() {
  let reached!: () => void;
  let open!: () => void;
  const isReached = new Promise<void>((resolve) => (reached = resolve));
  const isOpen = new Promise<void>((resolve) => (open = resolve));
  gates.push({ open });
  return { pass: async () => (reached(), await isOpen), isReached, open };
}

test("is live from the start, and ready only while all services run", async () => {
  const starting = gate();
  const stopping = gate();
  const broker = node({ service: { name: "slow", started: starting.pass, stopped: stopping.pass } });

  const started = broker.start();
  await starting.isReached;
  expect(await ask(broker, "/health/live")).toMatchObject({ status: 200 });
  expect(await ask(broker, "/health/ready")).toEqual({
    status: 503,
    text: JSON.stringify({ status: "not ready", reasons: ["the services have not all started"] }),
  });
  starting.open();
  await started;
  expect(await ask(broker, "/health/ready")).toMatchObject({ status: 200 });

  const stopped = broker.stop();
  await stopping.isReached;
  expect(await ask(broker, "/health/live")).toMatchObject({ status: 200 });
  expect(await ask(broker, "/health/ready")).toMatchObject({ status: 503, text: expect.stringContaining("stopping") as string });
  stopping.open();
  await stopped;
  expect(healthServerOf(broker)!.listening).toBe(false);
});

test("is not ready while the transporter is away", async () => {
  const broker = node({ transporter: "Fake" });
  await broker.start();
  expect(await ask(broker, "/health/ready")).toMatchObject({ status: 200 });
  // What the transporters do when their connection is lost.
  const { tx } = broker.transit as unknown as { tx: { connected: boolean } };
  tx.connected = false;
  expect(await ask(broker, "/health/ready")).toMatchObject({
    status: 503,
    text: expect.stringContaining("transporter") as string,
  });
  tx.connected = true;
  expect(await ask(broker, "/health/ready")).toMatchObject({ status: 200 });
});

test("serves the metrics where they are measured", async () => {
  const measured = node({ metrics: true, service: { name: "some", actions: { thing: () => "done" } } });
  await measured.start();
  await measured.call("some.thing");
  const { status, text } = await ask(measured, "/metrics");
  expect(status).toBe(200);
  expect(text).toMatch(/^moleculer_request_total\{.*action="some\.thing".*\} 1$/m);

  const unmeasured = node();
  await unmeasured.start();
  expect(await ask(unmeasured, "/metrics")).toMatchObject({ status: 404 });
});

test("answers nothing else, and is off where no port is named", async () => {
  const broker = node();
  await broker.start();
  expect(await ask(broker, "/")).toMatchObject({ status: 404 });
  expect(await ask(broker, "/health/live", "POST")).toMatchObject({ status: 405 });

  expect(healthMiddleware(healthSettings.read({}))).toEqual({ name: "Health" });
});

test("a node that has lost its channel for good is neither ready nor live, so that it is started anew", async () => {
  const broker = node({ transporter: "Fake" });
  await broker.start();
  expect(await ask(broker, "/health/live")).toMatchObject({ status: 200 });
  // As the AMQP transporter is left by a broker that closed the channel, but not the connection.
  Object.assign((broker.transit as unknown as { tx: object }).tx, { channel: null });
  expect(await ask(broker, "/health/live")).toMatchObject({ status: 503 });
  expect(await ask(broker, "/health/ready")).toMatchObject({ status: 503, text: expect.stringContaining("channel") as string });
});
