import { Errors, ServiceBroker } from "moleculer";
import { define } from "./define.ts";
import { problem } from "./problem.ts";
import { brokerOptions, clusterSettings } from "../moleculer.config.ts";

test.each(["production", "development"])("an error is logged without what clients hang on it, in %s", (NODE_ENV) => {
  const lines: unknown[] = [];
  const spy = jest.spyOn(console, "error").mockImplementation((...args) => void lines.push(...args));
  const broker = new ServiceBroker({ ...brokerOptions(clusterSettings.read({ NODE_ENV, LOG_LEVEL: "error" })), middlewares: [] });
  const cause = Object.assign(new Error("invalid password"), { command: { name: "auth", args: ["hunter2"] } });
  broker.logger.error(Object.assign(new Error("no connection", { cause }), { command: { name: "auth", args: ["hunter2"] } }));
  spy.mockRestore();
  const logged = lines.map(String).join(" ");
  expect(logged).toContain("no connection");
  expect(logged).toContain("invalid password");
  expect(logged).not.toContain("hunter2");
});

test.each([
  ["nobody", ","],
  ["somebody twice", "chat,chat"],
  ["somebody unknown", "chat,foo"],
])("SERVICES that name %s are refused", (_name, SERVICES) => {
  expect(() => clusterSettings.read({ SERVICES })).toThrow(/SERVICES: must name some of/);
});

test("a 503 of ours names its own pause, so the broker does not ask again at once; only the framework's are passing", async () => {
  const broker = new ServiceBroker({ ...brokerOptions(clusterSettings.read({ LOG_LEVEL: "fatal" })), middlewares: [] });
  const asked = { full: 0, absent: 0 };
  broker.createService({
    name: "user",
    actions: {
      ...define("user.me.get", () => {
        asked.full++;
        return Promise.reject(problem("unavailable", { retryAfter: 1 }));
      }),
      ...define("user.key.list", () => {
        asked.absent++;
        return Promise.reject(new Errors.ServiceNotAvailableError({ action: "x", nodeID: "y" }));
      }),
    },
  });
  await broker.start();
  await expect(broker.call("user.me.get", {}, { meta: { userId: "ann" } })).rejects.toMatchObject({ type: "unavailable" });
  await expect(broker.call("user.key.list", {})).rejects.toMatchObject({ type: "SERVICE_NOT_AVAILABLE" });
  await broker.stop();
  expect(asked).toEqual({ full: 1, absent: 4 });
});
