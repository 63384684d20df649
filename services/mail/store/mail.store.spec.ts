import { openNedb } from "@confab/mixins/store/nedb.ts";
import { ServiceBroker } from "moleculer";
import { MailStore } from "./mail.store.ts";
import { mailStoreSuite } from "./mail.store.suite.ts";

const service = new ServiceBroker({ logger: false }).createService({ name: "mail" });
const database = openNedb(service, "memory");
afterAll(() => database.close());

mailStoreSuite(() => MailStore.open(database));
