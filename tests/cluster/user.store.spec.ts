import type { Database } from "@confab/mixins/store/collection.ts";
import { openMongo } from "@confab/mixins/store/mongo.ts";
import { ServiceBroker } from "moleculer";
import { userStoreSuite } from "../../services/user/store/user.store.suite.ts";
import { UserStore } from "../../services/user/store/user.store.ts";
import { describeCluster, mongoUrl } from "../support/parts.ts";

describeCluster("the store of user over MongoDB", () => {
  let database: Database | undefined;
  afterAll(() => database?.close());

  userStoreSuite(() => {
    const service = new ServiceBroker({ logger: false }).createService({ name: "user" });
    return UserStore.open((database = openMongo(service, mongoUrl("user_store"))));
  });
});
