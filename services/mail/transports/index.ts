import { hasInbox } from "../policies.ts";
import { providerSettings, type MailSettings, type SendingSettings } from "../settings.ts";
import type { MailStore } from "../store/mail.store.ts";
import { keyBits, readDkimKey, soundKeyBits } from "./dkim.ts";
import { inboxTransport } from "./inbox.ts";
import { mailgunTransport } from "./mailgun.ts";
import { paced } from "./pace.ts";
import { smtpTransport } from "./smtp.ts";
import type { Hear, Transport } from "./transport.ts";

/** Who sends, by the setting that names them. */
const providers: Record<(typeof providerSettings)[number], (url: string, settings: SendingSettings, hear?: Hear) => Transport> = {
  SMTP_URL: (SMTP_URL, settings, hear) => smtpTransport({ ...settings, SMTP_URL }, { hear }),
  MAILGUN_URL: (MAILGUN_URL, settings, hear) => mailgunTransport({ ...settings, MAILGUN_URL }, { hear }),
};

/** Hands mails to whom the settings name; nothing where they name nobody. */
export function openProvider(settings: SendingSettings, hear?: Hear): Transport | undefined {
  const name = providerSettings.find((name) => settings[name] !== undefined);
  return name && paced(providers[name](settings[name]!, settings, hear), settings.MAIL_PER_SECOND);
}

interface Parts {
  settings: MailSettings;
  store: Pick<MailStore, "keepMail">;
  logger: { warn(line: string): void };
}

/** The provider of the settings, or the dev inbox. */
export function openTransport({ settings, store, logger }: Parts): Transport {
  const bits = settings.DKIM_PRIVATE_KEY ? keyBits(readDkimKey(settings.DKIM_PRIVATE_KEY)!) : soundKeyBits;
  if (bits < soundKeyBits) logger.warn(`DKIM_PRIVATE_KEY has ${bits} bits; ${soundKeyBits} are usual, and wanted by many`);
  return hasInbox(settings) ? inboxTransport(store) : openProvider(settings)!;
}
