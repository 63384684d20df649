import { clusterDeclarations } from "@confab/mixins/cluster.ts";
import { edgeSettings } from "@confab/mixins/edge.ts";
import { limitSettings } from "@confab/mixins/limits.ts";
import { originSettings } from "@confab/mixins/origins.ts";
import { declareSettings, joinSettings } from "@confab/mixins/settings.ts";

const { TRANSPORTER, REDIS_URL, NAMESPACE } = clusterDeclarations;

const ioSettings = declareSettings("io", { TRANSPORTER, REDIS_URL, NAMESPACE }, (values) =>
  values.TRANSPORTER && !values.REDIS_URL
    ? [{ name: "REDIS_URL", wanted: "is missing; io nodes hear of each other's rooms through it" }]
    : [],
);

export const settings = joinSettings(edgeSettings, limitSettings, originSettings, ioSettings);
export type IoSettings = ReturnType<typeof settings.read>;
