import { addressReader } from "@confab/mixins/address.ts";
import { call, on } from "@confab/mixins/define.ts";
import { edgeOf } from "@confab/mixins/edge.ts";
import { ratesOf } from "@confab/mixins/rates.ts";
import { Sessions } from "@confab/mixins/sessions.ts";
import type { Env } from "@confab/mixins/settings.ts";
import type { ServiceSchema } from "moleculer";
import SocketIOMixin from "moleculer-io";
import { presence } from "./actions/presence.ts";
import { sessions } from "./actions/sessions.ts";
import { typing } from "./actions/typing.ts";
import { alone, joinCluster } from "./cluster.adapter.ts";
import { corkWrites } from "./cork.ts";
import { Fanout } from "./fanout.ts";
import { Heads } from "./heads.ts";
import { leave } from "./leave.ts";
import { MemoryLeases, RedisLeases } from "./leases.ts";
import { Membership } from "./membership.ts";
import { Presences } from "./presence.ts";
import { publish, publishEntries, take, withHidden } from "./relay.ts";
import type { IoService } from "./service.ts";
import { settings } from "./settings.ts";
import { SlowReaders, type Connection } from "./slow.ts";
import { chatIdOf, clientEvents, cutSession, cutUser, handshake, rooms, send, userIdOf, type UserSocket } from "./sockets.ts";
import { watchEvery, watchSockets } from "./watch.ts";

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
    actions: {
      ...typing,
      ...presence,
      ...sessions,
      // The mixin's own would let any node speak to every socket.
      call: false,
      broadcast: false,
      getClients: false,
    },
    events: {
      ...on("chat.entry.appended", function (this: IoService, { entries, hidden }) {
        publishEntries(this, withHidden(entries, hidden));
      }),
      ...on("chat.user.appended", function (this: IoService, { userId, entry }) {
        publish(this, [rooms.user(userId)], { kind: "user", userId, entries: [entry] });
      }),
      ...on("chat.receipt.moved", function (this: IoService, { chatId, rev, receipt }) {
        publish(this, [rooms.chat(chatId)], { kind: "receipt", chatId, rev, receipt });
      }),
      ...on("user.session.ended", function (this: IoService, { sessionId }) {
        cutSession(this, sessionId);
      }),
      ...on("user.sessions.ended", function (this: IoService, { userId, except }) {
        cutUser(this, userId, except);
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
      this.addressOf = addressReader(this.settings);
      this.membership = new Membership(this);
      const onError = (err: unknown) => this.logger.warn("Missing entries could not be read yet.", err);
      this.chats = new Fanout({
        placeOf: ({ rev }) => rev,
        deliver: (_chatId, entry) => this.membership.deliver(entry),
        fetch: async (chatId, after) => {
          const { items, hidden } = await call(this.broker, "chat.entry.range", { chatId, after, limit: 500 });
          return { entries: withHidden(items, hidden) };
        },
        onError,
      });
      this.users = new Fanout({
        placeOf: ({ userRev }) => userRev,
        deliver: (userId, entry) => this.membership.deliverOwn(userId, entry),
        fetch: async (userId, after) => {
          const { items, userRev } = await call(this.broker, "chat.user.range", { userId, after });
          return { entries: items, upTo: userRev };
        },
        onError,
      });
      this.heads = new Heads(this);
      this.slow = new SlowReaders(this.settings.MAX_UNSENT, (id) =>
        this.logger.warn(`A client does not read what it is sent: connection ${id} is cut off.`),
      );
      this.server = edgeOf(this.broker).attach(() => leave(this));
    },
    async started(this: IoService) {
      const { REDIS_URL, NAMESPACE } = this.settings;
      this.rates = ratesOf(this.broker, this.settings);
      // Before anything is heard of other nodes.
      this.presences = openPresences(this);
      if (REDIS_URL) {
        this.cluster = await joinCluster(this.io, REDIS_URL, NAMESPACE, {
          hear: (message) => take(this, message),
          // What was told meanwhile is lost.
          onReturn: () => void this.cluster.heard().then(() => this.heads.ask()),
          onError: (err) => this.logger.warn("Redis", err),
        });
      }
      const { adapter } = this.io.sockets;
      adapter.on("delete-room", (room: string) => {
        const [chatId, userId] = [chatIdOf(room), userIdOf(room)];
        if (chatId !== undefined) this.membership.forget(chatId);
        if (chatId !== undefined) this.chats.unfollow(chatId);
        if (userId !== undefined) this.users.unfollow(userId);
      });
      corkWrites(this.io);
      this.io.on("connection", (socket) => open(this, socket as unknown as UserSocket));
      this.watch = setInterval(() => void watchSockets(this), watchEvery);
      this.presences.start();
      this.heads.start();
    },
    async stopped(this: IoService) {
      clearInterval(this.watch);
      this.heads.stop();
      // Socket.io closes the server that it was attached to; one that is the host's is the host's to close.
      if (edgeOf(this.broker).isForeign) Object.assign(this.io, { httpServer: undefined });
      await Promise.all([this.presences?.stop(), this.cluster.close()]);
    },
  } as unknown as ServiceSchema;
};

function openPresences(service: IoService): Presences<UserSocket> {
  const { REDIS_URL, NAMESPACE, PRESENCE_LEASE, AWAY_AFTER } = service.settings;
  // A little less than is promised, for the look that finds that a lease has run out.
  const leaseMs = PRESENCE_LEASE * 900;
  const onError = (err: unknown) => service.logger.debug("Who is there could not be told or looked up just now.", err);
  const presences: Presences<UserSocket> = new Presences({
    leases: REDIS_URL
      ? new RedisLeases(REDIS_URL, NAMESPACE, leaseMs, { onReturn: () => presences.returned(), onError })
      : new MemoryLeases(leaseMs),
    leaseMs,
    awayMs: AWAY_AFTER * 1000,
    visible: async (userId, userIds) =>
      (await call(service.broker, "chat.presence.visible", { userId, userIds: [...userIds] })).userIds,
    push: (socket, one) => send(socket, "presence", one),
    hint: (userIds) => publish(service, [], { kind: "presence", userIds }),
    onError,
  });
  return presences;
}

function open(service: IoService, socket: UserSocket): void {
  const { userId } = socket.data;
  service.slow.mind(socket.conn as unknown as Connection);
  service.presences.come(userId);
  socket.on("disconnect", () => {
    service.presences.unwatch(socket);
    // Those whom a leaving node sends away come again elsewhere; what it said of them runs out by itself.
    if (!service.leaving) service.presences.go(userId);
  });
  void service.membership.welcome(socket);
}
