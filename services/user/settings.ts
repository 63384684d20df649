import { clusterDeclarations } from "@confab/mixins/cluster.ts";
import { declareSettings, integer, joinSettings, text, type Values } from "@confab/mixins/settings.ts";
import { storeSettings } from "@confab/mixins/store/store.mixin.ts";
import { readSigningKey } from "./signing-key.ts";

export const userSettings = declareSettings(
  "user",
  {
    TRANSPORTER: clusterDeclarations.TRANSPORTER,
    SIGNING_KEY: text({
      about:
        "Signs access tokens, the same on every node and wanted wherever there is a TRANSPORTER; left out, one is made and kept in DATA_DIR. Make one by: openssl ecparam -name prime256v1 -genkey -noout",
      shape: "the PEM of a private EC key on P-256, with \\n for its line ends or in base64",
      secret: true,
      required: "production",
      parse: (given) => (readSigningKey(given) ? given : undefined),
    }),
    CODE_MINUTES: integer({ about: "Minutes that a mailed code is good for.", default: 10, min: 1, max: 60 }),
    CODE_TRIES: integer({ about: "Tries to type a mailed code.", default: 5, min: 1, max: 10 }),
    CODES_PER_HOUR: integer({ about: "Codes mailed to one address within an hour.", default: 5, min: 1, max: 100 }),
    ACCESS_MINUTES: integer({ about: "Minutes that an access token is good for.", default: 5, min: 1, max: 60 }),
    REFRESH_GRACE_SECONDS: integer({
      about: "Seconds in which a replaced refresh token answers its successor again.",
      default: 30,
      max: 300,
    }),
    SESSION_IDLE_DAYS: integer({ about: "Days after which an unused session ends.", default: 30, min: 1, max: 3650 }),
    SESSION_MAX_DAYS: integer({ about: "Days after which any session ends.", default: 90, min: 1, max: 3650 }),
  },
  ({ TRANSPORTER, SIGNING_KEY, SESSION_IDLE_DAYS, SESSION_MAX_DAYS }) => [
    ...(TRANSPORTER && !SIGNING_KEY ? [{ name: "SIGNING_KEY", wanted: "is missing; several nodes sign with one key" }] : []),
    ...(SESSION_IDLE_DAYS > SESSION_MAX_DAYS
      ? [{ name: "SESSION_IDLE_DAYS", wanted: "must not be more than SESSION_MAX_DAYS" }]
      : []),
  ],
);

export const settings = joinSettings(storeSettings, userSettings);
export type UserSettings = Values<typeof storeSettings.declarations & typeof userSettings.declarations>;
