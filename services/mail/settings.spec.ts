import { execFileSync } from "node:child_process";
import { hasInbox } from "./policies.ts";
import { providerSettings, settings } from "./settings.ts";
import { readMailgunUrl } from "./transports/mailgun.url.ts";
import { readSmtpUrl } from "./transports/smtp.url.ts";

const faultsOf = (env: Record<string, string>) => settings.check(env).faults.map(({ name, wanted }) => `${name} ${wanted}`);
const makeKey = (...args: string[]) => execFileSync("openssl", args, { stdio: ["ignore", "pipe", "ignore"] }).toString();

const SMTP_URL = "smtp://user:password@mail.example.com";
const MAILGUN_URL = "https://api:key@api.mailgun.net/v3/example.com";
const production = { NODE_ENV: "production", PUBLIC_URL: "https://chat.example.com" };

describe("who sends", () => {
  test("production wants one of those who can, and says so once", () => {
    expect(faultsOf(production)).toEqual(["SMTP_URL is missing; in production SMTP_URL or MAILGUN_URL must be set"]);
    expect(faultsOf({ ...production, SMTP_URL })).toEqual([]);
    expect(faultsOf({ ...production, MAILGUN_URL })).toEqual([]);
  });

  test("two at once are refused anywhere", () => {
    expect(faultsOf({ SMTP_URL, MAILGUN_URL })).toEqual(["MAILGUN_URL excludes SMTP_URL: one of them sends"]);
  });

  test.each(providerSettings.map((name) => [name]))("with %s there is no inbox", (name) => {
    expect(hasInbox({ NODE_ENV: "development", [name]: "x" })).toBe(false);
    expect(hasInbox({ NODE_ENV: "development" })).toBe(true);
    expect(hasInbox({ NODE_ENV: "production" })).toBe(false);
  });

  test("each of them is a secret", () => {
    const { $secureSettings } = settings.read({ SMTP_URL });
    expect($secureSettings).toEqual(expect.arrayContaining([...providerSettings, "DKIM_PRIVATE_KEY"]));
  });
});

const of = (host: string, port: number, encryption: string, auth?: object) => ({
  host,
  port,
  encryption,
  ...(auth ? { auth } : {}),
});

test.each<[string, object | undefined]>([
  // A password leaves the machine encrypted, whatever the server offers.
  ["smtp://user:password@mail.example.com", of("mail.example.com", 587, "require", { user: "user", pass: "password" })],
  ["smtp://user:password@127.0.0.1:1025", of("127.0.0.1", 1025, "offered", { user: "user", pass: "password" })],
  ["smtp://user:password@10.0.0.1?tls=off", of("10.0.0.1", 587, "off", { user: "user", pass: "password" })],
  ["smtp://mail.example.com:25", of("mail.example.com", 25, "offered")],
  ["smtp://mail.example.com:25/?tls=require", of("mail.example.com", 25, "require")],
  ["smtp://mail.example.com?tls=offered", of("mail.example.com", 587, "offered")],
  ["smtps://mail.example.com", of("mail.example.com", 465, "start")],
  ["smtp://[::1]:25", of("::1", 25, "offered")],
  ["smtp://a%40b.c:p%3A%2F%40@127.0.0.1", of("127.0.0.1", 587, "offered", { user: "a@b.c", pass: "p:/@" })],
  // These would be taken for options of the library.
  ["smtp://mail.example.com?logger=true", undefined],
  ["smtp://mail.example.com?tls.rejectUnauthorized=false", undefined],
  ["smtp://mail.example.com?tls=maybe", undefined],
  ["smtps://mail.example.com?tls=off", undefined],
  ["smtp://user@mail.example.com", undefined],
  ["smtp://user:%ff@mail.example.com", undefined],
  ["smtp://", undefined],
  ["http://mail.example.com", undefined],
  ["mail.example.com", undefined],
])("SMTP_URL=%s", (given, read) => {
  expect(readSmtpUrl(given)).toEqual(read);
  expect(faultsOf({ SMTP_URL: given })).toHaveLength(read ? 0 : 1);
});

test.each<[string, object | undefined]>([
  [MAILGUN_URL, { url: "https://api.mailgun.net/v3/example.com", key: "key" }],
  ["https://api:a%2Fb@api.eu.mailgun.net/v3/example.com/", { url: "https://api.eu.mailgun.net/v3/example.com", key: "a/b" }],
  ["http://api:key@127.0.0.1:8080/v3/example.com", { url: "http://127.0.0.1:8080/v3/example.com", key: "key" }],
  ["http://api:key@api.mailgun.net/v3/example.com", undefined],
  ["https://api.mailgun.net/v3/example.com", undefined],
  ["https://api:key@api.mailgun.net", undefined],
  ["https://api:key@api.mailgun.net/v3/example.com/messages", undefined],
])("MAILGUN_URL=%s", (given, read) => {
  expect(readMailgunUrl(given)).toEqual(read);
  expect(faultsOf({ MAILGUN_URL: given })).toHaveLength(read ? 0 : 1);
});

test.each([
  ["chat.example.com", 0],
  ["chat", 0],
  ["[192.0.2.1]", 0],
  ["chat.example.com\r\nMAIL FROM:<eve@example.org>", 1],
  ["two words", 1],
])("MAIL_EHLO_NAME=%j", (MAIL_EHLO_NAME, faults) => {
  expect(faultsOf({ MAIL_EHLO_NAME })).toHaveLength(faults);
});

describe("DKIM", () => {
  const pem = makeKey("genrsa", "2048");
  const whole = { DKIM_DOMAIN: "example.com", DKIM_SELECTOR: "confab", DKIM_PRIVATE_KEY: pem };

  test("the three are set together or not at all, which is said once", () => {
    expect(faultsOf({})).toEqual([]);
    expect(faultsOf(whole)).toEqual([]);
    const together = "is missing: DKIM_DOMAIN, DKIM_SELECTOR, DKIM_PRIVATE_KEY are set together or not at all";
    expect(faultsOf({ DKIM_DOMAIN: "example.com" })).toEqual([`DKIM_SELECTOR ${together}`]);
    expect(faultsOf({ ...whole, DKIM_DOMAIN: "" })).toEqual([`DKIM_DOMAIN ${together}`]);
    expect(faultsOf({ DKIM_PRIVATE_KEY: pem })).toEqual([`DKIM_DOMAIN ${together}`]);
  });

  test.each([
    ["as it is", pem],
    ["with \\n for its line ends", pem.replaceAll("\n", "\\n")],
    ["in base64", Buffer.from(pem).toString("base64")],
    ["of 1024 bits", makeKey("genrsa", "1024")],
  ])("a key is read %s", (_how, DKIM_PRIVATE_KEY) => {
    expect(faultsOf({ ...whole, DKIM_PRIVATE_KEY })).toEqual([]);
  });

  // With such a key each mail would leave unsigned, without a word.
  test.each([
    ["of 768 bits", makeKey("genrsa", "768")],
    ["of another kind", makeKey("genpkey", "-algorithm", "ed25519")],
    ["that is a public one", makeKey("ecparam", "-name", "prime256v1")],
    ["cut in the middle", pem.slice(0, 500)],
    ["that is none", "secret words"],
  ])("a key %s is refused, and not repeated", (_how, DKIM_PRIVATE_KEY) => {
    const [fault, ...more] = faultsOf({ ...whole, DKIM_PRIVATE_KEY });
    expect(fault).toMatch(/^DKIM_PRIVATE_KEY must be the PEM of a private RSA key/);
    expect(more).toEqual([]);
    expect(fault).not.toContain(DKIM_PRIVATE_KEY.slice(0, 12));
  });
});
