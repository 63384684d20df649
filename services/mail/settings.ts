import { clusterDeclarations } from "@confab/mixins/cluster.ts";
import { languages } from "@confab/contracts";
import { declareSettings, integer, joinSettings, oneOf, text, type Values } from "@confab/mixins/settings.ts";
import { storeSettings } from "@confab/mixins/store/store.mixin.ts";
import { readMailbox } from "./mailbox.ts";
import { readDkimKey } from "./transports/dkim.ts";
import { mailgunUrlShape, readMailgunUrl } from "./transports/mailgun.url.ts";
import { readSmtpUrl, smtpUrlShape } from "./transports/smtp.url.ts";

const { NODE_ENV, TRANSPORTER, NAMESPACE, PUBLIC_URL } = clusterDeclarations;

/** The settings that each name somebody who sends; `transports/index.ts` says how. */
export const providerSettings = ["SMTP_URL", "MAILGUN_URL"] as const;
const dkimSettings = ["DKIM_DOMAIN", "DKIM_SELECTOR", "DKIM_PRIVATE_KEY"] as const;

const hostName = /^[a-z\d_]([a-z\d_-]*[a-z\d])?(\.[a-z\d_]([a-z\d_-]*[a-z\d])?)*$/i;

const declarations = {
  NODE_ENV,
  TRANSPORTER,
  NAMESPACE,
  PUBLIC_URL,
  SMTP_URL: text({
    about: "The mail server; without it and MAILGUN_URL mails are kept in the dev inbox. Production wants one of the two.",
    shape: smtpUrlShape,
    secret: true,
    example: "smtp://user:password@mail.example.com:587",
    parse: (given) => (readSmtpUrl(given) ? given : undefined),
  }),
  MAIL_FROM: text({
    about: "Who mails come from.",
    default: "Confab <no-reply@localhost>",
    shape: "an address such as Confab <no-reply@example.com>, on one line",
    parse: (given) => (readMailbox(given) ? given : undefined),
  }),
  MAIL_EHLO_NAME: text({
    about: "The name by which this server greets the mail server; the machine's own where left out.",
    shape: "a host name, or an address in brackets",
    parse: (given) => (hostName.test(given) || /^\[[\da-f:.]+\]$/i.test(given) ? given : undefined),
  }),
  MAIL_PER_SECOND: integer({
    about: "Mails that a node hands to the mail server in a second.",
    default: 20,
    min: 1,
    max: 1000,
  }),
  MAILGUN_URL: text({
    about: "The domain's address at Mailgun, with the key as password, in place of SMTP_URL.",
    shape: mailgunUrlShape,
    secret: true,
    example: "https://api:key@api.mailgun.net/v3/example.com",
    parse: (given) => (readMailgunUrl(given) ? given : undefined),
  }),
  DKIM_DOMAIN: text({
    about: "The domain that signs the mails; with DKIM_SELECTOR and DKIM_PRIVATE_KEY, or none of the three.",
    shape: "a domain",
    parse: (given) => (hostName.test(given) ? given : undefined),
  }),
  DKIM_SELECTOR: text({
    about: "Where the domain publishes the key: <selector>._domainkey.<domain>.",
    shape: "a name as domains have it",
    parse: (given) => (hostName.test(given) ? given : undefined),
  }),
  DKIM_PRIVATE_KEY: text({
    about: "The key that signs the mails. Make one by: openssl genrsa 2048",
    shape: "the PEM of a private RSA key of 1024 bits or more, with \\n for its line ends or in base64",
    secret: true,
    parse: (given) => (readDkimKey(given) ? given : undefined),
  }),
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
};

export const mailSettings = declareSettings("mail", declarations, (values) => {
  const named = providerSettings.filter((name) => values[name] !== undefined);
  const missing = dkimSettings.filter((name) => values[name] === undefined);
  const together = `is missing: ${dkimSettings.join(", ")} are set together or not at all`;
  return [
    ...(named.length === 0 && values.NODE_ENV === "production"
      ? [{ name: "SMTP_URL", wanted: `is missing; in production ${providerSettings.join(" or ")} must be set` }]
      : []),
    ...(named.length > 1 ? [{ name: named[1]!, wanted: `excludes ${named[0]}: one of them sends` }] : []),
    ...(missing.length > 0 && missing.length < dkimSettings.length ? [{ name: missing[0]!, wanted: together }] : []),
  ];
});

export const settings = joinSettings(storeSettings, mailSettings);
/** Those that say who sends, and how. */
export type SendingSettings = Values<typeof declarations>;
export type MailSettings = Values<typeof storeSettings.declarations & typeof mailSettings.declarations>;
