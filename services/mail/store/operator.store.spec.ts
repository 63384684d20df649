import { openTestStore } from "@confab/mixins/store/testing.ts";
import { ServiceBroker } from "moleculer";
import type { MailService } from "../service.ts";
import { openStores } from "./open.ts";
import { operatorStoreSuite } from "./operator.store.suite.ts";

const service = new ServiceBroker({ logger: false }).createService({ name: "mail" }) as MailService;
const database = openTestStore();
afterAll(() => database.close());

// Embedded there is one process.
operatorStoreSuite(async () => {
  const store = await openStores(database, service);
  return { store, operators: service.operators, declines: [service.declines, service.declines] };
});
