import { define } from "@confab/mixins/define.ts";
import { ContractValidator } from "@confab/mixins/validator.ts";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import { v7 as uuid } from "uuid";
import { makeJob } from "../job.ts";
import { whyUnwanted } from "./wanted.ts";

test("where chat is there and does not answer, a mail that had to wait is sent after a moment", async () => {
  // As nodes have them.
  const retryPolicy = { enabled: false, retries: 3, delay: 100, maxDelay: 1000, factor: 2, check: () => true };
  const broker = new ServiceBroker({ logger: false, requestTimeout: 5000, retryPolicy, validator: new ContractValidator() });
  const asked = jest.fn(() => new Promise<never>(() => {}));
  broker.createService({ name: "chat", actions: define("chat.digest.read", asked) } as ServiceSchema);
  const recipients = define("user.recipient.list", async () => ({ items: [] }));
  broker.createService({ name: "user", actions: recipients } as ServiceSchema);
  await broker.start();
  try {
    const data = { userId: uuid(), name: "Ann", chats: [], more: 0, url: "http://localhost/" };
    const job = makeJob({ template: "digest", to: "ann@example.org", data }, "confab@example.org");
    const startedAt = performance.now();
    expect(await whyUnwanted(broker, { ...job, acceptedAt: 0 })).toBeUndefined();
    expect(performance.now() - startedAt).toBeLessThan(4000);
    expect(asked).toHaveBeenCalledTimes(1);
  } finally {
    await broker.stop();
  }
});
