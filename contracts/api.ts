import { Type, type Static } from "@sinclair/typebox";
import { action } from "./define.ts";
import { object } from "./shapes.ts";

/** The limits that clients should know, all of them settings. */
export const Limits = object({
  maxText: Type.Integer({ description: "Characters of a message." }),
  maxMembers: Type.Integer({ description: "Members of a chat." }),
  maxBody: Type.Integer({ description: "Bytes of a request body or socket message." }),
  maxPage: Type.Integer({ description: "Items of a page." }),
});
export type Limits = Static<typeof Limits>;

export const apiActions = {
  "api.meta.get": action({
    summary: "Version and limits",
    rest: "GET /meta",
    audience: "anyone",
    params: object({}),
    returns: object({ version: Type.String(), limits: Limits }),
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
