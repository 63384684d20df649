import { migrationsSuite } from "./migrations.suite.ts";
import { openTestStore } from "./testing.ts";

migrationsSuite(() => openTestStore("people"));
