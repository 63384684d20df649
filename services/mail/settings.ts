import { clusterDeclarations } from "@confab/mixins/cluster.ts";
import { languages } from "@confab/contracts";
import { declareSettings, integer, joinSettings, oneOf, text, url, type Values } from "@confab/mixins/settings.ts";
import { storeSettings } from "@confab/mixins/store/store.mixin.ts";
import { readMailbox } from "./mailbox.ts";

const { NODE_ENV, TRANSPORTER, NAMESPACE, PUBLIC_URL } = clusterDeclarations;

export const mailSettings = declareSettings("mail", {
  NODE_ENV,
  TRANSPORTER,
  NAMESPACE,
  PUBLIC_URL,
  SMTP_URL: url(["smtp", "smtps"], {
    about: "The mail server; without it mails are kept in the dev inbox.",
    secret: true,
    required: "production",
    example: "smtp://user:password@mail.example.com:587",
  }),
  MAIL_FROM: text({
    about: "Who mails come from.",
    default: "Confab <no-reply@localhost>",
    shape: "an address such as Confab <no-reply@example.com>, on one line",
    parse: (given) => (readMailbox(given) ? given : undefined),
  }),
  MAIL_EHLO_NAME: text({ about: "The name by which this server greets the mail server; the machine's own where left out." }),
  MAIL_PER_SECOND: integer({
    about: "Mails that a node hands to the mail server in a second.",
    default: 20,
    min: 1,
    max: 1000,
  }),
  MAILGUN_URL: url(["http", "https"], {
    about: "The domain's address at Mailgun, with the key as password, in place of SMTP_URL.",
    secret: true,
    example: "https://api:key@api.mailgun.net/v3/example.com",
  }),
  DKIM_DOMAIN: text({ about: "The domain that signs the mails; with DKIM_SELECTOR and DKIM_PRIVATE_KEY, or none of the three." }),
  DKIM_SELECTOR: text({ about: "Where the domain publishes the key: <selector>._domainkey.<domain>." }),
  DKIM_PRIVATE_KEY: text({ about: "The key that signs the mails, as PEM; line ends may be written \\n.", secret: true }),
  MAIL_LANGUAGE: oneOf(languages, { about: "The language of mails to people who have not said theirs.", default: "en" }),
  NOTIFY_AFTER_SECONDS: integer({
    about: "Seconds that a mention or direct message lies unread, its reader away, before it is mailed.",
    default: 120,
    min: 1,
    max: 86_400,
  }),
  DIGEST_EVERY_SECONDS: integer({
    about: "Seconds between two looks for messages that somebody may have to be mailed about.",
    default: 15,
    min: 1,
    max: 3600,
  }),
  MAIL_TRIES: integer({
    about: "Tries to hand a mail to the mail server before it is a dead letter.",
    default: 8,
    min: 1,
    max: 20,
  }),
  MAIL_RETRY_SECONDS: integer({
    about: "Seconds before the second try; each further pause is three times as long, an hour at most.",
    default: 5,
    min: 1,
    max: 3600,
  }),
});

export const settings = joinSettings(storeSettings, mailSettings);
export type MailSettings = Values<typeof storeSettings.declarations & typeof mailSettings.declarations>;
