import { openTestStore } from "@confab/mixins/store/testing.ts";
import { storeSearchSuite } from "./store.search.suite.ts";

const database = openTestStore();
afterAll(() => database.close());

storeSearchSuite(() => database);
