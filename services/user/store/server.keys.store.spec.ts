import { openTestStore } from "@confab/mixins/store/testing.ts";
import { ServerKeyStore } from "./server.keys.store.ts";
import { serverKeyStoreSuite } from "./server.keys.store.suite.ts";

const database = openTestStore();
afterAll(() => database.close());

serverKeyStoreSuite(() => ServerKeyStore.open(database));
