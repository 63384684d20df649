import { createServer, type AddressInfo } from "node:net";
import { settings } from "../../services/mail/settings.ts";
import { openProvider } from "../../services/mail/transports/index.ts";
import { smtpTransport } from "../../services/mail/transports/smtp.ts";
import { readSmtpUrl } from "../../services/mail/transports/smtp.url.ts";
import { makeCertificate, sampleMail, startSmtpServer, type Script } from "../../services/mail/transports/testing.ts";
import { Refused, type Transport } from "../../services/mail/transports/transport.ts";
import { cureOf } from "./cures.ts";

/* The faults are real ones, made by servers that have them: what nodemailer calls them is its own business. */

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function cureFor(transport: Transport, url?: string, to = "ann@example.org"): Promise<string> {
  const err = await transport.send(sampleMail({ to })).then(
    () => undefined,
    (err: unknown) => err,
  );
  transport.close();
  expect(err).toHaveProperty("message");
  const smtp = url ? readSmtpUrl(url) : undefined;
  return cureOf(err, {
    from: "no-reply@example.com",
    to,
    ...(smtp ? { smtp: { ...smtp, hasAuth: smtp.auth !== undefined } } : {}),
  });
}

const bySmtp = (SMTP_URL: string, to?: string) =>
  cureFor(smtpTransport({ SMTP_URL }, { timeouts: { connection: 1500, greeting: 500, socket: 900, whole: 5000 } }), SMTP_URL, to);

async function against(
  script: Script,
  options: Parameters<typeof startSmtpServer>[1] = {},
  before = "//",
  after = "",
  to?: string,
) {
  const server = await startSmtpServer(script, options);
  closers.push(server.close);
  return bySmtp(server.url(before, after), to);
}

const at =
  (wanted: string, answer: string): Script =>
  (stage) =>
    stage === wanted ? answer : undefined;

test("nobody listens", async () => {
  expect(await bySmtp("smtp://127.0.0.1:9")).toMatch(/Nobody listens on 127\.0\.0\.1, port 9\./);
});

test("the name is not found", () => {
  const err = Object.assign(new Error("queryA ENOTFOUND mail.example.invalid"), { code: "EDNS", originalCode: "ENOTFOUND" });
  const smtp = { host: "mail.example.invalid", port: 587, encryption: "offered", hasAuth: false } as const;
  expect(cureOf(err, { smtp, from: "a@example.com", to: "b@example.com" })).toMatch(
    /mail\.example\.invalid is not to be found in DNS/,
  );
});

describe("encryption", () => {
  const certificate = makeCertificate();

  test("smtps:// to a port that begins plainly", async () => {
    const server = await startSmtpServer();
    closers.push(server.close);
    expect(await bySmtp(server.url().replace("smtp:", "smtps:"))).toMatch(
      /does not speak TLS from the first byte.*Use smtp:\/\//,
    );
  });

  test("smtp:// to a port that begins encrypted", async () => {
    const server = await startSmtpServer(undefined, { ...certificate, secure: true });
    closers.push(server.close);
    expect(await bySmtp(server.url().replace("smtps:", "smtp:"))).toMatch(/said nothing.*use smtps:\/\//);
  });

  test.each([
    ["smtps://", { ...certificate, secure: true }, ""],
    ["STARTTLS", certificate, "?tls=require"],
  ])("a certificate that nobody vouches for, by %s", async (_how, options, after) => {
    const cure = await against(() => undefined, options, "//", after);
    expect(cure).toMatch(/certificate is not to be trusted: it is signed by itself/);
    expect(cure).toContain("NODE_EXTRA_CA_CERTS");
  });

  test("no STARTTLS where it is wanted", async () => {
    expect(await against(() => undefined, {}, "//", "?tls=require")).toMatch(/offers no STARTTLS.*\?tls=off/);
  });
});

describe("the sign-in", () => {
  const options = { authOptional: false, allowInsecureAuth: true };

  test("with a wrong password", async () => {
    expect(await against(() => undefined, options, "//ann:wrong@")).toMatch(/does not take the name and password/);
  });

  test("none, where one is wanted", async () => {
    expect(await against(() => undefined, options)).toMatch(/wants a sign-in: put user:password@/);
  });

  test("where the server offers none", async () => {
    const none = { authMethods: [], disabledCommands: ["AUTH", "STARTTLS"] };
    expect(await against(() => undefined, none, "//ann:right@")).toMatch(/sign-in did not come about|does not take the name/);
  });
});

test.each<[string, Script, RegExp]>([
  [
    "a sender that is not allowed",
    at("mail", "553 5.7.1 Sender address rejected: not owned by user"),
    /does not let us send as no-reply@example\.com/,
  ],
  ["such a sender, told late", at("rcpt", "550 5.1.8 Sender unknown"), /does not let us send as/],
  [
    "a relay denied",
    at("rcpt", "554 5.7.1 <ann@example.org>: Relay access denied"),
    /does not send to other domains.*put user:password@/,
  ],
  ["an unknown recipient", at("rcpt", "550 5.1.1 No such user"), /does not know, or does not take, ann@example\.org/],
  ["a full mailbox", at("rcpt", "552 5.2.2 Mailbox full"), /mailbox is full/],
  ["greylisting", at("rcpt", "451 4.7.1 Greylisted, try again in 300 seconds"), /greylisting/],
  ["another greylisting", at("rcpt", "450 4.2.0 Come back later"), /greylisting/],
  ["a mail that looks like spam", at("data", "554 5.7.1 Spam"), /does not want this mail.*records of DNS/],
  ["too many connections", at("connect", "421 4.7.0 Too many connections"), /sends us away for now/],
  ["a blocklist", at("connect", "554 5.7.1 Blocked, see https://www.spamhaus.org"), /blocklist/],
  ["silence before the greeting", at("connect", "stall"), /said nothing/],
  ["silence in the middle", at("rcpt", "stall"), /stopped answering in the middle/],
  ["a hung up line", at("rcpt", "cut"), /hung up/],
])("%s", async (_what, script, cure) => {
  expect(await against(script)).toMatch(cure);
});

test("a server that takes no international address", async () => {
  expect(await against(() => undefined, { hideSMTPUTF8: true }, "//", "", "jürgen@example.org")).toMatch(
    /only ASCII before the @/,
  );
});

test("a port that is another service's", async () => {
  const web = createServer((socket) => socket.on("error", () => {}).end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  closers.push(() => web.close());
  expect(await bySmtp(`smtp://127.0.0.1:${(web.address() as AddressInfo).port}`)).toMatch(/answered as no mail server does/);
});

test.each<[number, RegExp]>([
  [401, /does not take the key/],
  [403, /is the domain verified/],
  [404, /api\.eu\.mailgun\.net/],
  [429, /Too many mails at once/],
  [503, /fault of its own/],
  [302, /points to where Mailgun is not/],
])("Mailgun answers %i", (responseCode, cure) => {
  const err = Object.assign(new Error(`${responseCode} words`), { code: "EHTTP", responseCode });
  expect(cureOf(err, { from: "a@example.com", to: "b@example.com" })).toMatch(cure);
});

test("Mailgun takes an address for none, or is not there", async () => {
  const err = new Refused("400 'to' parameter is not a valid address. please check documentation", { isAddress: true });
  expect(cureOf(err, { from: "a@example.com", to: "b@example.com" })).toMatch(/b@example\.com for no address/);
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
  const { port } = closed.address() as AddressInfo;
  await new Promise((resolve) => closed.close(resolve));
  const transport = openProvider(settings.read({ MAILGUN_URL: `http://api:key@127.0.0.1:${port}/v3/example.com` }))!;
  expect(await cureFor(transport)).toMatch(/Nobody listens where MAILGUN_URL points/);
});
