// A client that costs the driver little: Socket.io's text protocol straight on a WebSocket, and nothing parsed that is only
// counted. On two cores socket.io-client would be what is measured.

import { WebSocket } from "ws";

const patience = 20_000;

export class BenchSocket {
  /** Log entries that came in. */
  delivered = 0;
  /** Called after each of them. */
  onDelivered: () => void = () => {};
  /** What went wrong, once something has: an error that nobody waited for, or a connection that ended by itself. */
  failure: Error | undefined;
  readonly #socket: WebSocket;
  readonly #acks = new Map<number, (frame: string) => void>();
  #lastAck = 0;
  #closing = false;
  #ready: () => void = () => {};
  #refused: (reason: Error) => void = () => {};

  private constructor(url: string, auth: object) {
    this.#socket = new WebSocket(`${url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`, {
      perMessageDeflate: false,
      skipUTF8Validation: true,
    });
    this.#socket.on("message", (data: Buffer) => this.#take(data.toString("latin1"), auth));
    this.#socket.on("error", (error) => this.#fail(error));
    this.#socket.on("close", () => this.#closing || this.#fail(new Error("the server closed the connection")));
  }

  /** Resolves once the server has said `ready`. */
  static async open(url: string, auth: object): Promise<BenchSocket> {
    const socket = new BenchSocket(url, auth);
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve, reject) => {
      socket.#ready = resolve;
      socket.#refused = reject;
      timer = setTimeout(() => reject(new Error("a socket was not ready in time")), patience);
    }).finally(() => clearTimeout(timer));
    return socket;
  }

  /** Sends a message and resolves when the server says that it is stored. */
  async send(chatId: string, clientMessageId: string, text: string): Promise<void> {
    await this.ask("message:send", { chatId, clientMessageId, text });
  }

  /** Sends an event and resolves with the frame of the answer, if it is a good one. */
  ask(event: string, payload: object): Promise<string> {
    const id = ++this.#lastAck;
    return new Promise((resolve, reject) => {
      this.#acks.set(id, (frame) => (frame.includes('"ok":true') ? resolve(frame) : reject(new Error(`refused: ${frame}`))));
      this.#socket.send(`42${id}["${event}",${JSON.stringify(payload)}]`);
    });
  }

  close(): void {
    this.#closing = true;
    this.#socket.terminate();
  }

  #take(frame: string, auth: object): void {
    if (frame.startsWith('42["chat:entry"')) {
      this.delivered++;
      this.onDelivered();
    } else if (frame.startsWith("43")) {
      const id = parseInt(frame.slice(2, 12), 10);
      const ack = this.#acks.get(id);
      this.#acks.delete(id);
      ack?.(frame);
    } else if (frame === "2") this.#socket.send("3");
    else if (frame.startsWith("0")) this.#socket.send(`40${JSON.stringify(auth)}`);
    else if (frame.startsWith('42["ready"')) this.#ready();
    else if (frame.startsWith("44")) this.#fail(new Error(`refused: ${frame}`));
  }

  #fail(error: Error): void {
    this.failure ??= error;
    this.#refused(error);
  }
}

/** Runs `task` for each index, so many at a time. */
export async function inParallel<T>(count: number, atOnce: number, task: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const work = async () => {
    while (next < count) {
      const index = next++;
      results[index] = await task(index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, work));
  return results;
}
