import type { Database } from "@confab/mixins/store/collection.ts";
import { openNedb } from "@confab/mixins/store/nedb.ts";
import { ServiceBroker } from "moleculer";
import type { MailService } from "../service.ts";
import * as documents from "./documents.ts";
import type { StoredJob } from "./documents.ts";
import { openStores } from "./open.ts";
import { OperatorStore } from "./operator.store.ts";
import { operatorStoreSuite } from "./operator.store.suite.ts";

const service = new ServiceBroker({ logger: false }).createService({ name: "mail" }) as MailService;
const database = openNedb(service, "memory");
afterAll(() => database.close());

// Embedded there is one process.
operatorStoreSuite(async () => {
  const store = await openStores(database, service);
  return { store, operators: service.operators, declines: [service.declines, service.declines] };
});

test.each(["sent", "dead"] as const)(
  "G9: what the version before has ended as %s since it was replayed waits no more",
  async (state) => {
    const jobs = await database.collection(documents.jobs);
    const operators = await OperatorStore.open({ ...database, collection: async () => jobs } as unknown as Database);
    const job = { _id: "one", template: "code", messageId: "<one@example.org>", failures: 0, acceptedAt: 1, replayedAt: 2 };
    await jobs.insert({ ...job, state, endedAt: 3 } satisfies StoredJob);
    expect(await operators.oldestReplayed()).toBeNull();
  },
);
