import { limitSettings } from "@confab/mixins/limits.ts";
import { joinSettings } from "@confab/mixins/settings.ts";
import { storeSettings } from "@confab/mixins/store/store.mixin.ts";

export const settings = joinSettings(storeSettings, limitSettings);
