import { actionEntries, type ActionName, type Entry, type SocketEventName, type SocketPayload } from "@confab/contracts";
import { call } from "@confab/mixins/define.ts";
import { presentLimits } from "@confab/mixins/limits.ts";
import { mayConnect } from "@confab/mixins/origins.ts";
import { badField, presentProblem, problem, toProblem } from "@confab/mixins/problem.ts";
import type { Socket } from "socket.io";
import { v4 as uuid } from "uuid";
import type { IoService } from "./service.ts";

/** Whose socket it is, set once at the handshake. */
export interface SocketIdentity {
  userId: string;
  sessionId: string;
}
export type UserSocket = Socket<never, never, never, SocketIdentity>;

export const rooms = {
  chat: (chatId: string) => `chat:${chatId}`,
  user: (userId: string) => `user:${userId}`,
  session: (sessionId: string) => `session:${sessionId}`,
};
export const chatIdOf = (room: string): string | undefined => (room.startsWith("chat:") ? room.slice("chat:".length) : undefined);

/** Lets in whoever brings a good token of a session that lives. */
export async function handshake(this: IoService, socket: UserSocket, next: (err?: Error) => void): Promise<void> {
  try {
    if (!mayConnect(socket.request, this.settings.CORS_ORIGINS)) throw problem("forbidden_origin");
    const { token } = socket.handshake.auth as { token?: unknown };
    const { userId, sessionId } = await this.sessions.identify(typeof token === "string" ? token : undefined);
    Object.assign(socket.data, { userId, sessionId });
    next();
  } catch (err) {
    next(refusal(this, err));
  }
}

function refusal(service: IoService, err: unknown): Error {
  const document = report(service, err, uuid());
  return Object.assign(new Error(document.title), { data: document });
}

/** The client events, one for each contract that names one; there is no open call. */
export const clientEvents = Object.fromEntries(
  actionEntries.flatMap(([name, { socket }]) => (socket ? [[socket, answer(name)]] : [])),
);

type Ack = (reply: { ok: true; data: unknown } | { ok: false; error: unknown }) => void;

function answer(name: ActionName) {
  return async function (this: UserSocket & { $service: IoService }, ...args: unknown[]): Promise<void> {
    const ack = args.at(-1);
    const reply: Ack = typeof ack === "function" ? (ack as Ack) : () => {};
    const payload = typeof args[0] === "function" || args[0] === undefined ? {} : args[0];
    const { $service: service } = this;
    const { userId, sessionId } = this.data;
    const requestID = uuid();
    service.inFlight++;
    try {
      if (service.leaving) throw problem("unavailable", { detail: "This node is leaving", retryAfter: 1 });
      if (!isObject(payload)) throw badField("payload", "type", "must be an object");
      const data = await service.broker.call(name, payload, { meta: { userId, sessionId }, requestID });
      reply({ ok: true, data });
    } catch (err) {
      reply({ ok: false, error: report(service, err, requestID) });
    } finally {
      service.inFlight--;
    }
  };
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null && !Array.isArray(value);

function report(service: IoService, err: unknown, requestId: string) {
  const known = toProblem(err);
  // The asker learns only the id; what happened is for the log.
  if (known.type === "internal") service.logger.error(`Request ${requestId} failed`, err);
  return presentProblem(known, requestId);
}

/** Subscribes a new socket to all its chats, and says so. */
export async function welcome(service: IoService, socket: UserSocket): Promise<void> {
  const { userId, sessionId } = socket.data;
  try {
    // First of all: a chat that is opened from here on brings the socket in by itself.
    await socket.join([rooms.user(userId), rooms.session(sessionId)]);
    const epoch = await subscribe(service, socket);
    if (epoch === undefined) return;
    send(socket, "ready", { userId, sessionId, epoch, userRev: 0, limits: presentLimits(service.settings) });
  } catch (err) {
    service.logger.warn("A socket could not be subscribed; its client will come again.", toProblem(err).type);
    // Not disconnect(): that tells a client to stay away.
    socket.conn.close();
  }
}

/** Puts a socket into the rooms of all its chats; the epoch of the store, or nothing where the socket has left. */
async function subscribe(service: IoService, socket: UserSocket): Promise<string | undefined> {
  const { epoch, chats } = await call(service.broker, "chat.follow.list", { userId: socket.data.userId });
  // Whoever has left meanwhile must not be put into rooms that nobody would take them out of.
  if (!socket.connected) return undefined;
  for (const { chatId, rev } of chats) service.fanout.follow(chatId, rev);
  await socket.join(chats.map(({ chatId }) => rooms.chat(chatId)));
  await service.cluster.heard();
  return epoch;
}

/** Makes good what was lost while this node heard nothing: chats that were opened, and entries. */
export async function rejoin(service: IoService): Promise<void> {
  try {
    await service.cluster.heard();
    const sockets = [...service.io.sockets.sockets.values()] as unknown as UserSocket[];
    for (const socket of sockets) await subscribe(service, socket);
    await service.fanout.catchUpAll();
  } catch (err) {
    service.logger.warn("Sockets could not be subscribed anew", toProblem(err).type);
  }
}

/** Brings the sockets of these users on this node into a chat that they have just been added to, at the entry after `rev`. */
export async function bringIn(
  service: IoService,
  userIds: readonly string[],
  chatId: string,
  rev: number,
  missed: boolean,
): Promise<void> {
  const here = userIds.filter((userId) => service.io.sockets.adapter.rooms.has(rooms.user(userId)));
  if (here.length === 0) return;
  service.fanout.follow(chatId, rev);
  service.io.local.in(here.map(rooms.user)).socketsJoin(rooms.chat(chatId));
  if (!missed) return;
  // What was said between the adding and our listening has gone by.
  await service.cluster.heard();
  await service.fanout.catchUp(chatId);
}

/** Tells the sockets of an ended session, then cuts them. */
export function cutSession(service: IoService, sessionId: string): void {
  service.sessions.forget(sessionId);
  const sockets = service.io.local.in(rooms.session(sessionId));
  sockets.emit("session:revoked" satisfies SocketEventName, {});
  sockets.disconnectSockets(true);
}

export function deliver(service: IoService, entry: Entry): void {
  service.io.local.to(rooms.chat(entry.chatId)).emit("chat:entry" satisfies SocketEventName, entry);
}

export function send<N extends SocketEventName>(socket: UserSocket, name: N, payload: SocketPayload<N>): void {
  (socket as unknown as Socket).emit(name, payload);
}
