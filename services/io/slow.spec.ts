import { v7 as uuid } from "uuid";
import { Backend, eventually, startNode } from "./testing.ts";

jest.setTimeout(30_000);

/** The TCP socket under a client. */
const rawOf = (socket: unknown) =>
  (socket as { io: { engine: { transport: { ws: { _socket: { pause(): void } } } } } }).io.engine.transport.ws._socket;

const limit = 262_144;

test.each([
  ["many", 100, 40_000],
  ["few and large", 50_000, 800],
])(
  "a client that does not read is cut off before too much waits for it, and the others go on: %s",
  async (_name, size, count) => {
    const backend = new Backend();
    const node = await startNode(backend, { MAX_UNSENT: String(limit) });
    const [chatId, ann, bob] = [uuid(), uuid(), uuid()];
    backend.create(chatId, ann, bob);
    const [slow, good] = [await node.enter(ann), await node.enter(bob)];
    const { conn } = node.service.io.sockets.sockets.get(slow.socket.id!)!;
    rawOf(slow.socket).pause();
    const unsent = () => {
      const { writeBuffer, transport } = conn as unknown as {
        writeBuffer: { data: string }[];
        transport: { socket: { bufferedAmount: number } };
      };
      return writeBuffer.reduce((sum, { data }) => sum + data.length, transport.socket.bufferedAmount);
    };
    let most = 0;
    let isGone = false;
    conn.once("close", () => (isGone = true));
    const text = "x".repeat(size);
    // What the system holds for a connection fills first.
    for (let sent = 0; sent < count; sent += 20) {
      await node.tell(...Array.from({ length: 20 }, () => backend.append(chatId, "message.sent", { text })));
      if (!isGone) most = Math.max(most, unsent());
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(() => isGone);
    expect(most).toBeLessThan(limit + 64 * (size + 400) + 20 * (size + 400));
    await eventually(() => good.revs(chatId).length === count, 15_000);
    expect(good.socket.connected).toBe(true);
    await node.stop();
  },
);
