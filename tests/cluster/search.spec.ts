import type { Database } from "@confab/mixins/store/collection.ts";
import { openMongo } from "@confab/mixins/store/mongo.ts";
import type { Service } from "moleculer";
import { storeSearchSuite } from "../../services/chat/search/store.search.suite.ts";
import { describeCluster, mongoUrl } from "../support/parts.ts";

describeCluster("the search in MongoDB", () => {
  const service = { name: "chat", broker: {}, logger: { info() {}, warn() {}, error() {} }, schema: {} } as unknown as Service;
  let database: Database | undefined;
  afterAll(() => database?.close());

  storeSearchSuite(() => (database ??= openMongo(service, mongoUrl("chat_search"))));
});
