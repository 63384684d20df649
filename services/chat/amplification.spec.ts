import { openTestStore } from "@confab/mixins/store/testing.ts";
import { amplificationSuite } from "./amplification.suite.ts";

amplificationSuite(() => openTestStore());
