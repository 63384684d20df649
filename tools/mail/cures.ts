import type { SmtpFailure } from "../../services/mail/transports/refusal.ts";
import { Refused } from "../../services/mail/transports/transport.ts";
import type { Encryption } from "../../services/mail/transports/smtp.url.ts";

/** How the mail was sent. */
export interface Way {
  /** Left out: by Mailgun. */
  smtp?: { host: string; port: number; encryption: Encryption; hasAuth: boolean };
  from: string;
  to: string;
}

type Failure = Partial<SmtpFailure> & Error & { originalCode?: string };

/** What is probably wrong, and what to do about it, in plain words. */
export function cureOf(err: unknown, way: Way): string {
  const failure = (err instanceof Refused && err.cause instanceof Error ? err.cause : err) as Failure;
  return (
    (way.smtp ? smtpCure(failure, err instanceof Refused, way.smtp, way) : mailgunCure(failure, err instanceof Refused, way)) ??
    unknown
  );
}

const unknown = "This fault is none of the usual ones. The dialogue above shows the last thing that was said.";

/** Codes of Node and OpenSSL. */
const certificates: Record<string, string> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "it is signed by itself",
  SELF_SIGNED_CERT_IN_CHAIN: "it comes from an authority that this machine does not know",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "the server does not send the certificates between its own and a known authority",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "it comes from an authority that this machine does not know",
  UNABLE_TO_GET_ISSUER_CERT: "it comes from an authority that this machine does not know",
  CERT_HAS_EXPIRED: "it has expired, or the clock of this machine is wrong",
  CERT_NOT_YET_VALID: "it is not good yet, or the clock of this machine is wrong",
  ERR_TLS_CERT_ALTNAME_INVALID: "it is for another name",
};

function smtpCure(failure: Failure, isRefused: boolean, smtp: NonNullable<Way["smtp"]>, { from, to }: Way): string | undefined {
  const { code, originalCode, message } = failure;
  const where = `${smtp.host}, port ${smtp.port}`;
  const certificate = certificates[originalCode ?? ""];

  if (certificate)
    return [
      `The server's certificate is not to be trusted: ${certificate}.`,
      "Name the server in SMTP_URL as its certificate does. If the authority is your own, name its certificate by NODE_EXTRA_CA_CERTS.",
      "A relay on your own machine or inner network may be spoken to without encryption: ?tls=off.",
    ].join("\n");
  if (originalCode === "ECONNREFUSED")
    return `Nobody listens on ${where}. Is the port right (587 or 25 with smtp://, 465 with smtps://), and does the server run?`;
  if (code === "EDNS" || originalCode === "ENOTFOUND")
    return `The name ${smtp.host} is not to be found in DNS, or the DNS does not answer here. Is it misspelt in SMTP_URL?`;
  if (originalCode === "EHOSTUNREACH" || originalCode === "ENETUNREACH")
    return `There is no way from here to ${where}. A firewall or the network's routes keep it apart.`;
  if (smtp.encryption === "start" && isOfTls(failure))
    return `The server does not speak TLS from the first byte on port ${smtp.port}. Use smtp:// there, or the port for smtps://, mostly 465.`;
  if (code === "ETIMEDOUT" && /greeting/i.test(message))
    return smtp.encryption === "start"
      ? `${where} took the connection and said nothing. Something stands between, or the server is overloaded.`
      : `${where} took the connection and said nothing. If the port wants TLS from the first byte, as 465 does, use smtps://.`;
  if (code === "ETIMEDOUT" && /connection timeout/i.test(message))
    return `${where} does not answer at all. Firewalls do that, and many hosters close port 25, some 587 and 465 too: ask yours, or try 2525.`;
  if (code === "ETIMEDOUT" || code === "EABORT")
    return "The server stopped answering in the middle. It may be overloaded, or something between drops the connection. The queue tries such mails again.";
  if (code === "ETLS" && failure.response)
    return "The server offers no STARTTLS, and SMTP_URL asks for it (as a password in it does). Use smtps:// if it speaks TLS on another port; for a relay of your own ?tls=off.";
  if (isOfTls(failure)) return "Encryption could not be agreed on. The server may only speak versions of TLS that are too old.";
  if (code === "EAUTH")
    return failure.response && /^5/.test(failure.response)
      ? [
          "The server does not take the name and password of SMTP_URL.",
          "Characters such as @ : / in them must be written as %40 %3A %2F. Many providers want a password made for programs, or that SMTP is allowed first.",
        ].join("\n")
      : "The sign-in did not come about: the server offers none, or none that we speak (PLAIN, LOGIN, CRAM-MD5). It may offer it only once encrypted, or on another port.";
  if (failure.responseCode === 421)
    return "The server sends us away for now: too many connections, or it is going down. The queue tries such mails again.";
  if (code === "ECONNECTION" || code === "ESOCKET" || code === "EPROTOCOL")
    return `${where} hung up, or answered as no mail server does. It may not want this machine (is its address on a blocklist? does its name resolve both ways?), or the port is another service's.`;
  return answerCure(failure, isRefused, smtp.hasAuth, from, to);
}

const isOfTls = ({ code, originalCode, message }: Failure) =>
  code === "ETLS" || /^(ERR_SSL|ERR_TLS|EPROTO)/.test(originalCode ?? "") || /SSL routines|wrong version number/i.test(message);

/** Where the server has spoken about the mail. */
function answerCure(failure: Failure, isRefused: boolean, hasAuth: boolean, from: string, to: string): string | undefined {
  const { command, responseCode = 0, response = "", message } = failure;
  if (message.includes("SMTPUTF8"))
    return `The server takes only ASCII before the @. ${to} cannot be written to through it; another server may do (SMTPUTF8).`;
  if (/\brelay/i.test(response))
    return `The server does not send to other domains for us. ${hasAuth ? "It wants another account, or" : "It wants a sign-in: put user:password@ into SMTP_URL, or"} this machine's address on its list of those who may.`;
  if (responseCode === 530 || /^5\d\d[ -]5\.7\.(0|8|9|11)\b/.test(response))
    return hasAuth
      ? "The server does not let this account do that, or wants the connection encrypted first."
      : "The server wants a sign-in: put user:password@ into SMTP_URL.";
  if (responseCode === 450 || responseCode === 451 || /greylist|try again/i.test(response))
    return responseCode < 500
      ? "The server puts us off. Many do so at the first mail from somebody they do not know (greylisting); the queue tries such mails again, and this goes through after some minutes."
      : undefined;
  if (responseCode === 452 || responseCode === 552 || /^5\d\d[ -]5\.2\.2\b/.test(response))
    return "The mailbox is full, or the mail is too big for the server. Try another address.";
  if (command === "MAIL FROM" || /^5\d\d[ -]5\.1\.[78]\b/.test(response) || /sender|send as/i.test(response))
    return `The server does not let us send as ${from}. MAIL_FROM must be an address that ${hasAuth ? "this account" : "this machine"} may use, at a domain that exists.`;
  if (!isRefused) return undefined;
  if (/^5\d\d[ -]5\.(1\.|2\.1)/.test(response) || command === "RCPT TO")
    return `The server does not know, or does not take, ${to}. Is it misspelt? Notifications and digests are no longer sent to an address that was refused like this.`;
  return `The server does not want this mail. Mostly that is about who sends: look at the records of DNS below, and whether this machine's address is on a blocklist.`;
}

function mailgunCure(failure: Failure, isRefused: boolean, { from, to }: Way): string | undefined {
  const { code, responseCode, message } = failure;
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return "The host of MAILGUN_URL is not to be found in DNS, or the DNS does not answer here.";
  if (code === "ECONNREFUSED") return "Nobody listens where MAILGUN_URL points.";
  if (code === "TimeoutError" || code === "UND_ERR_CONNECT_TIMEOUT")
    return "Mailgun does not answer. Does a firewall let HTTPS out?";
  if ((code ?? "") in certificates) return `The certificate is not to be trusted: ${certificates[code!]}.`;
  if (responseCode === 401)
    return "Mailgun does not take the key of MAILGUN_URL. It is the private API key, or a sending key of this domain.";
  if (responseCode === 402 || responseCode === 403)
    return "Mailgun does not let this account or domain send: is the domain verified, is the account active? A sandbox domain sends to authorized recipients only.";
  if (responseCode === 404)
    return "Mailgun does not know the domain of MAILGUN_URL. Domains in Europe are at https://api.eu.mailgun.net.";
  if (responseCode === 429)
    return "Too many mails at once for this account. The queue tries such mails again; lower MAIL_PER_SECOND.";
  if (responseCode !== undefined && responseCode >= 500)
    return "Mailgun has a fault of its own. The queue tries such mails again.";
  if (responseCode !== undefined && responseCode >= 300 && responseCode < 400)
    return "MAILGUN_URL points to where Mailgun is not: it answered by sending us elsewhere, where we do not go with the key.";
  if (isRefused && /\bto\b.*not a valid address/i.test(message)) return `Mailgun takes ${to} for no address. Is it misspelt?`;
  if (isRefused && /\bfrom\b/i.test(message)) return `Mailgun does not take ${from} of MAIL_FROM.`;
  return undefined;
}
