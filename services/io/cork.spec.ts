import { createServer } from "node:http";
import type { AddressInfo, Socket as Stream } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { Server, type Socket as ServerSocket } from "socket.io";
import { io as connect, type Socket } from "socket.io-client";
import { corkWrites } from "./cork.ts";

const server = createServer();
const io = new Server(server, { serveClient: false });
corkWrites(io);
const clients: Socket[] = [];

beforeAll(() => new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve)));
afterEach(() => clients.splice(0).forEach((client) => client.disconnect()));
afterAll(() => io.close());

interface Pair {
  here: ServerSocket;
  there: Socket;
  /** What arrived, in order. */
  got: unknown[];
}

async function open(transports = ["websocket"]): Promise<Pair> {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const there = connect(url, { transports, forceNew: true, reconnection: false });
  clients.push(there);
  const got: unknown[] = [];
  there.on("n", (n) => got.push(n)).on("disconnect", () => got.push("end"));
  const here = await new Promise<ServerSocket>((resolve) => io.once("connection", resolve));
  await until(() => there.connected);
  await pause(20);
  return { here, there, got };
}

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds() && tries < 400; tries++) await pause(5);
  expect(holds()).toBe(true);
}

/** Counts the calls of the system by which a socket's frames leave. */
function countWrites({ here }: Pair) {
  const { _socket: stream } = (here.conn.transport as unknown as { socket: { _socket: Stream } }).socket;
  const one = jest.spyOn(stream, "_write");
  const many = jest.spyOn(stream, "_writev" as "_write");
  return () => one.mock.calls.length + many.mock.calls.length;
}

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

test("what a socket is sent within a turn leaves in one write, in order, whichever way it is sent", async () => {
  const pair = await open();
  const other = await open();
  const writes = [countWrites(pair), countWrites(other)];
  await Promise.all([pair.here.join("room"), other.here.join("room")]);
  for (const n of upTo(5)) {
    io.to("room").emit("n", n);
    pair.here.emit("n", `own ${n}`);
  }
  await until(() => pair.got.length === 10 && other.got.length === 5);
  expect(pair.got).toEqual(upTo(5).flatMap((n) => [n, `own ${n}`]));
  expect(other.got).toEqual(upTo(5));
  expect(writes.map((count) => count())).toEqual([1, 1]);
});

test("another turn is another write", async () => {
  const pair = await open();
  const writes = countWrites(pair);
  for (const n of upTo(3)) {
    pair.here.emit("n", n);
    await pause(10);
  }
  await until(() => pair.got.length === 3);
  expect(writes()).toBe(3);
});

test("an answer and what was said before it leave together", async () => {
  const pair = await open();
  pair.here.on("ask", (answer: (n: number) => void) => {
    pair.here.emit("n", 1);
    answer(2);
    pair.here.emit("n", 3);
  });
  const writes = countWrites(pair);
  pair.there.emit("ask", (n: number) => pair.got.push(n));
  await until(() => pair.got.length === 3);
  expect(pair.got).toEqual([1, 2, 3]);
  expect(writes()).toBe(1);
});

test("a long turn lets go of what it has meanwhile", async () => {
  const pair = await open();
  const { writeBuffer } = pair.here.conn as unknown as { writeBuffer: unknown[] };
  for (const n of upTo(64)) pair.here.emit("n", n);
  // Its buffer is another one now: this one was handed on within the turn.
  expect((pair.here.conn as unknown as { writeBuffer: unknown[] }).writeBuffer).not.toBe(writeBuffer);
  for (const n of upTo(1000)) pair.here.emit("n", 64 + n);
  await until(() => pair.got.length === 1064);
  expect(pair.got).toEqual(upTo(1064));
});

test("a last word arrives before its connection ends", async () => {
  const pair = await open();
  pair.here.emit("n", 1);
  pair.here.emit("n", 2);
  io.in(pair.here.id).disconnectSockets(true);
  await until(() => pair.got.includes("end"));
  expect(pair.got).toEqual([1, 2, "end"]);
});

test("a connection that is lost within a turn stops nobody else's frames", async () => {
  const [lost, kept] = [await open(), await open()];
  for (const { here } of [lost, kept]) here.emit("n", 1);
  (lost.here.conn.transport as unknown as { socket: { terminate(): void } }).socket.terminate();
  await until(() => kept.got.length === 1 && lost.got.includes("end"));
});

test.each([[["polling"]], [["polling", "websocket"]]])("by %j all arrives, in order", async (transports) => {
  const pair = await open(transports);
  for (const n of upTo(40)) {
    pair.here.emit("n", 2 * n - 1);
    pair.here.emit("n", 2 * n);
    if (n % 8 === 0) await pause(30);
  }
  await until(() => pair.got.length === 80);
  expect(pair.got).toEqual(upTo(80));
  expect(pair.here.conn.transport.name).toBe(transports.at(-1));
});
