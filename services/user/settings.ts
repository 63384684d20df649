import { accountSettings } from "@confab/mixins/accounts.ts";
import { clusterDeclarations } from "@confab/mixins/cluster.ts";
import { declareSettings, flag, integer, joinSettings, list, oneOf, text, url, type Values } from "@confab/mixins/settings.ts";
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
    OLD_SIGNING_KEYS: list({
      about:
        "Keys that tokens may still or already be signed with, in the form of SIGNING_KEY: to change the key, name the new one here on every node, then make it SIGNING_KEY and name the old one here, then leave that out after ACCESS_MINUTES and CODE_MINUTES (links to archives that were mailed before are good no longer).",
      default: [],
      secret: true,
    }),
    ADMINS: list({ about: "Addresses of people who are administrators from the start, once they have signed in.", default: [] }),
    DIRECTORY: oneOf(["off", "shared", "all"], {
      about:
        "Whom one can find: nobody, people one shares a chat with and by their exact address those who let themselves be found, or everybody.",
      default: "shared",
    }),
    PASSWORD_MEMORY: integer({
      about: "KiB of memory that argon2id takes to hash a password; raised, passwords are hashed anew as people sign in.",
      default: 19_456,
      min: 19_456,
      max: 1_048_576,
    }),
    PASSWORD_PASSES: integer({ about: "Passes of argon2id over that memory.", default: 2, min: 2, max: 50 }),
    TRIES_PER_HOUR: integer({
      about: "Wrong passwords and second factors from one address for one account within an hour.",
      default: 10,
      min: 3,
      max: 100,
    }),
    RECENT_MINUTES: integer({ about: "Minutes after a sign-in that count as recent.", default: 10, min: 1, max: 1440 }),
    ERASE_DAYS: integer({ about: "Days between asking for erasure and the erasure.", default: 7, min: 0, max: 90 }),
    ERASE_MESSAGES: flag({
      about: "Whether erasing an account erases its messages; else they stay without a name.",
      default: false,
    }),
    EXPORT_DAYS: integer({ about: "Days that an archive of one's data is kept.", default: 7, min: 1, max: 30 }),
    PUBLIC_URL: clusterDeclarations.PUBLIC_URL,
    HOST_JWT_SECRET: text({
      about: "The secret of HS256 tokens that the host signs for /auth/exchange, at least 32 characters.",
      secret: true,
      shape: "at least 32 characters",
      parse: (given) => (given.length >= 32 ? given : undefined),
    }),
    HOST_JWKS_URL: url(["http", "https"], {
      about: "Where the host publishes the keys of the tokens that it signs for /auth/exchange.",
      example: "https://app.example.com/.well-known/jwks.json",
    }),
    HOST_JWT_ISSUER: text({ about: "The issuer that the host's tokens must name." }),
    HOST_JWT_AUDIENCE: text({ about: "The audience that the host's tokens must name.", default: "confab" }),
    SESSION_IDLE_DAYS: integer({ about: "Days after which an unused session ends.", default: 30, min: 1, max: 3650 }),
    SESSION_MAX_DAYS: integer({ about: "Days after which any session ends.", default: 90, min: 1, max: 3650 }),
  },
  ({ TRANSPORTER, SIGNING_KEY, OLD_SIGNING_KEYS, HOST_JWT_SECRET, HOST_JWKS_URL, SESSION_IDLE_DAYS, SESSION_MAX_DAYS }) => [
    ...(OLD_SIGNING_KEYS.every(readSigningKey)
      ? []
      : [{ name: "OLD_SIGNING_KEYS", wanted: "must each be in the form of SIGNING_KEY, with commas between them" }]),
    ...(HOST_JWT_SECRET && HOST_JWKS_URL ? [{ name: "HOST_JWKS_URL", wanted: "and HOST_JWT_SECRET exclude each other" }] : []),
    ...(TRANSPORTER && !SIGNING_KEY ? [{ name: "SIGNING_KEY", wanted: "is missing; several nodes sign with one key" }] : []),
    ...(SESSION_IDLE_DAYS > SESSION_MAX_DAYS
      ? [{ name: "SESSION_IDLE_DAYS", wanted: "must not be more than SESSION_MAX_DAYS" }]
      : []),
  ],
);

export const settings = joinSettings(storeSettings, accountSettings, userSettings);
export type UserSettings = Values<
  typeof storeSettings.declarations & typeof accountSettings.declarations & typeof userSettings.declarations
>;
