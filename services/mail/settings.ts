import { clusterDeclarations } from "@confab/mixins/cluster.ts";
import { declareSettings, integer, joinSettings, text, url, type Values } from "@confab/mixins/settings.ts";
import { storeSettings } from "@confab/mixins/store/store.mixin.ts";
import { readMailbox } from "./mailbox.ts";

const { NODE_ENV, TRANSPORTER, NAMESPACE } = clusterDeclarations;

export const mailSettings = declareSettings("mail", {
  NODE_ENV,
  TRANSPORTER,
  NAMESPACE,
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
