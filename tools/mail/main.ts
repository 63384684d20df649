// npm run mail:test -- you@example.org
//
// Sends one mail by the settings of a node, through what sends all others, and shows the dialogue with the mail server; where it
// does not go, what is probably wrong. Ends with 0 where the server took it. No password and no key is shown.

import { randomUUID } from "node:crypto";
import { Resolver } from "node:dns/promises";
import { SettingsError } from "@confab/mixins/settings.ts";
import { messageIdOf } from "../../services/mail/job.ts";
import type { Mail } from "../../services/mail/mail.ts";
import { readMailbox } from "../../services/mail/mailbox.ts";
import { mailSettings, providerSettings } from "../../services/mail/settings.ts";
import { openProvider } from "../../services/mail/transports/index.ts";
import { readMailgunUrl } from "../../services/mail/transports/mailgun.url.ts";
import { readSmtpUrl, type Encryption } from "../../services/mail/transports/smtp.url.ts";
import { cureOf, type Way } from "./cures.ts";
import { presenter } from "./dialogue.ts";
import { findRecords } from "./records.ts";

const encryptions: Record<Encryption, string> = {
  start: "encrypted from the first byte",
  require: "encrypted by STARTTLS, or not at all",
  offered: "encrypted by STARTTLS if the server offers it",
  off: "not encrypted",
};

class Wording extends Error {}

try {
  process.exitCode = (await run(process.argv.slice(2))) ? 0 : 1;
} catch (err) {
  console.error(err instanceof Wording || err instanceof SettingsError ? err.message : err);
  process.exitCode = 1;
}

/** Whether the mail went. */
async function run([to, ...more]: string[]): Promise<boolean> {
  if (to === undefined || more.length > 0 || readMailbox(to)?.address !== to)
    throw new Wording("Say one plain address to send to: npm run mail:test -- you@example.org");
  const settings = mailSettings.read();
  const sender = readMailbox(settings.MAIL_FROM)!;
  const smtp = settings.SMTP_URL ? readSmtpUrl(settings.SMTP_URL) : undefined;
  const key = settings.MAILGUN_URL ? readMailgunUrl(settings.MAILGUN_URL)!.key : undefined;
  // With the forms in which they are said.
  const secrets = [
    ...(smtp?.auth ? [`\0${smtp.auth.user}\0${smtp.auth.pass}`, smtp.auth.pass] : []),
    ...(key ? [`api:${key}`, key] : []),
  ];
  const show = presenter(secrets);
  const transport = openProvider(settings, (by, line) => console.log(show.line(by, line)));
  if (!transport)
    throw new Wording(
      `Neither ${providerSettings.join(" nor ")} is set: nothing is sent, and mails are kept in the dev inbox (/dev/inbox).`,
    );

  const by = smtp
    ? `${smtp.host}, port ${smtp.port}, ${encryptions[smtp.encryption]}${smtp.auth ? ", with a sign-in" : ""}`
    : "Mailgun";
  console.log(`From ${settings.MAIL_FROM} to ${to}, by ${by}.\n`);
  const hasGone = await transport.send(testMail(settings.MAIL_FROM, to)).then(
    () => {
      console.log("\nIt went: the server has taken the mail. Whether it lies in the inbox or among the spam, look there.");
      return true;
    },
    (err: unknown) => {
      const words = err instanceof Error ? err.message : String(err);
      const way: Way = { from: sender.address, to, ...(smtp ? { smtp: { ...smtp, hasAuth: smtp.auth !== undefined } } : {}) };
      console.log(`\nIt did not go: ${show.words(words)}\n\n${cureOf(err, way)}`);
      return false;
    },
  );
  transport.close();

  console.log("\nWhat the DNS says of the sender:");
  const resolver = new Resolver({ timeout: 3000, tries: 1 });
  for (const { state, words } of await findRecords(sender.address, settings, (name) => resolver.resolveTxt(name)))
    console.log(`  ${state.padEnd(9)}${words}`);
  return hasGone;
}

function testMail(from: string, to: string): Mail {
  const jobId = randomUUID();
  const words = "This mail was sent by npm run mail:test. If you can read it, Confab can send mails.";
  return {
    jobId,
    messageId: messageIdOf(jobId, from),
    from,
    to,
    subject: "A test mail from Confab",
    text: `${words}\n`,
    html: `<!doctype html><html lang="en"><body><p>${words}</p></body></html>`,
    headers: { "Auto-Submitted": "auto-generated" },
  };
}
