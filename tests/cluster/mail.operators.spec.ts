import type { Database } from "@confab/mixins/store/collection.ts";
import { openMongo } from "@confab/mixins/store/mongo.ts";
import { ServiceBroker } from "moleculer";
import type { MailService } from "../../services/mail/service.ts";
import { openStores } from "../../services/mail/store/open.ts";
import { operatorStoreSuite } from "../../services/mail/store/operator.store.suite.ts";
import { describeCluster, mongoUrl } from "../support/parts.ts";

describeCluster("what operators ask of mail over MongoDB", () => {
  const databases: Database[] = [];
  afterAll(() => Promise.all(databases.map((database) => database.close())));

  async function node() {
    const service = new ServiceBroker({ logger: false }).createService({ name: "mail" }) as MailService;
    const database = openMongo(service, mongoUrl("mail_operators"));
    databases.push(database);
    return { store: await openStores(database, service), operators: service.operators, declines: service.declines };
  }
  operatorStoreSuite(async () => {
    const [one, other] = [await node(), await node()];
    return { ...one, declines: [one.declines, other.declines] };
  });
});
