import type { Service } from "moleculer";
import { migrationsSuite } from "./migrations.suite.ts";
import { openNedb } from "./nedb.ts";

migrationsSuite(() => openNedb({ name: "people", broker: {}, logger: console } as unknown as Service, "memory"));
