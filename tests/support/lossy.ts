import { createServer, connect, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";

interface Options {
  /** Where REST is, and where sockets are. */
  api: string;
  io: string;
  /** Chance, from 0 to below 1, of losing a message of a websocket, whichever way it goes. */
  loss: number;
  /** Milliseconds after which a connection is cut. */
  cutAfter: number;
  random: () => number;
}

const text = 1;
const binary = 2;

/**
 * A network that can be bad: then websocket messages get lost, and no connection lives long. REST goes through as it
 * is, as long as its connection lives. There is no long polling, which would be a way around it.
 */
export class LossyProxy {
  readonly #options: Options;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isBad = false;
  /** Messages of websockets that were lost on their way to the client, and to the server. */
  readonly lost = { down: 0, up: 0 };
  /** Those that got through. */
  readonly passed = { down: 0, up: 0 };
  /** Websockets that were cut. */
  cuts = 0;

  private constructor(options: Options) {
    this.#options = options;
    this.#server = createServer((client) => this.#accept(client));
  }

  static async open(options: Options): Promise<LossyProxy> {
    const proxy = new LossyProxy(options);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** It begins good, and is bad from here on. */
  spoil(): void {
    this.#isBad = true;
    for (const socket of this.#sockets) this.#cutLater(socket);
  }

  /** From here on everything gets through. */
  heal(): void {
    this.#isBad = false;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client: Socket): void {
    this.#keep(client);
    this.#cutLater(client);
    let head = Buffer.alloc(0);
    const read = (chunk: Buffer) => {
      head = Buffer.concat([head, chunk]);
      if (!head.includes("\r\n\r\n")) return;
      client.off("data", read);
      this.#join(client, head);
    };
    client.on("data", read);
  }

  #join(client: Socket, head: Buffer): void {
    const [line = ""] = head.toString("latin1").split("\r\n", 1);
    const isSocket = line.includes(" /socket.io/");
    if (isSocket && line.includes("transport=polling")) return void client.destroy();
    const { hostname, port } = new URL(isSocket ? this.#options.io : this.#options.api);
    const server = connect(Number(port), hostname);
    this.#keep(server);
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.on("close", () => other.destroy());
    }
    if (isSocket) client.on("close", () => this.cuts++);
    server.write(head);
    if (!isSocket) return void client.pipe(server).pipe(client);
    client.on("data", this.#lossy("up", server, false));
    server.on("data", this.#lossy("down", client, true));
  }

  #cutLater(socket: Socket): void {
    const cut = setTimeout(() => this.#isBad && socket.destroy(), this.#options.cutAfter);
    socket.on("close", () => clearTimeout(cut));
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
  }

  /** Hands on what comes, message by message, but for those that are lost. What comes first from the server is no websocket yet. */
  #lossy(way: "up" | "down", to: Socket, hasHead: boolean) {
    let rest = Buffer.alloc(0);
    let isHead = hasHead;
    let isLost = false;
    return (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      if (isHead) {
        const end = rest.indexOf("\r\n\r\n");
        if (end < 0) return;
        to.write(rest.subarray(0, end + 4));
        rest = rest.subarray(end + 4);
        isHead = false;
      }
      for (let size = frameSize(rest); size !== undefined && size <= rest.length; size = frameSize(rest)) {
        const frame = rest.subarray(0, size);
        rest = rest.subarray(size);
        const [first] = frame as unknown as [number];
        const kind = first & 0x0f;
        if (kind === text || kind === binary) {
          isLost = this.#isBad && this.#options.random() < this.#options.loss;
          (isLost ? this.lost : this.passed)[way]++;
        }
        // Pings and the closing are not messages; a piece of a message goes the way of its first one.
        if (!isLost || kind > binary) to.write(frame);
      }
    };
  }
}

/** Bytes of the frame (RFC 6455) that begins here; undefined where too little of it has come. */
function frameSize(bytes: Buffer): number | undefined {
  if (bytes.length < 2) return undefined;
  const mask = bytes[1]! & 0x80 ? 4 : 0;
  const short = bytes[1]! & 0x7f;
  if (short < 126) return 2 + mask + short;
  if (short === 126) return bytes.length < 4 ? undefined : 4 + mask + bytes.readUInt16BE(2);
  return bytes.length < 10 ? undefined : 10 + mask + Number(bytes.readBigUInt64BE(2));
}
