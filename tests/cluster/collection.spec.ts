import { collectionSuite } from "@confab/mixins/store/collection.suite.ts";
import type { Database } from "@confab/mixins/store/collection.ts";
import { openMongo } from "@confab/mixins/store/mongo.ts";
import type { Service } from "moleculer";
import { describeCluster, mongoUrl } from "../support/parts.ts";

describeCluster("collections in MongoDB", () => {
  const service = { name: "things", broker: {}, logger: { info() {}, warn() {}, error() {} }, schema: {} } as unknown as Service;
  let database: Database | undefined;
  afterAll(() => database?.close());
  collectionSuite(() => (database = openMongo(service, mongoUrl("collections"))));
});
