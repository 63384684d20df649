import { setTimeout as pause } from "node:timers/promises";
import type { Entry } from "@confab/contracts";
import { call, on } from "@confab/mixins/define.ts";
import { edgeOf } from "@confab/mixins/edge.ts";
import { isProblem, toProblem } from "@confab/mixins/problem.ts";
import { Sessions } from "@confab/mixins/sessions.ts";
import type { Env } from "@confab/mixins/settings.ts";
import type { ServiceSchema } from "moleculer";
import SocketIOMixin from "moleculer-io";
import { alone, joinCluster, type NodeMessage } from "./cluster.adapter.ts";
import { Fanout } from "./fanout.ts";
import type { IoService } from "./service.ts";
import { settings } from "./settings.ts";
import {
  bringIn,
  chatIdOf,
  clientEvents,
  cutSession,
  deliver,
  handshake,
  rejoin,
  rooms,
  send,
  welcome,
  type UserSocket,
} from "./sockets.ts";

/** Milliseconds between two looks at the sessions of open sockets (G6: within two seconds, also where the event is lost). */
const watchEvery = 1000;
const maxReconnectIn = 5000;
/** Milliseconds that a node that leaves waits for the answers to what it was asked. */
const leaveWithin = 5000;

export default (env?: Env): ServiceSchema => {
  const read = settings.read(env);
  return {
    name: "io",
    mixins: [SocketIOMixin as Partial<ServiceSchema>],
    settings: {
      ...read,
      io: {
        options: {
          serveClient: false,
          perMessageDeflate: false,
          maxHttpBufferSize: read.MAX_BODY,
          transports: ["websocket", "polling"],
          cors: { origin: read.CORS_ORIGINS },
        },
        namespaces: { "/": { middlewares: [handshake], events: clientEvents } },
      },
    },
    // The mixin's own would let any node speak to every socket.
    actions: { call: false, broadcast: false, getClients: false },
    events: {
      ...on("chat.entry.appended", function (this: IoService, { entries }) {
        publish(this, entries);
      }),
      ...on("user.session.ended", function (this: IoService, { sessionId }) {
        cutSession(this, sessionId);
      }),
    },
    created(this: IoService) {
      // The mixin's open call: only events that a contract names are answered.
      delete (this.settings as unknown as { io: { handlers: Record<string, Record<string, unknown>> } }).io.handlers["/"]![
        "call"
      ];
      this.inFlight = 0;
      this.leaving = false;
      this.cluster = alone;
      this.sessions = new Sessions(this.broker);
      this.fanout = new Fanout({
        deliver: (entry) => deliver(this, entry),
        fetch: async (chatId, after) => (await call(this.broker, "chat.entry.range", { chatId, after, limit: 500 })).items,
        onError: (err) => this.logger.warn("Missing entries could not be read yet.", err),
      });
      this.server = edgeOf(this.broker).attach(() => leave(this));
    },
    async started(this: IoService) {
      const { REDIS_URL, NAMESPACE } = this.settings;
      const hear = (message: NodeMessage) => {
        take(this, message).catch((err: unknown) => this.logger.warn("What another node told was lost", err));
      };
      if (REDIS_URL) {
        this.cluster = await joinCluster(this.io, REDIS_URL, NAMESPACE, {
          hear,
          onReturn: () => void rejoin(this),
          onError: (err) => this.logger.warn("Redis", err),
        });
      }
      const { adapter } = this.io.sockets;
      adapter.on("delete-room", (room: string) => this.fanout.unfollow(chatIdOf(room) ?? ""));
      this.io.on("connection", (socket) => void welcome(this, socket as unknown as UserSocket));
      this.watch = setInterval(() => void watchSessions(this), watchEvery);
    },
    async stopped(this: IoService) {
      clearInterval(this.watch);
      // Socket.io closes the server that it was attached to; one that is the host's is the host's to close.
      if (edgeOf(this.broker).isForeign) Object.assign(this.io, { httpServer: undefined });
      await this.cluster.close();
    },
  } as unknown as ServiceSchema;
};

/** Hands entries on to every node whose sockets follow their chats, this one among them. */
function publish(service: IoService, entries: readonly Entry[]): void {
  for (const [chatId, ofChat] of Map.groupBy(entries, (entry) => entry.chatId)) {
    for (const entry of ofChat) {
      if (entry.type !== "chat.created") continue;
      const join = { kind: "join", userIds: entry.data.members.map(({ userId }) => userId), chatId, rev: entry.rev - 1 } as const;
      void bringIn(service, join.userIds, chatId, join.rev, false);
      service.cluster.tell(join.userIds.map(rooms.user), join);
    }
    service.fanout.receive(chatId, ofChat);
    service.cluster.tell([rooms.chat(chatId)], { kind: "entries", chatId, entries: ofChat });
  }
}

/** What another node tells. */
async function take(service: IoService, message: NodeMessage): Promise<void> {
  if (message.kind === "entries") service.fanout.receive(message.chatId, message.entries as Entry[]);
  else await bringIn(service, message.userIds, message.chatId, message.rev, true);
}

/** G6: a session that ended is cut off here too when nobody told us. */
async function watchSessions(service: IoService): Promise<void> {
  const sockets = [...service.io.sockets.sockets.values()];
  const sessionIds = [...new Set(sockets.map((socket) => (socket.data as { sessionId: string }).sessionId))];
  if (sessionIds.length === 0) return;
  try {
    const alive = await service.sessions.alive(sessionIds);
    for (const sessionId of sessionIds) if (!alive.has(sessionId)) cutSession(service, sessionId);
  } catch (err) {
    // Where the user service is away nobody is thrown out for that; the next look is a second from now.
    if (!isProblem(toProblem(err), "unavailable")) service.logger.error("Sessions could not be looked up", err);
  }
}

/** Takes leave: answers what was asked, tells clients when to come again, spread so that they do not all come at once. */
async function leave(service: IoService): Promise<void> {
  service.leaving = true;
  for (let waited = 0; service.inFlight > 0 && waited < leaveWithin; waited += 20) await pause(20);
  const sockets = [...service.io.sockets.sockets.values()];
  for (const socket of sockets)
    send(socket as unknown as UserSocket, "server:draining", { reconnectIn: Math.floor(Math.random() * maxReconnectIn) });
  // A moment for the word to leave before its connection does.
  if (sockets.length > 0) await pause(50);
  for (const socket of sockets) socket.conn.close();
}
