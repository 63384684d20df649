import { v7 as uuid } from "uuid";
import { Backend, eventually, startNode, type TestNode } from "./testing.ts";

/** The TCP socket under a client. */
const rawOf = (socket: unknown) =>
  (socket as { io: { engine: { transport: { ws: { _socket: { pause(): void } } } } } }).io.engine.transport.ws._socket;

const limit = 262_144;

interface Conn {
  writeBuffer: { data: string }[];
  transport: { socket: { bufferedAmount: number } };
  once(event: "close", listener: () => void): void;
}

const nodes: TestNode[] = [];
afterEach(() => Promise.all(nodes.splice(0).map((node) => node.stop())));

/** A node with a client that does not read, and one that does. */
async function start() {
  const backend = new Backend();
  const node = await startNode(backend, { MAX_UNSENT: String(limit) });
  nodes.push(node);
  const [chatId, ann, bob] = [uuid(), uuid(), uuid()];
  backend.create(chatId, ann, bob);
  const [slow, good] = [await node.enter(ann), await node.enter(bob)];
  const conn = node.service.io.sockets.sockets.get(slow.socket.id!)!.conn as unknown as Conn;
  let isGone = false;
  conn.once("close", () => (isGone = true));
  rawOf(slow.socket).pause();
  return {
    good,
    revs: () => good.revs(chatId),
    isGone: () => isGone,
    unsent: () => conn.writeBuffer.reduce((sum, { data }) => sum + data.length, conn.transport.socket.bufferedAmount),
    async send(size: number, count: number) {
      const text = "x".repeat(size);
      await node.tell(...Array.from({ length: count }, () => backend.append(chatId, "message.sent", { text })));
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

test.each([
  ["many", 100, 40_000],
  ["few and large", 50_000, 800],
])(
  "a client that does not read is cut off before too much waits for it, and the others go on: %s",
  async (_name, size, count) => {
    const { good, revs, isGone, unsent, send } = await start();
    let most = 0;
    // What the system holds for a connection fills first.
    for (let sent = 0; sent < count; sent += 20) {
      await send(size, 20);
      if (!isGone()) most = Math.max(most, unsent());
    }
    expect(isGone()).toBe(true);
    expect(most).toBeLessThan(limit + 84 * (size + 400));
    // 4 and 40 MB: however long that takes, as long as some of it arrives.
    for (let arrived = 0; arrived < count; arrived = revs().length)
      await eventually(() => !good.socket.connected || revs().length > arrived);
    expect(good.socket.connected).toBe(true);
    expect(revs()).toHaveLength(count);
  },
  120_000,
);

test("it is cut off also where nothing more is said", async () => {
  const { isGone, unsent, send } = await start();
  while (unsent() < limit) await send(50_000, 1);
  expect(isGone()).toBe(false);
  await eventually(isGone);
});
