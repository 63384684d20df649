import {
  actionEntries,
  actions,
  type ActionContract,
  type ActionName,
  type SocketEventName,
  type SocketPayload,
} from "@confab/contracts";
import { deviceOf } from "@confab/mixins/edge.ts";
import { isIJson } from "@confab/mixins/i-json.ts";
import { mayConnect } from "@confab/mixins/origins.ts";
import { requireRoom } from "@confab/mixins/rates.ts";
import { badField, presentProblem, problem, toProblem } from "@confab/mixins/problem.ts";
import type { Identity } from "@confab/mixins/sessions.ts";
import { compileSchema } from "@confab/mixins/validator.ts";
import type { Socket } from "socket.io";
import { v4 as uuid } from "uuid";
import type { IoService } from "./service.ts";
import type { TypingMark } from "./actions/typing.ts";

/** Whose socket it is, set at the handshake, and what is known of it. */
export interface SocketData extends Identity {
  address: string;
  device: string;
  /** Whether its client was told that this token runs out. */
  isWarned?: boolean;
  /** In which chats it said that its user is typing. */
  typing?: Map<string, TypingMark>;
}
export type UserSocket = Socket<never, never, never, SocketData>;

export const rooms = {
  chat: (chatId: string) => `chat:${chatId}`,
  user: (userId: string) => `user:${userId}`,
  session: (sessionId: string) => `session:${sessionId}`,
};
const idIn = (kind: string, room: string) => (room.startsWith(`${kind}:`) ? room.slice(kind.length + 1) : undefined);
export const chatIdOf = (room: string): string | undefined => idIn("chat", room);
export const userIdOf = (room: string): string | undefined => idIn("user", room);

/** The sockets of this node, all of them or those in a room. */
export function socketsOf({ io }: IoService, room?: string): UserSocket[] {
  const sockets = io.sockets.sockets as unknown as Map<string, UserSocket>;
  if (room === undefined) return [...sockets.values()];
  return [...(io.sockets.adapter.rooms.get(room) ?? [])].flatMap((id) => sockets.get(id) ?? []);
}

/** Lets in whoever brings a good token of a session that lives. */
export async function handshake(this: IoService, socket: UserSocket, next: (err?: Error) => void): Promise<void> {
  try {
    if (!mayConnect(socket.request, this.settings.CORS_ORIGINS)) throw problem("forbidden_origin");
    const address = this.addressOf(socket.request);
    const device = deviceOf(socket.request);
    // Before the token is looked at: a bad one costs what a good one does.
    requireRoom(await this.rates.admitAddress(address));
    const { token } = socket.handshake.auth as { token?: unknown };
    const identity = await this.sessions.identify(typeof token === "string" ? token : undefined);
    this.rates.forgiveAddress(address);
    // Who comes again and again costs the cluster a list of chats each time.
    requireRoom(await this.rates.admit({}, { address, userId: identity.userId }, {}));
    Object.assign(socket.data, identity, { address, device });
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
    const requestID = uuid();
    service.inFlight++;
    try {
      if (service.leaving) throw problem("unavailable", { detail: "This node is leaving", retryAfter: 1 });
      if (!isObject(payload)) throw badField("payload", "type", "must be an object");
      if (isActivity(name, payload)) service.presences.touch(this.data.userId);
      reply({ ok: true, data: await ask(service, this, name, payload, requestID) });
    } catch (err) {
      reply({ ok: false, error: report(service, err, requestID) });
    } finally {
      service.inFlight--;
    }
  };
}

/** Takes what it costs from the budgets that REST takes from too, and does it. */
async function ask(
  service: IoService,
  socket: UserSocket,
  name: ActionName,
  payload: object,
  requestID: string,
): Promise<unknown> {
  const { rates } = service;
  const contract: ActionContract = actions[name];
  requireRoom(await rates.admit(contract, socket.data, payload));
  // Before a transporter changes it or fails on it.
  if (!isIJson(payload)) throw problem("bad_input", { errors: compileSchema(contract.params)(payload) });
  const answer = await perform(service, socket, name, payload, requestID);
  rates.noteDone(contract, payload);
  return answer;
}

/** What a client asks of its own socket is done here, everything else by whichever node has the service. */
function perform(service: IoService, socket: UserSocket, name: ActionName, payload: object, requestID: string): Promise<unknown> {
  const { userId, sessionId, address, device } = socket.data;
  const meta = { userId, sessionId, address, device };
  if (!name.startsWith("io.")) return service.broker.call(name, payload, { meta, requestID });
  const own = service.actions[name.slice("io.".length)]! as (params: object, options: object) => Promise<unknown>;
  return own(payload, { meta: { ...meta, socketId: socket.id }, requestID });
}

/** What clients do by themselves, whether or not somebody sits before them. */
const automatic = new Set<ActionName>(["io.session.refresh", "io.presence.watch", "chat.sync.pull"]);
/** Whether an event shows that somebody is there. Received is told by a client itself, read by who reads. */
const isActivity = (name: ActionName, payload: object) =>
  !automatic.has(name) && (name !== "chat.receipt.move" || "read" in payload);

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);

function report(service: IoService, err: unknown, requestId: string) {
  const known = toProblem(err);
  // The asker learns only the id; what happened is for the log.
  if (known.type === "internal") service.logger.error(`Request ${requestId} failed`, err);
  return presentProblem(known, requestId);
}

/** Tells the sockets of an ended session, then cuts them. */
export function cutSession(service: IoService, sessionId: string): void {
  service.sessions.forget(sessionId);
  for (const socket of socketsOf(service, rooms.session(sessionId))) cut(socket);
}

/** The same for all sessions of a user, or all but one. */
export function cutUser(service: IoService, userId: string, except: string | null): void {
  service.sessions.forgetUser(userId, except);
  for (const socket of socketsOf(service, rooms.user(userId))) if (socket.data.sessionId !== except) cut(socket);
}

/** Tells a socket that it is no longer wanted, and closes it. */
export function cut(socket: UserSocket): void {
  send(socket, "session:revoked", {});
  socket.disconnect(true);
}

/** To one socket. */
export function send<N extends SocketEventName>(socket: UserSocket, name: N, payload: SocketPayload<N>): void {
  (socket as unknown as Socket).emit(name, payload);
}

/** To the sockets of this node in a room, but not to those that are in the other one too. */
export function tellRoom<N extends SocketEventName>(
  { io }: IoService,
  room: string | string[],
  name: N,
  payload: SocketPayload<N>,
  except: string[] = [],
): void {
  io.local.to(room).except(except).emit(name, payload);
}
