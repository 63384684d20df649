import type { Database } from "@confab/mixins/store/collection.ts";
import { openMongo } from "@confab/mixins/store/mongo.ts";
import { ServiceBroker } from "moleculer";
import { mailStoreSuite } from "../../services/mail/store/mail.store.suite.ts";
import { MailStore } from "../../services/mail/store/mail.store.ts";
import { describeCluster, mongoUrl } from "../support/parts.ts";

describeCluster("the store of mail over MongoDB", () => {
  let database: Database | undefined;
  afterAll(() => database?.close());

  mailStoreSuite(() => {
    const service = new ServiceBroker({ logger: false }).createService({ name: "mail" });
    return MailStore.open((database = openMongo(service, mongoUrl("mail_store"))));
  });
});
