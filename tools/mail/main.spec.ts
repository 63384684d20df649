import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { startSmtpServer, type Script } from "../../services/mail/transports/testing.ts";
import { presenter } from "./dialogue.ts";

const root = join(__dirname, "../..");
const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: Record<string, string> };

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** What `npm run mail:test -- …` prints, and its exit code. */
function run(args: string[], env: Record<string, string>): Promise<{ code: number; said: string }> {
  const [node, ...given] = scripts["mail:test"]!.split(" ");
  expect(node).toBe("node");
  // What is empty is left out, whatever an .env says.
  const none = {
    SMTP_URL: "",
    MAILGUN_URL: "",
    MAIL_FROM: "",
    NODE_ENV: "",
    DKIM_DOMAIN: "",
    DKIM_SELECTOR: "",
    DKIM_PRIVATE_KEY: "",
  };
  return new Promise((resolve) => {
    const options = { cwd: root, env: { ...process.env, ...none, ...env }, timeout: 60_000 };
    execFile(process.execPath, [...given, ...args], options, (err, stdout, stderr) =>
      resolve({ code: err ? ((err.code as number | undefined) ?? -1) : 0, said: stdout + stderr }),
    );
  });
}

async function serve(script?: Script, options?: Parameters<typeof startSmtpServer>[1]) {
  const server = await startSmtpServer(script, options);
  closers.push(server.close);
  return server;
}

const secret = "s3cr/t p@ss";
const written = encodeURIComponent(secret);
/** However somebody might write it. */
const forms = [secret, written, Buffer.from(secret).toString("base64"), Buffer.from(`\0ann\0${secret}`).toString("base64")];
const expectNoSecret = (said: string) => forms.forEach((form) => expect(said).not.toContain(form));

test("a mail that goes: the dialogue is shown, and it ends well", async () => {
  const server = await serve();
  const { code, said } = await run(["ann@example.org"], { SMTP_URL: server.url(), MAIL_EHLO_NAME: "chat.example.com" });
  expect(said).toMatch(/^ {2}> EHLO chat\.example\.com$/m);
  expect(said).toMatch(/^ {2}> RCPT TO:<ann@example\.org>$/m);
  expect(said).toMatch(/^ {2}< 250 /m);
  expect(said).toContain("It went");
  // The records of DNS are looked at, whatever became of it.
  expect(said).toContain("localhost, which is no domain of the internet");
  expect(code).toBe(0);
  expect(server.received).toMatchObject([{ to: ["ann@example.org"] }]);
  expect(server.received[0]!.raw).toContain("Subject: A test mail from Confab");
});

test.each(["PLAIN", "LOGIN"])(
  "a password that is wrong, by %s: the cure is told, the password is not, though the server repeats it",
  async (method) => {
    const server = await serve((stage) => (stage === "auth" ? `535 5.7.8 Not ${secret}, ${forms[3]}` : undefined), {
      authMethods: [method],
      authOptional: false,
      allowInsecureAuth: true,
    });
    const { code, said } = await run(["ann@example.org"], { SMTP_URL: server.url(`//ann:${written}@`) });
    expect(said).toMatch(new RegExp(`^ {2}> AUTH ${method} \\*\\*\\*$`, "m"));
    expect(said).toContain("does not take the name and password of SMTP_URL");
    expect(code).toBe(1);
    expectNoSecret(said);
    expect(server.received).toHaveLength(0);
  },
);

test("an address that is refused: the answer and the cure are told", async () => {
  const server = await serve((stage) => (stage === "rcpt" ? "550 5.1.1 No such user" : undefined));
  const { code, said } = await run(["nobody@example.org"], { SMTP_URL: server.url() });
  expect(said).toContain("It did not go: 550 5.1.1 No such user");
  expect(said).toContain("does not know, or does not take, nobody@example.org");
  expect(code).toBe(1);
});

test("Mailgun, and its key is not told", async () => {
  const server = createServer((request, response) =>
    request.resume().on("end", () => response.end(JSON.stringify({ message: `Queued for ${secret}` }))),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => (server.closeAllConnections(), server.close()));
  const MAILGUN_URL = `http://api:${written}@127.0.0.1:${(server.address() as AddressInfo).port}/v3/example.com`;
  const { code, said } = await run(["ann@example.org"], { MAILGUN_URL });
  expect(said).toMatch(/^ {2}< 200 Queued for \*\*\*$/m);
  expect(code).toBe(0);
  expectNoSecret(said);
});

test.each<[string, string[], Record<string, string>, RegExp]>([
  ["nobody who sends", ["ann@example.org"], {}, /^Neither SMTP_URL nor MAILGUN_URL is set/m],
  ["no address", [], { SMTP_URL: "smtp://127.0.0.1" }, /^Say one plain address/m],
  ["what is no plain address", ["Ann <ann@example.org>"], { SMTP_URL: "smtp://127.0.0.1" }, /^Say one plain address/m],
  [
    "settings that are wrong",
    ["ann@example.org"],
    { SMTP_URL: `http://ann:${written}@x` },
    /^These settings are wrong or missing:\n {2}SMTP_URL: must be/m,
  ],
])("%s: one message without a stack", async (_what, args, env, words) => {
  const { code, said } = await run(args, env);
  expect(said).toMatch(words);
  expect(said).not.toContain("    at ");
  expect(code).toBe(1);
  expectNoSecret(said);
});

test("what a server says moves no cursor", () => {
  expect(presenter([]).line("server", "250-a\u001b[2J\r\n250 b\u0007\u009b1m")).toBe("  < 250-a[2J\n  < 250 b1m");
});
