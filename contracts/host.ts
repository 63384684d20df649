import { Type, type Static } from "@sinclair/typebox";
import { ClientMessageId, Mentions, Message, Role, Text, Title } from "./chat.ts";
import { action, scopes } from "./define.ts";
import { Data, Email, Empty, ExternalId, Id, Name, Rev, Seq, Time, hostName, nullable, object } from "./shapes.ts";
import { Me, SignedIn } from "./user.ts";

export const ServerScope = Type.Union(scopes.map((scope) => Type.Literal(scope)));

/** A key that the host's backend holds; never the secret itself. */
export const ServerKey = object({
  id: Id,
  name: Name,
  scopes: Type.Array(ServerScope),
  createdAt: Time,
  expiresAt: nullable(Time),
  lastUsedAt: nullable(Time),
});
export type ServerKey = Static<typeof ServerKey>;

/** A chat as the host's backend sees it. */
export const HostChat = object({
  id: Id,
  key: Type.String(),
  rev: Rev,
  lastSeq: Seq,
  title: nullable(Title),
  data: Data,
  members: Type.Array(object({ userId: Id, role: Role })),
  createdAt: Time,
});
export type HostChat = Static<typeof HostChat>;

/** What the host's token for `/auth/exchange` says to us, besides `exp` and `aud`; what else stands in it is no business of ours. */
export const HostClaims = Type.Object({
  sub: ExternalId,
  name: Type.Optional(Name),
  email: Type.Optional(nullable(Email)),
  amr: Type.Optional(
    Type.Unknown({ description: "RFC 8176: how the host made sure who it is; `mfa` or `otp` is a second factor." }),
  ),
});
export type HostClaims = Static<typeof HostClaims>;

const ofUser = { name: Type.Optional(Name), email: Type.Optional(nullable(Email)), data: Type.Optional(Data) };

/** What the host's backend asks, by server key. */
export const hostActions = {
  "user.host.put": action({
    summary: "Make the host's user known, or bring the profile into step",
    rest: "PUT /server/users/:externalId",
    audience: "server",
    offered: "host",
    scope: "users",
    status: [200, 201],
    params: object({ externalId: ExternalId, ...ofUser }),
    returns: Me,
    repeatable: true,
  }),
  "user.host.create": action({
    summary: "Make a guest, who has no name of the host's: one is chosen as externalId",
    rest: "POST /server/users",
    audience: "server",
    offered: "host",
    scope: "users",
    status: [201],
    params: object({ name: Name, email: Type.Optional(Email), data: Type.Optional(Data) }),
    returns: Me,
    idempotent: true,
  }),
  "user.host.erase": action({
    summary: "Erase the host's user after the grace; signing in before then calls it off",
    rest: "DELETE /server/users/:externalId",
    audience: "server",
    offered: "host",
    scope: "users",
    status: [202],
    params: object({ externalId: ExternalId }),
    returns: object({ eraseAt: Time }),
    problems: ["user.not_found"],
    repeatable: true,
  }),
  "user.host.vouch": action({
    summary: "Sign the host's user in; who is new becomes a user",
    rest: "POST /server/users/:externalId/tokens",
    audience: "server",
    offered: "host",
    scope: "tokens",
    params: object({
      externalId: ExternalId,
      ...ofUser,
      device: Type.Optional(Type.String({ maxLength: 200, description: "Whom the session is for, to be shown in the list." })),
    }),
    returns: SignedIn,
    problems: ["user.banned"],
  }),
  "user.host.endSessions": action({
    summary: "End all sessions of the host's user",
    rest: "DELETE /server/users/:externalId/sessions",
    audience: "server",
    offered: "host",
    scope: "sessions",
    status: [204],
    params: object({ externalId: ExternalId }),
    returns: Empty,
    problems: ["user.not_found"],
    repeatable: true,
  }),
  "user.host.resolve": action({
    summary: "The users behind the host's names of them; unknown ones are left out",
    audience: "service",
    params: object({ externalIds: Type.Array(ExternalId, { maxItems: 2000 }) }),
    returns: object({ items: Type.Array(object({ externalId: ExternalId, userId: Id })) }),
    repeatable: true,
  }),
  "chat.host.put": action({
    summary: "The group of this key: made where it is new, else brought into step. Members that are not named stay",
    rest: "PUT /server/chats/by-key/:key",
    audience: "server",
    offered: "host",
    scope: "chats",
    status: [200, 201],
    params: object({
      key: Type.String(hostName),
      owner: Type.String({ ...hostName, description: "The externalId of whom it belongs to when it is made." }),
      members: Type.Optional(Type.Array(ExternalId, { maxItems: 1000, uniqueItems: true, description: "By externalId." })),
      title: Type.Optional(nullable(Title)),
      data: Type.Optional(Data),
    }),
    returns: HostChat,
    problems: ["chat.not_found", "chat.unknown_user", "chat.too_many_members", "chat.banned"],
    repeatable: true,
  }),
  "chat.host.send": action({
    summary: "Send a message in the name of one of the members",
    rest: "POST /server/chats/:chatId/messages",
    audience: "server",
    offered: "host",
    scope: "messages",
    budget: "chat",
    status: [201, 200],
    params: object({
      chatId: Id,
      sender: Type.String({ ...hostName, description: "By externalId." }),
      clientMessageId: ClientMessageId,
      text: Text,
      mentions: Type.Optional(Mentions),
      data: Type.Optional(Data),
    }),
    returns: object({ message: Message }),
    problems: ["chat.not_found", "chat.unknown_user", "chat.not_allowed", "chat.blocked", "chat.slow_mode"],
    repeatable: true,
  }),

  "user.serverkey.check": action({
    summary: "Whether a server key is good, and for what",
    audience: "service",
    params: object({ key: Type.String({ maxLength: 200 }) }),
    returns: nullable(object({ keyId: Id, scopes: Type.Array(ServerScope) })),
  }),
  "user.serverkey.create": action({
    summary: "Make a server key; the answer shows it, this once",
    rest: "POST /admin/keys",
    audience: "admin",
    status: [201],
    params: object({
      name: Name,
      scopes: Type.Array(ServerScope, { minItems: 1, uniqueItems: true }),
      expiresAt: Type.Optional(Time),
    }),
    returns: object({ ...ServerKey.properties, key: Type.String() }),
    problems: ["user.too_many_keys"],
  }),
  "user.serverkey.list": action({
    summary: "The server keys that are good",
    rest: "GET /admin/keys",
    audience: "admin",
    params: object({}),
    returns: object({ items: Type.Array(ServerKey) }),
    repeatable: true,
  }),
  "user.serverkey.remove": action({
    summary: "Make a server key good for nothing, everywhere within two seconds",
    rest: "DELETE /admin/keys/:keyId",
    audience: "admin",
    status: [204],
    params: object({ keyId: Id }),
    returns: Empty,
    problems: ["user.key_not_found"],
  }),
};
