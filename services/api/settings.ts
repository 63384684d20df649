import { edgeSettings } from "@confab/mixins/edge.ts";
import { limitSettings } from "@confab/mixins/limits.ts";
import { originSettings } from "@confab/mixins/origins.ts";
import { joinSettings } from "@confab/mixins/settings.ts";

export const settings = joinSettings(edgeSettings, limitSettings, originSettings);
export type ApiSettings = ReturnType<typeof settings.read>;
