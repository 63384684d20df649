import { judgeSmtp, type SmtpFailure } from "./refusal.ts";
import { Refused } from "./transport.ts";

type Verdict = "address" | "mail" | "later";

function judge(failure: Partial<SmtpFailure> & { response?: string }): Verdict {
  const responseCode = Number(failure.response?.slice(0, 3)) || undefined;
  const judged = judgeSmtp(Object.assign(new Error("failed"), { responseCode, ...failure }));
  if (!(judged instanceof Refused)) return "later";
  // What is kept is the server's own word.
  expect(judged.message).toBe(failure.response);
  return judged.isAddress ? "address" : "mail";
}

test.each<[string, Verdict]>([
  ["550 5.1.1 No such user", "address"],
  ["550-5.1.1 The account does not exist.\n550 5.1.1 Look it up", "address"],
  ["550 5.1.0 Address rejected", "address"],
  ["550 5.1.2 Bad destination system", "address"],
  ["501 5.1.3 Bad recipient address syntax", "address"],
  ["551 5.1.6 Moved", "address"],
  ["556 5.1.10 The domain takes no mail (null MX)", "address"],
  ["550 5.2.1 Mailbox disabled", "address"],
  ["550 No such user here", "address"],
  ["551 User not local", "address"],
  ["553 Mailbox name not allowed", "address"],
  ["556 Domain does not accept mail", "address"],
  // The mailbox is there.
  ["552 5.2.2 Mailbox full", "mail"],
  ["552 Mailbox full", "mail"],
  ["552 5.3.4 Message too big", "mail"],
  ["550 5.7.1 Rejected by policy", "mail"],
  ["554 5.7.26 Unauthenticated mail is not accepted (DMARC)", "mail"],
  ["550 Blocked, see https://www.spamhaus.org", "mail"],
  ["550 Sender verify failed", "mail"],
  ["554 Transaction failed", "mail"],
  // They are the sender's.
  ["550 5.1.7 Bad sender's mailbox address", "mail"],
  ["550 5.1.8 Bad sender's system address", "mail"],
  ["550 5.1.0 Sender rejected", "mail"],
  ["500 Syntax error", "mail"],
  ["450 4.2.1 Greylisted", "later"],
  ["451 4.7.1 Try again", "later"],
  ["452 4.2.2 Mailbox full for now", "later"],
  ["421 4.7.0 Too many connections", "later"],
  // Its own codes contradict each other.
  ["550 4.4.7 Expired", "later"],
  // The operator's to mend.
  ["554 5.7.1 <ann@example.org>: Relay access denied", "later"],
  ["550 relaying not permitted", "later"],
  ["530 5.7.0 Authentication required", "later"],
  ["550 5.7.8 Credentials invalid", "later"],
])("to RCPT TO, %s: %s", (response, verdict) => {
  expect(judge({ code: "EENVELOPE", command: "RCPT TO", response })).toBe(verdict);
});

test.each<[string, Verdict]>([
  ["553 5.1.8 Sender address rejected", "mail"],
  ["550 5.1.0 Sender unknown", "mail"],
  ["550 5.7.60 Client does not have permissions to send as this sender", "mail"],
  ["552 5.3.4 Message size exceeds limit", "mail"],
  ["530 5.7.0 Must issue a STARTTLS command first", "later"],
  ["535 5.7.8 Sign in first", "later"],
  ["451 4.3.0 Later", "later"],
])("to MAIL FROM, %s: %s", (response, verdict) => {
  expect(judge({ code: "EENVELOPE", command: "MAIL FROM", response })).toBe(verdict);
});

test.each<[string, Verdict]>([
  ["550 5.1.1 No such user", "address"],
  ["550 5.7.1 Looks like spam", "mail"],
  // It may be about what the mail says.
  ["550 Rejected", "mail"],
  ["554 5.6.0 Malformed", "mail"],
  ["451 4.3.0 Later", "later"],
  ["421 4.3.2 Going down", "later"],
])("to the mail itself, %s: %s", (response, verdict) => {
  expect(judge({ code: "EMESSAGE", command: "DATA", response })).toBe(verdict);
});

test.each<[SmtpFailure]>([
  [{ code: "EAUTH", command: "AUTH PLAIN", response: "535 5.7.8 Wrong password" }],
  [{ code: "EAUTH", command: "API" }],
  [{ code: "EPROTOCOL", command: "CONN", response: "554 5.7.1 We do not talk to you" }],
  [{ code: "EPROTOCOL", command: "CONN", response: "550 5.1.1 Unexpected" }],
  [{ code: "EPROTOCOL", command: "HELO", response: "550 5.7.1 Bad name" }],
  [{ code: "ETLS", command: "STARTTLS", response: "502 5.5.1 What?" }],
  [{ code: "ETLS", command: "CONN" }],
  [{ code: "ESOCKET", command: "CONN" }],
  [{ code: "ETIMEDOUT", command: "CONN" }],
  [{ code: "EDNS", command: "CONN" }],
  [{ code: "ECONNECTION", command: "CONN", response: "421 4.3.2 Going down" }],
  [{ code: "EABORT" }],
  [{}],
])("%j says nothing of the mail", (failure) => {
  expect(judge(failure as { response?: string })).toBe("later");
});
