import type { Database } from "@confab/mixins/store/collection.ts";
import { openMongo } from "@confab/mixins/store/mongo.ts";
import { ServiceBroker } from "moleculer";
import { DigestStore } from "../../services/mail/store/digest.store.ts";
import { digestStoreSuite } from "../../services/mail/store/digest.store.suite.ts";
import { describeCluster, mongoUrl } from "../support/parts.ts";

describeCluster("what digests keep, over MongoDB", () => {
  const databases: Database[] = [];
  afterAll(() => Promise.all(databases.map((database) => database.close())));

  digestStoreSuite(() => {
    const service = new ServiceBroker({ logger: false }).createService({ name: "mail" });
    databases.push(openMongo(service, mongoUrl("digest_store")));
    return DigestStore.open(databases.at(-1)!);
  });
});
