/** What is asked of a connection of Engine.IO; its types leave half of it out. */
export interface Connection {
  readonly id: string;
  readonly writeBuffer: readonly { data?: unknown }[];
  readonly transport: { readonly socket?: { readonly bufferedAmount: number; terminate(): void } };
  on(event: "packetCreate", listener: (this: Connection) => void): unknown;
  close(discard: boolean): unknown;
}

/** A look costs a walk over what waits, so it is taken when so many more packets wait. */
const lookEach = 64;

function unsentOf({ writeBuffer, transport }: Connection): number {
  let bytes = transport.socket?.bufferedAmount ?? 0;
  for (const { data } of writeBuffer) if (typeof data === "string" || Buffer.isBuffer(data)) bytes += data.length;
  return bytes;
}

/**
 * Cuts off clients that do not read what they are sent, since it would wait here in memory. They come again when they
 * can, and sync.
 */
export class SlowReaders {
  readonly #limit: number;
  readonly #onCut: (connectionId: string) => void;
  /** One function for all connections: each costs memory while it is silent. */
  readonly #onPacket: (this: Connection) => void;

  constructor(limit: number, onCut: (connectionId: string) => void) {
    this.#limit = limit;
    this.#onCut = onCut;
    const look = (connection: Connection) => this.look(connection);
    this.#onPacket = function () {
      if (this.writeBuffer.length % lookEach === lookEach - 1) look(this);
    };
  }

  /** Watches a connection while much is written to it. */
  mind(connection: Connection): void {
    connection.on("packetCreate", this.#onPacket);
  }

  look(connection: Connection): void {
    if (connection.writeBuffer.length === 0 && !connection.transport.socket?.bufferedAmount) return;
    if (unsentOf(connection) <= this.#limit) return;
    this.#onCut(connection.id);
    const { socket } = connection.transport;
    connection.close(true);
    // A farewell would wait behind all that was not read.
    socket?.terminate();
  }
}
