import { openMongo } from "@confab/mixins/store/mongo.ts";
import type { Service } from "moleculer";
import { amplificationSuite } from "../../services/chat/amplification.suite.ts";
import { trustSuite } from "../../services/chat/trust.suite.ts";
import { describeCluster, mongoUrl } from "../support/parts.ts";

describeCluster("snapshots and projections in MongoDB", () => {
  const service = { name: "chat", broker: {}, logger: { info() {}, warn() {}, error() {} }, schema: {} } as unknown as Service;
  let databases = 0;
  const open = () => openMongo(service, mongoUrl(`snapshots${databases++}`));
  trustSuite(open);
  amplificationSuite(open, { members: 300, slow: 300 });
});
