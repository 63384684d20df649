import { openNedb } from "@confab/mixins/store/nedb.ts";
import { ServiceBroker } from "moleculer";
import { adminStoreSuite } from "./admin.store.suite.ts";
import { peopleStoreSuite } from "./people.store.suite.ts";
import { UserStore } from "./user.store.ts";
import { userStoreSuite } from "./user.store.suite.ts";

const service = new ServiceBroker({ logger: false }).createService({ name: "user" });
const database = openNedb(service, "memory");
afterAll(() => database.close());

userStoreSuite(() => UserStore.open(database));
peopleStoreSuite(() => UserStore.open(database));
adminStoreSuite(() => UserStore.open(database));
