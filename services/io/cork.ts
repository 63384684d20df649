import type { Server } from "socket.io";

/** A connection of Engine.IO, as far as we reach into it. */
interface Connection {
  writeBuffer: { data?: string | Buffer }[];
  /** Hands what is in the buffer to the transport, unless that is busy; it is called again when it is not. */
  flush(): void;
  transport: { socket?: { _socket?: { cork(): void; uncork(): void } | null } };
}

/** Frames that wait for the end of a turn; with so many a connection's go at once, so that a turn's worth of them is bounded. */
const maxTogether = 64;
/** Characters of a frame that gains nothing by waiting. With the number of frames this bounds what waits for a client that does read. */
const large = 4096;

/**
 * What a socket is sent within one turn of the event loop goes to the system in one call, not in one for each frame, which
 * is most of what a frame costs. Nothing waits longer than the turn takes. Under polling it is one answer likewise.
 */
export function corkWrites(io: Server): void {
  let waiting = new Set<Connection>();

  // One function for all connections: each costs memory while it is silent.
  function flushSoon(this: Connection): void {
    if (this.writeBuffer.length >= maxTogether || (this.writeBuffer.at(-1)?.data?.length ?? 0) >= large)
      return flushTogether(this);
    if (waiting.size === 0) setImmediate(flushAll);
    waiting.add(this);
  }

  function flushAll(): void {
    const due = waiting;
    waiting = new Set();
    for (const connection of due) flushTogether(connection);
  }

  io.engine.on("connection", (connection: Connection) => {
    connection.flush = flushSoon;
  });
}

function flushTogether(connection: Connection): void {
  const stream = connection.transport.socket?._socket;
  stream?.cork();
  try {
    (Object.getPrototypeOf(connection) as Connection).flush.call(connection);
  } finally {
    stream?.uncork();
  }
}
