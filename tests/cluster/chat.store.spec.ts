import { openMongo } from "@confab/mixins/store/mongo.ts";
import type { Service } from "moleculer";
import { ChatStore } from "../../services/chat/store/chat.store.ts";
import { chatStoreSuite } from "../../services/chat/store/chat.store.suite.ts";
import { describeCluster, mongoUrl } from "../support/parts.ts";

describeCluster("the chat store in MongoDB", () => {
  const service = { name: "chat", broker: {}, logger: { info() {}, warn() {}, error() {} }, schema: {} } as unknown as Service;
  const opened: { close(): Promise<void> }[] = [];
  afterAll(async () => {
    for (const database of opened) await database.close();
  });
  chatStoreSuite(() => {
    const database = openMongo(service, mongoUrl("chat_store"));
    opened.push(database);
    return ChatStore.open(database);
  });
});
