// Written by routes.generate.ts from the contracts. Do not change it by hand.

/** Method and path under `/api/v1` of each action, who may ask, and the socket event that does the same. */
export const routes = {
  "user.code.request": { rest: "POST /auth/code", audience: "anyone" },
  "user.code.verify": { rest: "POST /auth/verify", audience: "anyone" },
  "user.session.refresh": { rest: "POST /auth/refresh", audience: "anyone" },
  "user.session.end": { rest: "POST /auth/logout", audience: "user" },
  "user.me.get": { rest: "GET /users/me", audience: "user" },
  "user.me.change": { rest: "PATCH /users/me", audience: "user" },
  "user.profile.get": { rest: "GET /users/:userId", audience: "user" },
  "user.profile.find": { rest: "GET /users", audience: "user" },
  "chat.chat.create": { rest: "POST /chats", audience: "user" },
  "chat.chat.list": { rest: "GET /chats", audience: "user" },
  "chat.chat.get": { rest: "GET /chats/:chatId", audience: "user" },
  "chat.message.send": { rest: "POST /chats/:chatId/messages", audience: "user", socket: "message:send" },
  "chat.message.list": { rest: "GET /chats/:chatId/messages", audience: "user" },
  "chat.entry.list": { rest: "GET /chats/:chatId/entries", audience: "user" },
  "chat.sync.pull": { rest: "POST /sync", audience: "user", socket: "sync" },
  "api.meta.get": { rest: "GET /meta", audience: "anyone" },
  "api.document.openapi": { rest: "GET /openapi.json", audience: "anyone" },
  "api.document.asyncapi": { rest: "GET /asyncapi.json", audience: "anyone" },
} as const;

/** The actions that a client can call. */
export type RouteName = keyof typeof routes;
