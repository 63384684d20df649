import type { Database } from "@confab/mixins/store/collection.ts";
import { openMongo } from "@confab/mixins/store/mongo.ts";
import { ServiceBroker } from "moleculer";
import { serverKeyStoreSuite } from "../../services/user/store/server.keys.store.suite.ts";
import { ServerKeyStore } from "../../services/user/store/server.keys.store.ts";
import { describeCluster, mongoUrl } from "../support/parts.ts";

describeCluster("the store of server keys over MongoDB", () => {
  let database: Database | undefined;
  afterAll(() => database?.close());

  serverKeyStoreSuite(() => {
    const service = new ServiceBroker({ logger: false }).createService({ name: "user" });
    return ServerKeyStore.open((database = openMongo(service, mongoUrl("server_key_store"))));
  });
});
