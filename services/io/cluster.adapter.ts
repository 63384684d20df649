import { setTimeout as pause } from "node:timers/promises";
import { createShardedAdapter } from "@socket.io/redis-adapter";
import { Redis } from "ioredis";
import type { Namespace, Server } from "socket.io";
import { MessageType, type ClusterMessage } from "socket.io-adapter";
import type { NodeMessage } from "./relay.ts";

export interface Cluster {
  /** Tells the nodes that have sockets in any of these rooms, or of no room every node, but not this one. May be lost. */
  tell(rooms: string[], message: NodeMessage): void;
  /** Resolves once this node hears of all rooms that its sockets are in. */
  heard(): Promise<void>;
  close(): Promise<void>;
}

/** A process that is all there is has nobody to tell. */
export const alone: Cluster = { tell: () => {}, heard: () => Promise.resolve(), close: () => Promise.resolve() };

/** The parts of Socket.io's cluster adapter that its classes keep for their heirs. */
interface OpenAdapter {
  publish(message: unknown): void;
  onMessage(message: ClusterMessage): void;
}

const tag = "confab:node";

/** What a node does about what it hears, and about Redis. */
export interface Ears {
  hear: (message: NodeMessage) => void;
  /** Redis was away and is back: what was told meanwhile is lost. */
  onReturn: () => void;
  onError: (err: unknown) => void;
}

/** Milliseconds that a new socket waits for Redis to confirm its rooms. While Redis is away sockets are served without, and made good after. */
const patience = 1000;

/**
 * Joins io nodes by Socket.io's sharded Redis adapter: each room has a channel of its own, and a node listens to those
 * of its sockets. Our own messages travel on the same channels, but are handed to `hear` instead of the sockets, so
 * that each node can put entries in order before it delivers them.
 */
export async function joinCluster(
  io: Server,
  redisUrl: string,
  namespace: string,
  { hear, onReturn, onError }: Ears,
): Promise<Cluster> {
  // What cannot be published now is better lost than late: the log is the truth.
  const pub = new Redis(redisUrl, { enableOfflineQueue: false, maxRetriesPerRequest: 0, retryStrategy });
  const sub = new Redis(redisUrl, {
    maxRetriesPerRequest: null,
    autoResubscribe: true,
    // The check asks for INFO, which a connection that has begun to subscribe is refused; then it starts over, without its subscriptions.
    enableReadyCheck: false,
    retryStrategy,
  });
  let wasReady = false;
  sub.on("ready", () => {
    if (wasReady) onReturn();
    wasReady = true;
  });
  for (const client of [pub, sub]) client.on("error", onError);
  await new Promise<void>((resolve) => {
    pub.once("ready", resolve);
    setTimeout(resolve, 5000).unref();
  });

  let adapter: OpenAdapter | undefined;
  io.adapter(function (nsp: Namespace) {
    const made = createShardedAdapter(pub, sub, { channelPrefix: `${namespace}:io` })(nsp) as unknown as OpenAdapter;
    const passOn = made.onMessage.bind(made);
    made.onMessage = (message) => {
      const own = readOwn(message);
      if (own) hear(own);
      else passOn(message);
    };
    adapter = made;
    return made;
  } as never);

  return {
    tell(rooms, message) {
      adapter?.publish({
        type: MessageType.BROADCAST,
        data: { packet: { type: 2, data: [tag, message] }, opts: { rooms, except: [], flags: {} } },
      });
    },
    async heard() {
      // Subscriptions and this go one after another over the same connection.
      await Promise.race([sub.ping(), pause(patience, undefined, { ref: false })]);
    },
    async close() {
      // Asked to go, a connection first answers what it was asked before; one that is gone is not waited for.
      const going = [pub, sub].map((client) => client.quit().catch(() => {}));
      await Promise.race([Promise.all(going), pause(500)]);
      for (const client of [pub, sub]) client.disconnect();
    },
  };

  function readOwn(message: ClusterMessage): NodeMessage | undefined {
    if (message.type !== MessageType.BROADCAST) return undefined;
    if (message.uid === (adapter as unknown as { uid: string }).uid) return undefined;
    const [name, own] = (message.data.packet as { data: [string, NodeMessage] }).data;
    return name === tag ? own : undefined;
  }
}

export const retryStrategy = (times: number) => Math.min(times * 100, 1000);
