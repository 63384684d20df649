import { openTestStore } from "@confab/mixins/store/testing.ts";
import { adminStoreSuite } from "./admin.store.suite.ts";
import { peopleStoreSuite } from "./people.store.suite.ts";
import { UserStore } from "./user.store.ts";
import { userStoreSuite } from "./user.store.suite.ts";

const database = openTestStore();
afterAll(() => database.close());

userStoreSuite(() => UserStore.open(database));
peopleStoreSuite(() => UserStore.open(database));
adminStoreSuite(() => UserStore.open(database));
