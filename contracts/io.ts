import { Type, type Static } from "@sinclair/typebox";
import { Limits } from "./api.ts";
import { Entry, Receipt, UserEntry } from "./chat.ts";
import { action, socketEvent } from "./define.ts";
import { Empty, Id, Rev, Time, nullable, object } from "./shapes.ts";

export const Presence = object({
  userId: Id,
  state: Type.Union([Type.Literal("online"), Type.Literal("away"), Type.Literal("offline")]),
  lastActiveAt: nullable(Time),
});
export type Presence = Static<typeof Presence>;

/** What a client does to its own socket; there is no REST call for it. */
export const ioActions = {
  "io.typing.tell": action({
    summary: "Say that one is typing, or no longer; told on at most every few seconds",
    socket: "typing",
    params: object({ chatId: Id, typing: Type.Boolean() }),
    returns: Empty,
    problems: ["chat.not_found"],
  }),
  "io.presence.watch": action({
    summary: "Watch whether these people are online, instead of those watched before; those that one may not see are left out",
    socket: "presence:watch",
    params: object({ userIds: Type.Array(Id, { maxItems: 200, uniqueItems: true }) }),
    returns: object({ items: Type.Array(Presence) }),
  }),
  "io.presence.list": action({
    summary: "Who of these people is there now, as far as any node's lease tells, for mail",
    audience: "service",
    params: object({ userIds: Type.Array(Id, { maxItems: 1000 }) }),
    returns: object({ online: Type.Array(Id, { description: "Those who are online and not away." }) }),
    repeatable: true,
  }),
  "io.session.refresh": action({
    summary: "Give the socket a new access token of the same session, so that it stays open",
    socket: "auth:refresh",
    params: object({ token: Type.String({ minLength: 1, maxLength: 4096 }) }),
    returns: object({ expiresIn: Type.Integer({ description: "Seconds that the token is good for." }) }),
  }),
};

/** What the server sends over a socket. What the client sends is named by the actions' `socket`. */
export const socketEvents = {
  ready: socketEvent({
    summary: "The socket is subscribed to all its chats: a sync after this leaves no hole",
    payload: object({ userId: Id, sessionId: Id, epoch: Type.String(), userRev: Rev, limits: Limits }),
  }),
  "chat:entry": socketEvent({ summary: "One log entry; a chat's come in order", payload: Entry }),
  "user:entry": socketEvent({ summary: "One entry of one's own log", payload: UserEntry }),
  receipt: socketEvent({
    summary: "A member of a chat has come further",
    payload: object({ chatId: Id, receipt: Receipt }),
  }),
  typing: socketEvent({
    summary: "A member of a chat is typing, or no longer; it also ends by itself after the time that the limits tell",
    payload: object({ chatId: Id, userId: Id, typing: Type.Boolean() }),
  }),
  presence: socketEvent({ summary: "Somebody whom one watches came, went or fell idle", payload: Presence }),
  heads: socketEvent({
    summary: "How far one's own log and the chats are that changed lately; whoever is behind them syncs",
    payload: object({ userRev: Rev, chats: Type.Record(Type.String({ format: "uuid" }), Rev) }),
  }),
  "session:expiring": socketEvent({
    summary: "The token runs out: auth:refresh within so many seconds, or the socket is closed",
    payload: object({ expiresIn: Type.Integer({ minimum: 0 }) }),
  }),
  "session:revoked": socketEvent({ summary: "The session ended; the socket is closed after this", payload: object({}) }),
  "server:draining": socketEvent({
    summary: "This node is leaving: reconnect after so many milliseconds",
    payload: object({ reconnectIn: Type.Integer({ minimum: 0 }) }),
  }),
};
