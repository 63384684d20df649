import { inMemory, openNedb } from "@confab/mixins/store/nedb.ts";
import type { Service } from "moleculer";
import { storeSearchSuite } from "./store.search.suite.ts";

const database = openNedb({ name: "chat", broker: {}, logger: console } as unknown as Service, inMemory);
afterAll(() => database.close());

storeSearchSuite(() => database);
