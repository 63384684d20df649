import { openNedb } from "@confab/mixins/store/nedb.ts";
import type { Service } from "moleculer";
import { trustSuite } from "./trust.suite.ts";

const owner = { name: "chat", broker: {}, logger: console } as unknown as Service;

trustSuite(() => openNedb(owner, "memory"));
