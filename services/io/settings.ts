import { addressSettings } from "@confab/mixins/address.ts";
import { clusterDeclarations } from "@confab/mixins/cluster.ts";
import { edgeSettings } from "@confab/mixins/edge.ts";
import { limitSettings } from "@confab/mixins/limits.ts";
import { originSettings } from "@confab/mixins/origins.ts";
import { rateSettings } from "@confab/mixins/rates.ts";
import { declareSettings, integer, joinSettings } from "@confab/mixins/settings.ts";

const { TRANSPORTER, REDIS_URL, NAMESPACE } = clusterDeclarations;

const ioSettings = declareSettings(
  "io",
  {
    TRANSPORTER,
    REDIS_URL,
    NAMESPACE,
    HEADS_EVERY: integer({
      about: "Seconds, at most, between two looks for entries that were lost on their way; then sockets hear how far all is.",
      default: 25,
      min: 1,
    }),
    PRESENCE_LEASE: integer({
      about: "Seconds after which people are offline whose node has died.",
      default: 30,
      min: 1,
      max: 3600,
    }),
    AWAY_AFTER: integer({ about: "Seconds without a sign of activity after which somebody is away.", default: 300, min: 1 }),
    MAX_UNSENT: integer({
      about: "Bytes that may wait for a client that does not read, before it is cut off.",
      default: 1_048_576,
      min: 65_536,
    }),
  },
  (values) =>
    values.TRANSPORTER && !values.REDIS_URL
      ? [{ name: "REDIS_URL", wanted: "is missing; io nodes hear of each other's rooms through it" }]
      : [],
);

export const settings = joinSettings(edgeSettings, limitSettings, originSettings, addressSettings, rateSettings, ioSettings);
export type IoSettings = ReturnType<typeof settings.read>;
