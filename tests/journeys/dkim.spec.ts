import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { settings } from "../../services/mail/settings.ts";
import { openProvider } from "../../services/mail/transports/index.ts";
import { sampleMail, startSmtpServer } from "../../services/mail/transports/testing.ts";
import { describeWithPython } from "../support/python.ts";

/* Signatures are checked by what nobody of Confab wrote: PyPI's dkimpy, with pinned versions. */

const folder = join(__dirname, "dkim");

const key = generateKeyPairSync("rsa", { modulusLength: 2048 });
const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
/** What the domain publishes, as docs/mail.md says. */
const recordOf = ({ publicKey }: typeof key) =>
  `v=DKIM1; k=rsa; p=${publicKey.export({ format: "der", type: "spki" }).toString("base64")}`;

const mail = sampleMail({
  subject: "Bob wrote to you – Grüße 🎉",
  text: "Bob wrote to you.\n\n.\n\nA line that is longer than most lines are, so that it is folded: ".concat(
    "word ".repeat(40),
    "\n",
  ),
  html: "<p>Bob wrote to you.</p>",
  headers: {
    "Auto-Submitted": "auto-generated",
    "List-Unsubscribe": `<https://chat.example.com/api/v1/unsubscribe/${"token".repeat(30)}>`,
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
  },
});

interface Verdict {
  good: boolean;
  asked: string[];
  signed: string[];
}

describeWithPython("DKIM", join(folder, "requirements.txt"), (runPython) => {
  const scratch = mkdtempSync(join(tmpdir(), "confab-dkim-"));
  afterAll(() => rmSync(scratch, { recursive: true }));

  async function verify(message: Buffer, record = recordOf(key)): Promise<Verdict> {
    const file = join(scratch, "message.eml");
    writeFileSync(file, message);
    const { stdout } = await runPython([join(folder, "verify.py"), file, "confab._domainkey.example.com", record], 30_000);
    return JSON.parse(stdout);
  }

  const ways: [string, () => Promise<Buffer>][] = [
    ["a mail server", sendBySmtp],
    ["Mailgun", sendByMailgun],
  ];
  describe.each(ways)("of a notification that went to %s", (_to, send) => {
    let sent: Buffer;
    beforeAll(async () => void (sent = await send()));

    test("is good, and covers both unsubscribe headers", async () => {
      const { good, asked, signed } = await verify(sent);
      expect({ good, asked }).toEqual({ good: true, asked: ["confab._domainkey.example.com"] });
      const wanted = [
        "from",
        "to",
        "subject",
        "date",
        "message-id",
        "list-unsubscribe",
        "list-unsubscribe-post",
        "auto-submitted",
      ];
      expect(signed).toEqual(expect.arrayContaining(wanted));
    });

    test.each([
      ["List-Unsubscribe", "chat.example.com", "evil.example.com"],
      ["List-Unsubscribe-Post", "=One-Click", "=Two-Clicks"],
      ["Message-ID", "<0198", "<0199"],
      ["To", "To: ann@", "To: eve@"],
      ["From", "From: Confab", "From: Confab Bank"],
      ["Date", "\r\nDate: ", "\r\nDate: Mon, 1 Jan 2001 00:00:00 +0000 "],
      ["a word", "Bob wrote to you.", "Eve wrote to you."],
    ])("is not good once %s was changed", async (_what, was, is) => {
      const changed = sent.toString().replace(was, is);
      expect(changed).not.toBe(sent.toString());
      expect(await verify(Buffer.from(changed))).toMatchObject({ good: false });
    });

    test("is not good by the key of somebody else", async () => {
      expect(await verify(sent, recordOf(other))).toMatchObject({ good: false });
    });
  });
});

const dkim = {
  DKIM_DOMAIN: "example.com",
  DKIM_SELECTOR: "confab",
  DKIM_PRIVATE_KEY: (key.privateKey.export({ format: "pem", type: "pkcs8" }) as string).replaceAll("\n", "\\n"),
};

async function send(env: Record<string, string>): Promise<void> {
  const transport = openProvider(settings.read({ ...env, ...dkim }))!;
  await transport.send(mail);
  transport.close();
}

async function sendBySmtp(): Promise<Buffer> {
  const server = await startSmtpServer();
  await send({ SMTP_URL: server.url() });
  await server.close();
  return Buffer.from(server.received[0]!.raw);
}

async function sendByMailgun(): Promise<Buffer> {
  let posted: Buffer | undefined;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => void chunks.push(chunk));
    request.on("end", () => {
      const headers = { "Content-Type": request.headers["content-type"]! };
      void new Response(Buffer.concat(chunks), { headers }).formData().then(async (form) => {
        posted = Buffer.from(await (form.get("message") as File).arrayBuffer());
        response.end("{}");
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  await send({ MAILGUN_URL: `http://api:key@127.0.0.1:${(server.address() as AddressInfo).port}/v3/example.com` });
  server.closeAllConnections();
  server.close();
  return posted!;
}
