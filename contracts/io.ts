import { Type } from "@sinclair/typebox";
import { Limits } from "./api.ts";
import { Entry } from "./chat.ts";
import { socketEvent } from "./define.ts";
import { Id, Rev, object } from "./shapes.ts";

/** What the server sends over a socket. What the client sends is named by the actions' `socket`. */
export const socketEvents = {
  ready: socketEvent({
    summary: "The socket is subscribed to all its chats: a sync after this leaves no hole",
    payload: object({ userId: Id, sessionId: Id, epoch: Type.String(), userRev: Rev, limits: Limits }),
  }),
  "chat:entry": socketEvent({ summary: "One log entry; a chat's come in order", payload: Entry }),
  "session:revoked": socketEvent({ summary: "The session ended; the socket is closed after this", payload: object({}) }),
  "server:draining": socketEvent({
    summary: "This node is leaving: reconnect after so many milliseconds",
    payload: object({ reconnectIn: Type.Integer({ minimum: 0 }) }),
  }),
};
