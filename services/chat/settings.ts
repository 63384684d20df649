import { clusterDeclarations } from "@confab/mixins/cluster.ts";
import { limitSettings } from "@confab/mixins/limits.ts";
import { declareSettings, joinSettings } from "@confab/mixins/settings.ts";
import { storeSettings } from "@confab/mixins/store/store.mixin.ts";

const { PUBLIC_URL } = clusterDeclarations;

export const settings = joinSettings(storeSettings, limitSettings, declareSettings("chat", { PUBLIC_URL }));
