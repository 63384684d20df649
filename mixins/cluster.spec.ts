import { ServiceBroker } from "moleculer";
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
