import { openNedb } from "@confab/mixins/store/nedb.ts";
import { ServiceBroker } from "moleculer";
import { ServerKeyStore } from "./server.keys.store.ts";
import { serverKeyStoreSuite } from "./server.keys.store.suite.ts";

const service = new ServiceBroker({ logger: false }).createService({ name: "user" });
const database = openNedb(service, "memory");
afterAll(() => database.close());

serverKeyStoreSuite(() => ServerKeyStore.open(database));
