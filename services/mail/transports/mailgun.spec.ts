import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { mailgunTransport } from "./mailgun.ts";
import { sampleMail } from "./testing.ts";
import { Refused } from "./transport.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Asked {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  form: FormData;
}

const yes = (response: ServerResponse) => response.end(JSON.stringify({ id: "<1@example.com>", message: "Queued. Thank you." }));

/** A server that takes mails as Mailgun documents it. */
async function serve(
  answer: (response: ServerResponse, asked: Asked) => unknown = yes,
): Promise<{ url: string; asked: Asked[] }> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => void chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url: path = "", headers } = request;
      void new Response(Buffer.concat(chunks), { headers: { "Content-Type": headers["content-type"] ?? "" } })
        .formData()
        .then((form) => {
          asked.push({ method, path, headers, form });
          answer(response, asked.at(-1)!);
        });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://api:the%20key@127.0.0.1:${(server.address() as AddressInfo).port}/v3/mg.example.com`, asked };
}

function open(MAILGUN_URL: string, timeoutMs = 5000) {
  const transport = mailgunTransport({ MAILGUN_URL }, { timeoutMs });
  closers.push(() => transport.close());
  return transport;
}

const outcome = (url: string, mail = sampleMail(), timeoutMs?: number) =>
  open(url, timeoutMs)
    .send(mail)
    .catch((err: unknown) => err);

test("a mail is posted as MIME, with the key and with our own headers", async () => {
  const { url, asked } = await serve();
  const headers = {
    "List-Unsubscribe": "<https://chat.example.com/unsubscribe/x>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
  };
  const mail = sampleMail({ to: "ann@bücher.example", headers });
  await expect(open(url).send(mail)).resolves.toBe("200 Queued. Thank you. <1@example.com>");
  const [{ method, path, headers: sent, form }] = asked as [Asked];
  expect({ method, path, authorization: sent.authorization }).toEqual({
    method: "POST",
    path: "/v3/mg.example.com/messages.mime",
    authorization: `Basic ${Buffer.from("api:the key").toString("base64")}`,
  });
  expect([...form.keys()]).toEqual(["to", "message"]);
  expect(form.get("to")).toBe("ann@xn--bcher-kva.example");
  const mime = await (form.get("message") as File).text();
  expect(
    mime
      .slice(0, mime.indexOf("\r\n\r\n"))
      .replace(/\r\n[ \t]+/g, " ")
      .split("\r\n"),
  ).toEqual(
    expect.arrayContaining([
      `Message-ID: ${mail.messageId}`,
      "From: Confab <no-reply@example.com>",
      "To: ann@xn--bcher-kva.example",
      "Subject: A subject",
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ]),
  );
});

test("a line end in what is put in begins no other header and no other field of the form", async () => {
  const { url, asked } = await serve();
  const evil = 'x\r\nBcc: eve@example.org\r\n\r\n--boundary\r\nContent-Disposition: form-data; name="to"\r\n\r\neve@example.org';
  await outcome(url, sampleMail({ subject: evil, headers: { "X-Y": evil } }));
  const { form } = asked[0]!;
  expect(form.getAll("to")).toEqual(["ann@example.org"]);
  expect(await (form.get("message") as File).text()).not.toMatch(/^Bcc:/im);
});

test.each<[number, string, "later" | "mail" | "address"]>([
  [400, "'to' parameter is not a valid address. please check documentation", "address"],
  [400, "to parameter is not a valid address. please check documentation", "address"],
  [400, "'from' parameter is not a valid address. please check documentation", "mail"],
  [400, "something else", "mail"],
  [413, "Too large", "mail"],
  [422, "Unprocessable", "mail"],
  // The operator's to mend.
  [401, "Forbidden", "later"],
  [402, "Payment required", "later"],
  [403, "Domain example.com is not allowed to send", "later"],
  [404, "Domain not found: example.com", "later"],
  [302, "Elsewhere", "later"],
  // Another time.
  [408, "Slow", "later"],
  [425, "Early", "later"],
  [429, "Too many", "later"],
  [500, "Oh", "later"],
  [503, "Away", "later"],
])("%i, %s: %s", async (status, message, verdict) => {
  const { url } = await serve((response) => {
    response.writeHead(status, status === 302 ? { Location: "http://127.0.0.1:9/" } : {});
    response.end(JSON.stringify({ message }));
  });
  const err = await outcome(url);
  expect(err).toBeInstanceOf(Error);
  expect(err instanceof Refused ? (err.isAddress ? "address" : "mail") : "later").toBe(verdict);
  // The answer is kept for whoever asks why.
  expect((err as Error).message).toBe(`${status} ${message}`);
});

test("a redirection is not followed: mail and key go nowhere else", async () => {
  const elsewhere = await serve();
  const { url } = await serve((response) => {
    response.writeHead(307, { Location: `${elsewhere.url.replace("api:the%20key@", "")}/messages.mime` });
    response.end();
  });
  expect(await outcome(url)).toMatchObject({ code: "EHTTP", responseCode: 307 });
  expect(elsewhere.asked).toHaveLength(0);
});

test.each<[string, (response: ServerResponse) => unknown]>([
  ["never answers", () => {}],
  ["never ends its answer", (response) => response.writeHead(200).write("{")],
])("a server that %s is given up, and the mail is for a later try", async (_how, answer) => {
  const { url } = await serve(answer);
  const err = await outcome(url, sampleMail(), 300);
  expect(err).toMatchObject({ code: "TimeoutError" });
  expect(err).not.toBeInstanceOf(Refused);
});

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test("a server that hangs up, or is not there, gets the mail at a later try", async () => {
  const { url } = await serve((response) => response.destroy());
  for (const [at, code] of [
    [url, "UND_ERR_SOCKET"],
    [`http://api:key@127.0.0.1:${await closedPort()}/v3/example.com`, "ECONNREFUSED"],
    // fetch itself refuses this port.
    ["http://api:key@127.0.0.1:9/v3/example.com", "TypeError"],
  ] as const) {
    const err = await outcome(at);
    expect(err).not.toBeInstanceOf(Refused);
    expect(err).toMatchObject({ code });
  }
});

test("an answer that is no JSON is a yes or a no all the same", async () => {
  const { url } = await serve((response) => response.end("<html>\n  fine\n</html>"));
  await expect(open(url).send(sampleMail())).resolves.toBe("200 <html> fine </html>");
});

test("what is in hand when the transport closes is given back", async () => {
  const { url } = await serve(() => {});
  const transport = open(url);
  const sending = transport.send(sampleMail()).catch((err: unknown) => err);
  setTimeout(() => transport.close(), 100);
  expect(await sending).toBeInstanceOf(Error);
});
