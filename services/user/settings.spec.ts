import { settings } from "./settings.ts";

const cluster = { TRANSPORTER: "amqp://127.0.0.1", MONGO_URL: "mongodb://127.0.0.1/confab", REDIS_URL: "redis://127.0.0.1" };

test("where several nodes may sign, they are given one key", () => {
  expect(settings.check(cluster).faults).toEqual([
    expect.objectContaining({ name: "SIGNING_KEY", wanted: "is missing; several nodes sign with one key" }),
  ]);
  expect(settings.check({}).faults).toEqual([]);
});
