import { openTestStore } from "@confab/mixins/store/testing.ts";
import { trustSuite } from "./trust.suite.ts";

trustSuite(() => openTestStore());
