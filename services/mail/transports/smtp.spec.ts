import { createServer, type AddressInfo, type Socket } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import type { SMTPServerOptions } from "smtp-server";
import { smtpTransport } from "./smtp.ts";
import { makeCertificate, sampleMail, startSmtpServer, type Script, type Stage, type TestServer } from "./testing.ts";
import { Refused, type Transport } from "./transport.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

type Settings = Partial<Parameters<typeof smtpTransport>[0]>;
const patient = { connection: 4000, greeting: 4000, socket: 4000, whole: 8000 };

function open(SMTP_URL: string, settings: Settings = {}, timeouts: Partial<typeof patient> = patient): Transport {
  const transport = smtpTransport({ ...settings, SMTP_URL }, { timeouts });
  closers.push(() => transport.close());
  return transport;
}

async function serve(script?: Script, options?: SMTPServerOptions): Promise<TestServer> {
  const server = await startSmtpServer(script, options);
  closers.push(server.close);
  return server;
}

/** What became of a mail: the server's answer, or what was thrown. */
const outcome = (transport: Transport, mail = sampleMail()) => transport.send(mail).catch((err: unknown) => err);
const unfolded = (raw: string) => raw.replace(/\r\n[ \t]+/g, " ");
const headOf = (raw: string) => unfolded(raw.slice(0, raw.indexOf("\r\n\r\n"))).split("\r\n");

test("a mail arrives as it is, and the server's answer comes back", async () => {
  const server = await serve();
  const unsubscribe = {
    "List-Unsubscribe": `<https://chat.example.com/unsubscribe/${"x".repeat(200)}>`,
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
  };
  const mail = sampleMail({ subject: "Grüße 🎉", headers: { "Auto-Submitted": "auto-generated", ...unsubscribe } });
  await expect(open(server.url(), { MAIL_EHLO_NAME: "chat.example.com" }).send(mail)).resolves.toMatch(/^250 /);
  const [received] = server.received;
  expect(received).toMatchObject({ from: "no-reply@example.com", to: ["ann@example.org"], ehlo: "chat.example.com" });
  const head = headOf(received!.raw);
  expect(head).toEqual(
    expect.arrayContaining([
      `Message-ID: ${mail.messageId}`,
      "From: Confab <no-reply@example.com>",
      "To: ann@example.org",
      "Auto-Submitted: auto-generated",
      ...Object.entries(unsubscribe).map(([name, value]) => `${name}: ${value}`),
    ]),
  );
  expect(head.filter((line) => /^Date: /.test(line))).toHaveLength(1);
});

test("each try of a job carries the same Message-ID", async () => {
  let refusals = 1;
  const server = await serve((stage) => (stage === "data" && refusals-- > 0 ? "451 4.3.0 Later" : undefined));
  const seen: string[] = [];
  const keep = await serve();
  for (const url of [server.url(), server.url(), keep.url()]) await outcome(open(url));
  for (const { raw } of [...server.received, ...keep.received])
    seen.push(...headOf(raw).filter((line) => /^Message-ID:/i.test(line)));
  expect(seen).toEqual(Array(2).fill(`Message-ID: ${sampleMail().messageId}`));
});

test("connections are few and used again", async () => {
  const connections = new Set<unknown>();
  const server = await serve(undefined, { onConnect: (session, done) => (connections.add(session.id), done()) });
  const transport = open(server.url());
  for (let at = 0; at < 3; at++) await Promise.all(Array.from({ length: 8 }, () => transport.send(sampleMail())));
  expect(server.received).toHaveLength(24);
  expect(connections.size).toBeLessThanOrEqual(5);
});

describe("what the server answers", () => {
  const stages: [Stage, Record<string, "later" | "mail" | "address">][] = [
    ["connect", { "421 4.3.2 Busy": "later", "450 4.7.0 Wait": "later", "554 5.7.1 Go away": "later", "550 5.1.1 No": "later" }],
    ["mail", { "421 4.3.2 Busy": "later", "451 4.3.0 Wait": "later", "550 5.7.1 Never": "mail", "550 5.1.0 Never": "mail" }],
    [
      "rcpt",
      {
        "421 4.3.2 Busy": "later",
        "450 4.2.1 Greylisted": "later",
        "550 5.7.1 Never": "mail",
        "550 5.1.1 Unknown": "address",
        "550 No such user": "address",
      },
    ],
    ["data", { "421 4.3.2 Busy": "later", "451 4.3.0 Wait": "later", "554 5.7.1 Spam": "mail", "550 5.1.1 Unknown": "address" }],
  ];
  const rows = [true, false].flatMap((pipelining) =>
    stages.flatMap(([stage, answers]) =>
      Object.entries(answers).map(
        ([answer, verdict]) => [stage, answer, pipelining ? "in a batch" : "one by one", verdict] as const,
      ),
    ),
  );
  test.each(rows)("at %s, %s, asked %s: %s", async (stage, answer, how, verdict) => {
    const server = await serve((at) => (at === stage ? answer : undefined), { hidePIPELINING: how === "one by one" });
    const err = await outcome(open(server.url()));
    expect(err).toBeInstanceOf(Error);
    expect(err instanceof Refused ? (err.isAddress ? "address" : "mail") : "later").toBe(verdict);
    expect((err as Error).message).toContain(answer);
    expect(server.received).toHaveLength(0);
  });

  test("a mail that is refused leaves the connection to the next one", async () => {
    const server = await serve((stage, address) =>
      stage === "rcpt" && address.startsWith("nobody") ? "550 5.1.1 Unknown" : undefined,
    );
    const transport = open(server.url());
    await expect(transport.send(sampleMail({ to: "nobody@example.org" }))).rejects.toMatchObject({ isAddress: true });
    await expect(transport.send(sampleMail())).resolves.toMatch(/^250/);
  });
});

describe("a server that", () => {
  const short = { connection: 400, greeting: 400, socket: 400, whole: 8000 };

  test.each<Stage>(["connect", "auth", "mail", "rcpt", "data"])(
    "stalls at %s is given up, and the mail is for a later try",
    async (stage) => {
      const server = await serve((at) => (at === stage ? "stall" : undefined), { authOptional: true, allowInsecureAuth: true });
      const err = await outcome(open(server.url("//ann:right@"), {}, short));
      expect(err).toMatchObject({ code: "ETIMEDOUT" });
      expect(err).not.toBeInstanceOf(Refused);
    },
  );

  test("greets nobody is given up by the time that a greeting may take", async () => {
    const server = await serve((at) => (at === "connect" ? "stall" : undefined));
    const err = await outcome(open(server.url(), {}, { connection: 60_000, greeting: 400, socket: 60_000, whole: 8000 }));
    expect(err).toMatchObject({ code: "ETIMEDOUT" });
    expect(err).not.toBeInstanceOf(Refused);
  });

  test("drips its answers for ever is given up too", async () => {
    const sockets: Socket[] = [];
    const dripping = createServer((socket) => {
      sockets.push(socket);
      socket.on("error", () => {}).write("220-here\r\n");
      const timer = setInterval(() => socket.write("220-I am\r\n"), 50);
      socket.once("close", () => clearInterval(timer));
    });
    await new Promise<void>((resolve) => dripping.listen(0, "127.0.0.1", resolve));
    closers.push(() => (dripping.close(), sockets.forEach((socket) => socket.destroy())));
    const url = `smtp://127.0.0.1:${(dripping.address() as AddressInfo).port}`;
    const err = await outcome(open(url, {}, { connection: 60_000, greeting: 60_000, socket: 60_000, whole: 500 }));
    expect(err).toMatchObject({ code: "EABORT" });
    expect(err).not.toBeInstanceOf(Refused);
  });

  test.each(["connect", "mail", "rcpt", "data"] as Stage[])("hangs up at %s: the mail is for a later try", async (stage) => {
    const server = await serve((at) => (at === stage ? "cut" : undefined));
    const err = await outcome(open(server.url()));
    expect(err).toBeInstanceOf(Error);
    expect(err).not.toBeInstanceOf(Refused);
    expect(server.received).toHaveLength(0);
  });

  test("is not there: the mail is for a later try", async () => {
    const err = await outcome(open("smtp://127.0.0.1:9"));
    expect(err).toMatchObject({ code: "ESOCKET" });
    expect(err).not.toBeInstanceOf(Refused);
  });

  test("has a mail in hand when the transport closes gets no more of it", async () => {
    const server = await serve((stage) => (stage === "rcpt" ? "stall" : undefined));
    const transport = open(server.url(), {}, { connection: 60_000, greeting: 60_000, socket: 60_000, whole: 60_000 });
    const sending = outcome(transport);
    setTimeout(() => transport.close(), 200);
    expect(await sending).toBeInstanceOf(Error);
  });
});

describe("encryption", () => {
  const { key, cert } = makeCertificate();
  const usual = getCACertificates("default");
  afterEach(() => setDefaultCACertificates(usual));
  const trust = () => setDefaultCACertificates([...usual, cert]);

  test.each(["require", "offered"])("?tls=%s is encrypted where the server offers it", async (tls) => {
    trust();
    const server = await serve(undefined, { key, cert });
    await open(server.url("//", `?tls=${tls}`)).send(sampleMail());
    expect(server.received).toMatchObject([{ secure: true }]);
  });

  test("smtps:// is encrypted from the first byte", async () => {
    trust();
    const server = await serve(undefined, { key, cert, secure: true });
    await open(server.url()).send(sampleMail());
    expect(server.received).toMatchObject([{ secure: true }]);
  });

  test.each([
    ["smtps://", { key, cert, secure: true }, ""],
    ["?tls=require", { key, cert }, "?tls=require"],
    ["?tls=offered", { key, cert }, "?tls=offered"],
  ])("a certificate that nobody vouches for is refused: %s", async (_how, options, after) => {
    const server = await serve(undefined, options);
    const err = await outcome(open(server.url("//", after)));
    expect(String(err)).toMatch(/self-signed/);
    expect(err).not.toBeInstanceOf(Refused);
    expect(server.received).toHaveLength(0);
  });

  test("?tls=require speaks to no server that offers none, and no password leaves", async () => {
    const asked: string[] = [];
    const server = await serve((stage) => (asked.push(stage), undefined), { allowInsecureAuth: true });
    const err = await outcome(open(server.url("//ann:right@", "?tls=require")));
    expect(err).toMatchObject({ code: "ETLS" });
    expect(err).not.toBeInstanceOf(Refused);
    expect(asked).toEqual(["connect"]);
  });

  test("?tls=off speaks plainly", async () => {
    const server = await serve(undefined, { key, cert });
    await open(server.url("//", "?tls=off")).send(sampleMail());
    expect(server.received).toMatchObject([{ secure: false }]);
  });
});

describe("the sign-in", () => {
  test("is by the name and password of the URL", async () => {
    const server = await serve(undefined, { authOptional: false, allowInsecureAuth: true });
    await open(server.url("//ann%40example.org:right@")).send(sampleMail());
    expect(server.received).toMatchObject([{ user: "ann@example.org" }]);
  });

  test.each([
    ["with a wrong password", "//ann:wrong@", { authOptional: false, allowInsecureAuth: true }, "EAUTH"],
    ["with none where one is wanted", "//", { authOptional: false, allowInsecureAuth: true }, "EENVELOPE"],
    ["at a server that offers none", "//ann:right@", { authMethods: [], disabledCommands: ["AUTH", "STARTTLS"] }, "EAUTH"],
  ])("%s is the operator's to mend: the mail is for a later try", async (_how, before, options, code) => {
    const server = await serve(undefined, options);
    const err = await outcome(open(server.url(before)));
    expect(err).toMatchObject({ code });
    expect(err).not.toBeInstanceOf(Refused);
    expect(server.received).toHaveLength(0);
  });
});

describe("addresses", () => {
  test("an international one goes to a server that takes it, as it is", async () => {
    const server = await serve();
    await open(server.url()).send(sampleMail({ to: "jürgen@bücher.example" }));
    expect(server.received).toMatchObject([{ to: ["jürgen@bücher.example"], smtpUtf8: true }]);
    expect(headOf(server.received[0]!.raw)).toContain("To: jürgen@bücher.example");
  });

  test("an international one is refused where the server does not take it, by no fault of its own", async () => {
    const asked: Stage[] = [];
    const server = await serve((stage) => (asked.push(stage), undefined), { hideSMTPUTF8: true });
    const transport = open(server.url());
    await expect(transport.send(sampleMail({ to: "jürgen@example.org" }))).rejects.toMatchObject({
      name: "Refused",
      isAddress: false,
      message: expect.stringContaining("SMTPUTF8") as string,
    });
    expect(asked).not.toContain("mail");
  });

  test("where that cannot be asked, it is for a later try", async () => {
    const err = await outcome(open("smtp://127.0.0.1:9"), sampleMail({ to: "jürgen@example.org" }));
    expect(err).not.toBeInstanceOf(Refused);
  });

  test("an international domain is written in ASCII, which every server takes", async () => {
    const server = await serve(undefined, { hideSMTPUTF8: true });
    const said: string[] = [];
    const transport = smtpTransport(
      { SMTP_URL: server.url() },
      { hear: (by, line) => void (by === "client" && said.push(line)) },
    );
    closers.push(() => transport.close());
    await transport.send(sampleMail({ to: "ann@bücher.example" }));
    expect(said).toContain("RCPT TO:<ann@xn--bcher-kva.example>");
    expect(headOf(server.received[0]!.raw)).toContain("To: ann@xn--bcher-kva.example");
  });

  test("one of 253 characters arrives, the longest that this server takes", async () => {
    const to = `${"a".repeat(64)}@${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(52)}.example`;
    const server = await serve();
    await open(server.url()).send(sampleMail({ to }));
    expect(server.received).toMatchObject([{ to: [to] }]);
  });
});

describe("headers", () => {
  const evil = "x\r\nBcc: eve@example.org\r\n\r\nAnother body";
  test.each([
    ["the subject", { subject: evil }],
    ["a header", { headers: { "List-Unsubscribe": evil } }],
    ["the name of one", { headers: { "X-Y\r\nBcc": "eve@example.org" } }],
    ["the Message-ID", { messageId: `<${evil}@example.com>` }],
  ])("a line end in %s begins no other header, and no body", async (_where, given) => {
    const server = await serve();
    await outcome(open(server.url()), sampleMail(given));
    for (const { raw, to } of server.received) {
      const names = headOf(raw).map((line) => line.split(":")[0]!.toLowerCase());
      expect(names).not.toContain("bcc");
      expect(new Set(names).size).toBe(names.length);
      expect(to).toEqual(["ann@example.org"]);
      expect(raw.slice(raw.indexOf("\r\n\r\n"))).not.toContain("Another body");
    }
    expect(server.received).toHaveLength(1);
  });

  test("a subject of 10,000 emoji is folded into lines that servers take", async () => {
    const server = await serve();
    await open(server.url()).send(sampleMail({ subject: "🦔".repeat(10_000) }));
    const { raw } = server.received[0]!;
    expect(Math.max(...raw.split("\r\n").map(({ length }) => length))).toBeLessThanOrEqual(998);
  });
});
