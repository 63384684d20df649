import { once } from "node:events";
import { request } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Edge } from "./edge.ts";

const open = async (handler?: Parameters<Edge["serve"]>[0]) => {
  const edge = new Edge();
  if (handler) edge.serve(handler);
  else edge.attach(async () => {});
  await edge.listen({ PORT: 0, HOST: "127.0.0.1", NODE_ENV: "test" });
  return { edge, port: (edge.server.address() as AddressInfo).port };
};

/** All that comes back for these bytes. */
async function send(port: number, bytes: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(bytes);
  return text(socket);
}

const isProblem = (answer: string, status: number, code: string) => {
  const [head, body] = answer.split("\r\n\r\n") as [string, string];
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(head).toMatch(/^content-type: application\/problem\+json/im);
  const requestId = /^x-request-id: (.+)$/im.exec(head)?.[1];
  expect(JSON.parse(body)).toMatchObject({ status, code, requestId });
};

describe("what no service answers is answered by a problem document", () => {
  let at: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => void (at = await open()));
  afterAll(() => at.edge.close());

  test("where nothing is served", async () => {
    isProblem(await send(at.port, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), 404, "not_found");
  });
  test("where it is no request", async () => isProblem(await send(at.port, "nonsense\r\n\r\n"), 400, "bad_request"));
  test("where the headers do not end", async () => {
    isProblem(await send(at.port, `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}\r\n\r\n`), 431, "headers_too_large");
  });
  test("but never in the middle of an answer", async () => {
    const streaming = await open((_req, res) => void res.writeHead(200).write("so far"));
    const answer = await send(streaming.port, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n");
    await streaming.edge.close();
    expect(answer).not.toContain("problem");
  });
});

describe("a stop", () => {
  test.each([
    ["head", "GET / HTTP/1.1\r\nHo"],
    ["body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf"],
  ])("waits no longer than a moment for the rest of a half-sent %s", async (_what, half) => {
    const { edge, port } = await open((req, res) => void req.resume().on("end", () => res.end()));
    const socket = connect(port, "127.0.0.1").on("error", () => {});
    await once(socket, "connect");
    socket.write(half);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const began = Date.now();
    await edge.close();
    expect(Date.now() - began).toBeLessThan(1600);
  });

  test("lets a running answer end, after that moment too", async () => {
    const { edge, port } = await open((_req, res) => void setTimeout(() => res.end("whole"), 1500));
    const req = request({ port, host: "127.0.0.1" }).end();
    await once(edge.server, "request");
    const answered = once(req, "response").then(([res]) => text(res));
    await edge.close();
    expect(await answered).toBe("whole");
  });
});
