import { clusterDeclarations } from "@confab/mixins/cluster.ts";
import { edgeSettings } from "@confab/mixins/edge.ts";
import { limitSettings } from "@confab/mixins/limits.ts";
import { originSettings } from "@confab/mixins/origins.ts";
import { declareSettings, joinSettings } from "@confab/mixins/settings.ts";

const { REDIS_URL, NAMESPACE } = clusterDeclarations;

export const settings = joinSettings(
  edgeSettings,
  limitSettings,
  originSettings,
  declareSettings("io", { REDIS_URL, NAMESPACE }),
);
export type IoSettings = ReturnType<typeof settings.read>;
