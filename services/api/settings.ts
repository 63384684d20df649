import { accountSettings } from "@confab/mixins/accounts.ts";
import { addressSettings } from "@confab/mixins/address.ts";
import { edgeSettings } from "@confab/mixins/edge.ts";
import { limitSettings } from "@confab/mixins/limits.ts";
import { originSettings } from "@confab/mixins/origins.ts";
import { rateSettings } from "@confab/mixins/rates.ts";
import { joinSettings } from "@confab/mixins/settings.ts";

export const settings = joinSettings(edgeSettings, limitSettings, originSettings, addressSettings, accountSettings, rateSettings);
export type ApiSettings = ReturnType<typeof settings.read>;
