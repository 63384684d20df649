import { Refused } from "./transport.ts";

/** What nodemailer tells of a failure. */
export interface SmtpFailure {
  code?: string;
  /** What was said to the server: `MAIL FROM`, `RCPT TO`, `DATA`, or one before there was a mail. */
  command?: string;
  responseCode?: number;
  /** The server's words, numbers before them. */
  response?: string;
}

/** Enhanced status codes (RFC 3463, and IANA's list) that say of the reader's address that it takes no mail. */
const ofAddress = /^5\.(1\.([1-6]|10)|2\.1)$/;
/** Something of an address, the reader's or the sender's. */
const ofSomeAddress = "5.1.0";
/** The same of servers that give no enhanced code: no such mailbox, moved, misspelt, a domain without mail. */
const ofMailbox = new Set([550, 551, 553, 556]);
/** What a server is about that says 550 of anything. */
const ofPolicy = /\b(spam|spf|dkim|dmarc|block|black|polic|sender|reputation|authenti)/i;

/** We are not whom the server wants to hear: its operator's and ours to mend, no mail's fault. */
const ofSession = new Set([530, 534, 535, 538]);
const ofSignIn = /^5\.7\.(8|9|11|14)$/;
const ofRelay = /\brelay/i;

/**
 * What `Transport.send` throws for a failure of SMTP: `Refused` where the server has said a last word on this mail, else the
 * failure itself, to be tried again. Faults of the connection, of TLS, of the sign-in and of what the server lets us do at all
 * are not last words: an operator's mistake must not kill each mail that meets it.
 */
export function judgeSmtp(failure: SmtpFailure & Error): Error {
  const { code, command, responseCode = 0, response = "" } = failure;
  const isOfMail = (code === "EENVELOPE" || code === "EMESSAGE") && ["MAIL FROM", "RCPT TO", "DATA"].includes(command ?? "");
  if (!isOfMail || responseCode < 500 || responseCode > 599) return failure;
  const status = /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})\b/.exec(response)?.[1];
  if (status?.startsWith("4.")) return failure;
  if (ofSession.has(responseCode) || ofSignIn.test(status ?? "") || ofRelay.test(response)) return failure;
  return new Refused(response, { isAddress: refusesAddress(command, responseCode, status, response), cause: failure });
}

function refusesAddress(
  command: string | undefined,
  responseCode: number,
  status: string | undefined,
  response: string,
): boolean {
  // It is about the sender.
  if (command === "MAIL FROM") return false;
  if (status && status !== ofSomeAddress) return ofAddress.test(status);
  // After the mail's words it may be about those.
  return command === "RCPT TO" && (status !== undefined || ofMailbox.has(responseCode)) && !ofPolicy.test(response);
}
