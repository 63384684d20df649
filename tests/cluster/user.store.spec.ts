import type { Database } from "@confab/mixins/store/collection.ts";
import { openMongo } from "@confab/mixins/store/mongo.ts";
import { ServiceBroker } from "moleculer";
import { adminStoreSuite } from "../../services/user/store/admin.store.suite.ts";
import { peopleStoreSuite } from "../../services/user/store/people.store.suite.ts";
import { userStoreSuite } from "../../services/user/store/user.store.suite.ts";
import { UserStore } from "../../services/user/store/user.store.ts";
import { describeCluster, mongoUrl } from "../support/parts.ts";

describeCluster("the store of user over MongoDB", () => {
  let database: Database | undefined;
  afterAll(() => database?.close());

  let store: Promise<UserStore> | undefined;
  const open = () => {
    const service = new ServiceBroker({ logger: false }).createService({ name: "user" });
    return (store ??= UserStore.open((database = openMongo(service, mongoUrl("user_store")))));
  };
  userStoreSuite(open);
  peopleStoreSuite(open);
  adminStoreSuite(open);
});
