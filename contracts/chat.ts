import { Type, type Static } from "@sinclair/typebox";
import { action, event } from "./define.ts";
import { Data, Id, Rev, Seq, Time, nullable, object, pageOf } from "./shapes.ts";

export const Role = Type.Union([Type.Literal("owner"), Type.Literal("admin"), Type.Literal("member")]);
export type Role = Static<typeof Role>;
export const ChatType = Type.Union([Type.Literal("direct"), Type.Literal("group")]);
export type ChatType = Static<typeof ChatType>;
export const Title = Type.String({ minLength: 1, maxLength: 200 });

/** The sender's own name of a message: the same sender, chat and name always yield the same message (G3). */
export const ClientMessageId = Type.String({ minLength: 1, maxLength: 64, pattern: "^[A-Za-z0-9_-]+$" });

export const Reaction = object({ emoji: Type.String(), count: Type.Integer({ minimum: 1 }), mine: Type.Boolean() });

export const Message = object({
  id: Id,
  chatId: Id,
  seq: Seq,
  rev: Rev,
  senderId: Id,
  clientMessageId: ClientMessageId,
  text: Type.String(),
  attachments: Type.Array(Type.Unknown(), { maxItems: 0 }),
  replyTo: Type.Null(),
  mentions: Type.Array(Id),
  reactions: Type.Array(Reaction),
  pinned: Type.Boolean(),
  editedAt: nullable(Time),
  deletedAt: nullable(Time),
  createdAt: Time,
  data: Data,
});
export type Message = Static<typeof Message>;

export const Member = object({ userId: Id, role: Role });
export type Member = Static<typeof Member>;

const place = { chatId: Id, rev: Rev, by: Id, at: Time };

/** One change of a chat, at its place in the log. Clients pass over types that they do not know, and still advance. */
export const Entry = Type.Union([
  object({ ...place, type: Type.Literal("message.sent"), data: object({ message: Message }) }),
  object({
    ...place,
    type: Type.Literal("chat.created"),
    data: object({ type: ChatType, title: nullable(Title), data: Data, members: Type.Array(Member) }),
  }),
]);
export type Entry = Static<typeof Entry>;
export type EntryType = Entry["type"];

export const Chat = object({
  id: Id,
  type: ChatType,
  title: nullable(Title),
  data: Data,
  createdAt: Time,
  createdBy: Id,
  memberCount: Type.Integer({ minimum: 1 }),
  peerId: nullable(Type.String({ format: "uuid", description: "The other person of a direct chat." })),
  rev: Rev,
  lastSeq: Seq,
  lastMessage: nullable(Message),
  unreadCount: Type.Integer({ minimum: 0, description: "lastSeq - me.readSeq" }),
  me: object({ role: Role, joinedAt: Time, readSeq: Seq }),
});
export type Chat = Static<typeof Chat>;

const Limit = (byDefault: number) => Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: byDefault }));
/** A place to page from. Below 2^53, so that it stays a number everywhere. */
const From = Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }));

export const chatActions = {
  "chat.chat.create": action({
    summary: "Open a chat; a direct chat of the same two people is the same chat",
    rest: "POST /chats",
    status: [201, 200],
    idempotent: true,
    params: object({
      type: ChatType,
      memberIds: Type.Array(Id, { maxItems: 1000, uniqueItems: true, description: "The others; oneself is always in." }),
      title: Type.Optional(Title),
      data: Type.Optional(Data),
    }),
    returns: Chat,
    problems: ["chat.too_many_members", "chat.unknown_user"],
  }),
  "chat.chat.list": action({
    summary: "My chats, the most recently active first",
    rest: "GET /chats",
    params: object({ limit: Limit(50), cursor: Type.Optional(Type.String({ maxLength: 200 })) }),
    returns: pageOf(Chat),
    repeatable: true,
  }),
  "chat.chat.get": action({
    summary: "One of my chats",
    rest: "GET /chats/:chatId",
    params: object({ chatId: Id }),
    returns: Chat,
    problems: ["chat.not_found"],
    repeatable: true,
  }),
  "chat.message.send": action({
    summary: "Send a message; sent again under the same clientMessageId it is the same message (200)",
    rest: "POST /chats/:chatId/messages",
    socket: "message:send",
    status: [201, 200],
    params: object({
      chatId: Id,
      clientMessageId: ClientMessageId,
      text: Type.String({ minLength: 1, maxLength: 65_536, pattern: "\\S" }),
      data: Type.Optional(Data),
    }),
    returns: object({ message: Message }),
    problems: ["chat.not_found"],
    repeatable: true,
  }),
  "chat.message.list": action({
    summary: "A page of messages, ascending by seq; the newest page without before, after or around",
    rest: "GET /chats/:chatId/messages",
    params: object({ chatId: Id, before: From, after: From, around: From, limit: Limit(50) }),
    returns: object({
      items: Type.Array(Message),
      before: nullable(Type.Integer({ description: "Pass it as before for the page above; null at the first message." })),
      after: nullable(Type.Integer({ description: "Pass it as after for the page below; null at the newest message." })),
    }),
    problems: ["chat.not_found"],
    repeatable: true,
  }),
  "chat.entry.list": action({
    summary: "The log itself, ascending by rev",
    rest: "GET /chats/:chatId/entries",
    params: object({ chatId: Id, after: From, limit: Limit(100) }),
    returns: object({ items: Type.Array(Entry), rev: Type.Integer({ minimum: 0, description: "Where the log ends now." }) }),
    problems: ["chat.not_found"],
    repeatable: true,
  }),
  "chat.sync.pull": action({
    summary: "All that changed since the revs that the client knows, in pages",
    rest: "POST /sync",
    socket: "sync",
    params: object({
      epoch: Type.Optional(Type.String({ maxLength: 64 })),
      userRev: Type.Optional(Rev),
      chats: Type.Optional(Type.Record(Type.String({ format: "uuid" }), Rev)),
      limit: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 1000, default: 500, description: "Entries in the answer, at most." }),
      ),
    }),
    returns: object({
      epoch: Type.String({ description: "Names the store; when it is another one, clients start over." }),
      userRev: Rev,
      user: Type.Array(Type.Unknown(), { maxItems: 0 }),
      chats: Type.Array(
        object({
          chatId: Id,
          rev: Rev,
          reset: Type.Optional(Type.Boolean({ description: "Forget what you had: chat and entries are the newest state." })),
          chat: Type.Optional(Chat),
          entries: Type.Array(Entry),
        }),
      ),
      more: Type.Boolean({ description: "Ask again with the revs that you now have." }),
    }),
    repeatable: true,
  }),
  "chat.follow.list": action({
    summary: "The chats whose entries a user's socket is to get, with their revs",
    audience: "service",
    params: object({ userId: Id }),
    returns: object({ epoch: Type.String(), chats: Type.Array(object({ chatId: Id, rev: Rev })) }),
    repeatable: true,
  }),
  "chat.entry.range": action({
    summary: "Entries after a rev, for whoever hands them on",
    audience: "service",
    params: object({ chatId: Id, after: Rev, limit: Type.Integer({ minimum: 1, maximum: 1000 }) }),
    returns: object({ items: Type.Array(Entry) }),
    repeatable: true,
  }),
  "chat.log.stats": action({
    summary: "For operators: what this node's log has done since it started",
    audience: "service",
    params: object({}),
    returns: object({
      appended: Type.Integer({ description: "Entries stored." }),
      writes: Type.Integer({ description: "Inserts that they shared." }),
      conflicts: Type.Integer({ description: "Places that another node had taken first." }),
      repeats: Type.Integer({ description: "Entries asked for again under their key." }),
    }),
    repeatable: true,
  }),
};

export const chatEvents = {
  "chat.entry.appended": event({
    summary: "Entries took their places; ascending by rev within a chat",
    payload: object({ entries: Type.Array(Entry) }),
  }),
};
