import { hasInbox } from "../policies.ts";
import type { MailSettings, providerSettings } from "../settings.ts";
import type { MailStore } from "../store/mail.store.ts";
import { keyBits, readDkimKey, soundKeyBits } from "./dkim.ts";
import { inboxTransport } from "./inbox.ts";
import { mailgunTransport } from "./mailgun.ts";
import { paced } from "./pace.ts";
import { smtpTransport } from "./smtp.ts";
import type { Hear, Transport } from "./transport.ts";

/** Who sends, by the setting that names them. */
const providers: Record<(typeof providerSettings)[number], (url: string, settings: MailSettings, hear?: Hear) => Transport> = {
  SMTP_URL: (SMTP_URL, settings, hear) => smtpTransport({ ...settings, SMTP_URL }, { hear }),
  MAILGUN_URL: (MAILGUN_URL, settings, hear) => mailgunTransport({ ...settings, MAILGUN_URL }, { hear }),
};

interface Parts {
  settings: MailSettings;
  store: Pick<MailStore, "keepMail">;
  logger: { warn(line: string): void };
  hear?: Hear;
}

/** The one transport that the settings name. */
export function openTransport({ settings, store, logger, hear }: Parts): Transport {
  if (hasInbox(settings)) return inboxTransport(store);
  const bits = settings.DKIM_PRIVATE_KEY ? keyBits(readDkimKey(settings.DKIM_PRIVATE_KEY)!) : soundKeyBits;
  if (bits < soundKeyBits) logger.warn(`DKIM_PRIVATE_KEY has ${bits} bits; ${soundKeyBits} are usual, and wanted by many`);
  const [name, open] = Object.entries(providers).find(([name]) => settings[name as keyof typeof providers] !== undefined)!;
  return paced(open(settings[name as keyof typeof providers]!, settings, hear), settings.MAIL_PER_SECOND);
}
