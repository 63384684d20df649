import { createTransport } from "nodemailer";
import { inHandAtOnce, within } from "../queue/queue.ts";
import { dkimOf, type DkimSettings } from "./dkim.ts";
import { messageOf } from "./message.ts";
import { judgeSmtp, type SmtpFailure } from "./refusal.ts";
import { readSmtpUrl } from "./smtp.url.ts";
import { Refused, type Hear, type Transport } from "./transport.ts";

/** Milliseconds. A server that is silent for so long has failed, as has one that takes `whole` for one mail; the queue tries again. */
const timeouts = { dns: 10_000, connection: 10_000, greeting: 10_000, socket: 30_000, whole: 120_000 };

interface SmtpOptions extends DkimSettings {
  SMTP_URL: string;
  MAIL_EHLO_NAME?: string;
}

interface Extras {
  timeouts?: Partial<typeof timeouts>;
  hear?: Hear;
}

/** Hands mails to the mail server of SMTP_URL. */
export function smtpTransport(settings: SmtpOptions, extras: Extras = {}): Transport {
  const { host, port, auth, encryption } = readSmtpUrl(settings.SMTP_URL)!;
  const ms = { ...timeouts, ...extras.timeouts };
  const abilities = new Abilities();
  const mailer = createTransport({
    host,
    port,
    auth,
    // Else a server that does not offer it would be spoken to without a sign-in, and would refuse each mail for good.
    forceAuth: auth !== undefined,
    secure: encryption === "start",
    requireTLS: encryption === "require",
    ignoreTLS: encryption === "off",
    name: settings.MAIL_EHLO_NAME,
    dkim: dkimOf(settings),
    pool: true,
    maxConnections: inHandAtOnce,
    // The queue alone tries again.
    maxRequeues: 0,
    dnsTimeout: ms.dns,
    connectionTimeout: ms.connection,
    greetingTimeout: ms.greeting,
    socketTimeout: ms.socket,
    // The dialogue, not the mail's words; it is kept nowhere.
    transactionLog: true,
    logger: {
      debug: ({ tnx, sid }: { tnx?: string; sid?: string }, line: string) => {
        if (tnx !== "client" && tnx !== "server") return;
        abilities.hear(sid ?? "", tnx, line);
        extras.hear?.(tnx, line);
      },
    },
  } as unknown as Parameters<typeof createTransport>[0]);
  return {
    async send(mail, lost) {
      try {
        if (needsSmtpUtf8(mail.to) && !abilities.smtpUtf8) {
          await within(ms.whole, mailer.verify(), "the mail server takes too long");
          if (!abilities.smtpUtf8)
            throw new Refused("the mail server takes no international addresses (SMTPUTF8)", { isAddress: false });
        }
        const message = { ...messageOf(mail), signal: AbortSignal.any([AbortSignal.timeout(ms.whole), ...(lost ? [lost] : [])]) };
        const { response } = (await mailer.sendMail(message)) as { response: string };
        return response;
      } catch (err) {
        throw judgeSmtp(err as SmtpFailure & Error);
      }
    },
    // What the queue has waited for in vain ends here, and does not leave after its job was given back.
    close: () => (mailer.close as (options: { force: boolean }) => void)({ force: true }),
  };
}

/** Whether the part before the @ is more than ASCII; a domain can be written in ASCII and then needs nothing of the server. */
const needsSmtpUtf8 = (address: string) => /[^\x00-\x7f]/.test(address.slice(0, address.lastIndexOf("@")));

/** What the server has said that it can do: nodemailer sends international addresses also where it cannot take them. */
class Abilities {
  smtpUtf8 = false;
  /** Connections that have asked. */
  readonly #asked = new Set<string>();

  hear(connection: string, by: "client" | "server", line: string): void {
    if (by === "client" && line.startsWith("EHLO ")) this.#asked.add(connection);
    // Some servers say it once encrypted only, and then are asked a second time.
    else if (by === "server" && this.#asked.delete(connection)) this.smtpUtf8 ||= /^250[ -]SMTPUTF8\b/im.test(line);
  }
}
