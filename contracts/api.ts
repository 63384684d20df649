import { Type, type Static } from "@sinclair/typebox";
import { action } from "./define.ts";
import { object } from "./shapes.ts";

/** The limits that clients should know, all of them settings. */
export const Limits = object({
  maxText: Type.Integer({ description: "Characters of a message." }),
  maxMembers: Type.Integer({ description: "Members of a chat." }),
  maxBody: Type.Integer({ description: "Bytes of a request body or socket message." }),
  maxPage: Type.Integer({ description: "Items of a page." }),
  editWindow: Type.Integer({ description: "Seconds that a message can be edited; 0 is for ever." }),
  maxReactions: Type.Integer({ description: "Different emoji on a message." }),
  maxPins: Type.Integer({ description: "Pinned messages of a chat." }),
  liveReceipts: Type.Integer({ description: "Receipts come live in chats of up to so many members, above by GET." }),
  liveTyping: Type.Integer({ description: "Typing is told in chats of up to so many members." }),
  typingEvery: Type.Integer({ description: "Seconds: say again that one is typing as often; it ends after twice that." }),
});
export type Limits = Static<typeof Limits>;

/** How one can sign in here. */
const SignInWays = object({
  own: Type.Boolean({ description: "By an account of Confab's own, with a password or a mailed code." }),
  code: Type.Boolean({ description: "By a mailed code alone." }),
  host: Type.Boolean({ description: "By the host, who vouches for its users." }),
});

export const apiActions = {
  "api.meta.get": action({
    summary: "Version, limits and ways to sign in",
    rest: "GET /meta",
    audience: "anyone",
    params: object({}),
    returns: object({ version: Type.String(), limits: Limits, auth: SignInWays }),
    repeatable: true,
  }),
  "api.document.openapi": action({
    summary: "This document",
    rest: "GET /openapi.json",
    audience: "anyone",
    params: object({}),
    returns: Type.Record(Type.String(), Type.Unknown()),
    repeatable: true,
  }),
  "api.document.asyncapi": action({
    summary: "The socket's messages, as AsyncAPI",
    rest: "GET /asyncapi.json",
    audience: "anyone",
    params: object({}),
    returns: Type.Record(Type.String(), Type.Unknown()),
    repeatable: true,
  }),
};
