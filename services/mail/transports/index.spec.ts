import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { settings } from "../settings.ts";
import type { StoredInboxMail } from "../store/documents.ts";
import { openTransport } from "./index.ts";
import { sampleMail, startSmtpServer } from "./testing.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function open(env: Record<string, string>) {
  const kept: StoredInboxMail[] = [];
  const warned: string[] = [];
  const store = { keepMail: async (mail: StoredInboxMail) => void kept.push(mail) };
  const transport = openTransport({ settings: settings.read(env), store, logger: { warn: (line) => void warned.push(line) } });
  closers.push(() => transport.close());
  return { transport, kept, warned };
}

test("without a provider mails are kept in the dev inbox, with all their headers", async () => {
  const { transport, kept } = open({});
  const headers = { "List-Unsubscribe": "<https://chat.example.com/u>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click" };
  await expect(transport.send(sampleMail({ to: "Ann@example.org", headers }))).resolves.toBe("kept in the dev inbox");
  expect(kept).toMatchObject([{ address: "ann@example.org", headers: { ...headers, "Message-ID": sampleMail().messageId } }]);
});

test("with SMTP_URL they go there, greeted by MAIL_EHLO_NAME, at most so many in a second", async () => {
  const server = await startSmtpServer();
  closers.push(server.close);
  const { transport, kept } = open({ SMTP_URL: server.url(), MAIL_EHLO_NAME: "chat.example.com", MAIL_PER_SECOND: "10" });
  const began = performance.now();
  await Promise.all(Array.from({ length: 6 }, () => transport.send(sampleMail())));
  expect(server.received.map(({ ehlo }) => ehlo)).toEqual(Array(6).fill("chat.example.com"));
  server.received
    .map(({ at }) => at - began)
    .sort((one, other) => one - other)
    .forEach((after, place) => expect(after).toBeGreaterThanOrEqual(place * 100 - 0.5));
  expect(kept).toEqual([]);
});

test("with MAILGUN_URL they go there", async () => {
  let asked = 0;
  const server = createServer(
    (request, response) => void request.resume().on("end", () => response.end(`{"message":"${++asked}"}`)),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => (server.closeAllConnections(), server.close()));
  const { transport } = open({
    MAILGUN_URL: `http://api:key@127.0.0.1:${(server.address() as AddressInfo).port}/v3/example.com`,
  });
  await expect(transport.send(sampleMail())).resolves.toBe("200 1");
});

test.each([
  [1024, 1],
  [2048, 0],
])("of a DKIM key of %i bits is warned %i times", (modulusLength, times) => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength });
  const DKIM_PRIVATE_KEY = privateKey.export({ format: "pem", type: "pkcs1" }) as string;
  const dkim = { DKIM_DOMAIN: "example.com", DKIM_SELECTOR: "confab", DKIM_PRIVATE_KEY };
  const { warned } = open({ SMTP_URL: "smtp://127.0.0.1", ...dkim });
  expect(warned).toHaveLength(times);
  expect(warned.join()).not.toContain("BEGIN");
});
