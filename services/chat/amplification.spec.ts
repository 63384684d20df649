import { openNedb } from "@confab/mixins/store/nedb.ts";
import type { Service } from "moleculer";
import { amplificationSuite } from "./amplification.suite.ts";

const owner = { name: "chat", broker: {}, logger: console } as unknown as Service;

amplificationSuite(() => openNedb(owner, "memory"));
