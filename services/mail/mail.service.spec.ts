import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { call } from "@confab/mixins/define.ts";
import { ContractValidator } from "@confab/mixins/validator.ts";
import { ServiceBroker } from "moleculer";
import mailService from "./mail.service.ts";
import { hasInbox } from "./policies.ts";
import type { MailService } from "./service.ts";
import { startSmtpServer, type Received, type Script } from "./transports/testing.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function startMail(env: Record<string, string> = {}): Promise<{ broker: ServiceBroker; logged: string[] }> {
  const logged: string[] = [];
  const keep = (...words: unknown[]) => void logged.push(words.map(String).join(" "));
  const broker = new ServiceBroker({
    logger: { type: "Console", options: {} },
    logLevel: "trace",
    validator: new ContractValidator(),
  });
  broker.createService(mailService({ DATA_DIR: "memory", ...env }));
  const { logger } = broker.getLocalService("mail") as MailService;
  for (const level of ["fatal", "error", "warn", "info", "debug", "trace"] as const) logger[level] = keep;
  await broker.start();
  closers.push(() => broker.stop());
  return { broker, logged };
}

const accept = (broker: ServiceBroker, to = "Ann@example.org") =>
  call(broker, "mail.job.accept", { template: "code", to, data: { code: "123456", minutes: 10 } });
const list = (broker: ServiceBroker, to?: string) => call(broker, "mail.inbox.list", to === undefined ? {} : { to });

async function until<T>(look: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (let waited = 0; waited < 5000; waited += 10) {
    const seen = await look();
    if (seen) return seen;
    await pause(10);
  }
  throw new Error("it did not come about");
}

beforeEach(() => {
  for (const method of ["log", "info", "debug", "warn", "error", "trace"] as const)
    jest.spyOn(console, method).mockImplementation(() => {});
});
afterEach(() => jest.restoreAllMocks());

/** Where a mail server listens that answers as it is told, and what it took. */
async function startSmtp(script?: Script): Promise<{ url: string; received: Received[] }> {
  const { url, received, close } = await startSmtpServer(script);
  closers.push(close);
  return { url: url(), received };
}

describe("the dev inbox", () => {
  test("holds each mail as it left, newest first, and finds them by address in any case", async () => {
    const { broker } = await startMail();
    const { jobId } = await accept(broker);
    await accept(broker, "bob@example.org");
    await until(async () => (await list(broker)).items.length === 2);
    const { items, nextCursor } = await list(broker);
    expect(items.map(({ to }) => to)).toEqual(["bob@example.org", "Ann@example.org"]);
    expect(nextCursor).toBeNull();
    expect((await list(broker, "ANN@example.org")).items).toEqual([
      {
        id: jobId,
        to: "Ann@example.org",
        subject: "123456 is your sign-in code",
        text: expect.stringContaining("123456") as string,
        html: expect.stringContaining("123456") as string,
        headers: expect.objectContaining({ "Message-ID": `<${jobId}@localhost>`, From: "Confab <no-reply@localhost>" }) as object,
        at: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      },
    ]);
    expect((await list(broker, "nobody@example.org")).items).toEqual([]);
  });

  test("is not there where mails go to a mail server", async () => {
    const { broker } = await startMail({ SMTP_URL: (await startSmtp()).url });
    await expect(list(broker)).rejects.toMatchObject({ type: "not_found" });
  });

  test("is not there in production, which wants a mail server", async () => {
    expect(() => mailService({ NODE_ENV: "production" })).toThrow(/SMTP_URL.*is missing/);
    const { broker } = await startMail({
      ...{ NODE_ENV: "production", SMTP_URL: "smtp://127.0.0.1:9", PUBLIC_URL: "https://example.org" },
    });
    await expect(list(broker)).rejects.toMatchObject({ type: "not_found" });
  });

  test.each([
    ["development", undefined, true],
    ["test", undefined, true],
    ["development", "smtp://127.0.0.1", false],
    ["production", "smtp://127.0.0.1", false],
    ["production", undefined, false],
  ] as const)("in %s, with %s for a mail server: %s", (NODE_ENV, SMTP_URL, there) => {
    expect(hasInbox({ NODE_ENV, SMTP_URL })).toBe(there);
  });

  test("a sender with a line end is refused at the start", () => {
    expect(() => mailService({ MAIL_FROM: "Confab\r\nBcc: eve@example.org <a@example.org>" })).toThrow(/MAIL_FROM/);
  });
});

describe("a mail server", () => {
  test("gets the mail once, whole", async () => {
    const { url, received } = await startSmtp();
    const { broker } = await startMail({ SMTP_URL: url, MAIL_FROM: "Chat <chat@example.com>" });
    const { jobId } = await accept(broker);
    const mail = await until(() => received[0]);
    expect(mail.to).toEqual(["Ann@example.org"]);
    expect(mail.raw).toMatch(/^From: Chat <chat@example\.com>\r$/m);
    expect(mail.raw).toMatch(/^To: Ann@example\.org\r$/m);
    expect(mail.raw).toMatch(/^Subject: 123456 is your sign-in code\r$/m);
    expect(mail.raw).toContain(`Message-ID: <${jobId}@example.com>\r\n`);
    expect(mail.raw).toMatch(/^Auto-Submitted: auto-generated\r$/m);
    await pause(100);
    expect(received).toHaveLength(1);
  });

  test("that refuses gets it again", async () => {
    let refusals = 1;
    const { url, received } = await startSmtp((stage) => (stage === "rcpt" && refusals-- > 0 ? "450 not now" : undefined));
    const { broker, logged } = await startMail({ SMTP_URL: url, MAIL_RETRY_SECONDS: "1" });
    const { jobId } = await accept(broker);
    await until(() => received[0]);
    expect(logged).toContain(`Mail ${jobId} (code) failed at try 1 of 8, next in 1 s: EENVELOPE 450`);
    await until(() => logged.includes(`Mail ${jobId} (code) is sent`));
    expect(logged.join("\n")).not.toMatch(/123456|ann@/i);
  });

  test("that stalls keeps nobody waiting who asks for a mail", async () => {
    let connections = 0;
    const silent: Server = createServer((socket) => {
      connections++;
      closers.push(() => socket.destroy());
    });
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    closers.unshift(() => void silent.close());
    const { broker } = await startMail({ SMTP_URL: `smtp://127.0.0.1:${(silent.address() as AddressInfo).port}` });
    const startedAt = Date.now();
    for (let at = 0; at < 20; at++) await accept(broker);
    expect(Date.now() - startedAt).toBeLessThan(1000);
    // Nor who stops the node.
    const stoppedAt = Date.now();
    await broker.stop();
    expect(Date.now() - stoppedAt).toBeLessThan(2000);
    expect(connections).toBeGreaterThan(0);
  });

  test("that comes up after a restart gets what was accepted before it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "confab-mail-"));
    closers.push(() => rmSync(folder, { recursive: true }));
    const before = new ServiceBroker({ logger: false, validator: new ContractValidator() });
    before.createService(mailService({ DATA_DIR: folder, SMTP_URL: "smtp://127.0.0.1:9", MAIL_RETRY_SECONDS: "1" }));
    await before.start();
    const { jobId } = await accept(before);
    await before.stop();
    const { url, received } = await startSmtp();
    await startMail({ DATA_DIR: folder, SMTP_URL: url });
    const { raw } = await until(() => received[0]);
    expect(raw).toContain(`Message-ID: <${jobId}@localhost>`);
  });
});
