import { Type, type Static } from "@sinclair/typebox";
import { action, event } from "./define.ts";
import {
  Data,
  Email,
  Empty,
  ExportPage,
  ExportedPage,
  Id,
  Language,
  Rev,
  Seq,
  Time,
  nullable,
  object,
  pageOf,
} from "./shapes.ts";

export const Role = Type.Union([Type.Literal("owner"), Type.Literal("admin"), Type.Literal("member")]);
export type Role = Static<typeof Role>;
export const ChatType = Type.Union([Type.Literal("direct"), Type.Literal("group")]);
export type ChatType = Static<typeof ChatType>;
export const Title = Type.String({ minLength: 1, maxLength: 200 });

/** The sender's own name of a message: the same sender, chat and name always yield the same message (G3). */
export const ClientMessageId = Type.String({ minLength: 1, maxLength: 64, pattern: "^[A-Za-z0-9_-]+$" });

export const Text = Type.String({ minLength: 1, maxLength: 65_536, pattern: "\\S" });

/** One emoji of Unicode, also one of several code points. */
export const Emoji = Type.String({ minLength: 1, maxLength: 64, description: "One emoji of Unicode." });
export const Reaction = object({ emoji: Type.String(), count: Type.Integer({ minimum: 1 }), mine: Type.Boolean() });

/** Whom a message names: some members, or all. */
export const Mentions = Type.Union([Type.Array(Id, { maxItems: 100, uniqueItems: true }), Type.Literal("all")]);
export type Mentions = Static<typeof Mentions>;

/** Another message of the same chat. Reading that one tells what it says, if one may see it, and whether it was deleted. */
export const ReplyTo = object({ id: Id, seq: Seq });
export type ReplyTo = Static<typeof ReplyTo>;

export const Message = object({
  id: Id,
  chatId: Id,
  seq: Seq,
  rev: Type.Integer({ minimum: 1, description: "The place of its last change; entries up to it are in it already." }),
  senderId: Id,
  clientMessageId: ClientMessageId,
  text: Type.String({ description: "Empty where it was deleted." }),
  attachments: Type.Array(Type.Unknown(), { maxItems: 0 }),
  replyTo: nullable(ReplyTo),
  mentions: Mentions,
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

/** From where newcomers may read: all that was said before, or from their joining on. */
export const HistoryFrom = Type.Union([Type.Literal("all"), Type.Literal("join")]);
export type HistoryFrom = Static<typeof HistoryFrom>;
/** Who may send messages. */
export const Posting = Type.Union([Type.Literal("all"), Type.Literal("admins")]);
export type Posting = Static<typeof Posting>;
const SlowMode = Type.Integer({
  minimum: 0,
  maximum: 86_400,
  description: "Seconds between two messages of a member; 0 is off.",
});

const place = { chatId: Id, rev: Rev, by: Id, at: Time };
const ofMessage = { messageId: Id, seq: Seq };

/** One change of a chat, at its place in the log. Clients pass over types that they do not know, and still advance. */
export const Entry = Type.Union([
  object({
    ...place,
    type: Type.Literal("message.sent"),
    data: object({ message: Message }),
  }),
  object({
    ...place,
    type: Type.Literal("message.edited"),
    data: object({ ...ofMessage, text: Type.String(), mentions: Mentions, data: Data }),
  }),
  object({ ...place, type: Type.Literal("message.deleted"), data: object(ofMessage) }),
  object({ ...place, type: Type.Literal("reaction.added"), data: object({ ...ofMessage, emoji: Type.String() }) }),
  object({ ...place, type: Type.Literal("reaction.removed"), data: object({ ...ofMessage, emoji: Type.String() }) }),
  object({ ...place, type: Type.Literal("pin.added"), data: object(ofMessage) }),
  object({ ...place, type: Type.Literal("pin.removed"), data: object(ofMessage) }),
  object({
    ...place,
    type: Type.Literal("member.added"),
    data: object({ members: Type.Array(Member), inviteId: nullable(Id) }),
  }),
  object({
    ...place,
    type: Type.Literal("member.removed"),
    data: object({ userId: Id, banned: Type.Boolean({ description: "Whether to keep out from now on." }) }),
  }),
  object({ ...place, type: Type.Literal("member.changed"), data: Member }),
  object({ ...place, type: Type.Literal("ban.added"), data: object({ userId: Id }) }),
  object({ ...place, type: Type.Literal("ban.removed"), data: object({ userId: Id }) }),
  object({
    ...place,
    type: Type.Literal("chat.created"),
    data: object({
      type: ChatType,
      title: nullable(Title),
      data: Data,
      historyFrom: HistoryFrom,
      posting: Posting,
      slowMode: SlowMode,
      members: Type.Array(Member),
    }),
  }),
  object({
    ...place,
    type: Type.Literal("chat.changed"),
    data: object({
      title: nullable(Title),
      data: Data,
      historyFrom: HistoryFrom,
      posting: Posting,
      slowMode: SlowMode,
    }),
  }),
  object({ ...place, type: Type.Literal("chat.deleted"), data: object({}) }),
]);
export type Entry = Static<typeof Entry>;
export type EntryType = Entry["type"];

/** An entry whose words some members may not see: the message is of a time when they were not in the chat. */
export const Hidden = object({ chatId: Id, rev: Rev, from: Type.Array(Id) });
export type Hidden = Static<typeof Hidden>;

/** What a chat is to one of its members, on all of that person's devices. */
const mine = {
  readSeq: Type.Integer({ minimum: 0, description: "Read up to this message." }),
  deliveredSeq: Type.Integer({ minimum: 0, description: "Received up to this message; never before readSeq." }),
  mutedUntil: nullable(Time),
  pinned: Type.Boolean(),
  archived: Type.Boolean(),
  markedUnread: Type.Boolean(),
};

export const Chat = object({
  id: Id,
  type: ChatType,
  title: nullable(Title),
  data: Data,
  historyFrom: HistoryFrom,
  posting: Posting,
  slowMode: SlowMode,
  createdAt: Time,
  createdBy: Id,
  memberCount: Type.Integer({ minimum: 1 }),
  peerId: nullable(Type.String({ format: "uuid", description: "The other person of a direct chat." })),
  pins: Type.Array(ReplyTo, { description: "The pinned messages, the latest pin last." }),
  rev: Rev,
  lastSeq: Seq,
  lastMessage: nullable(Message),
  unreadCount: Type.Integer({ minimum: 0, description: "lastSeq - me.readSeq" }),
  unreadMentions: Type.Integer({ minimum: 0, description: "Unread messages that mention me or all; counted up to 50." }),
  me: object({ role: Role, joinedAt: Time, ...mine }),
});
export type Chat = Static<typeof Chat>;

/** How often unread messages are gathered into a mail. */
export const DigestInterval = Type.Union([
  Type.Literal("now"),
  Type.Literal("quarter-hourly"),
  Type.Literal("hourly"),
  Type.Literal("daily"),
  Type.Literal("never"),
]);
export type DigestInterval = Static<typeof DigestInterval>;

const TimeOfDay = Type.String({ pattern: "^([01][0-9]|2[0-3]):[0-5][0-9]$", description: "Such as 22:30." });

/** Times without mails that can wait, in the person's time zone; across midnight where `to` is the earlier one. */
export const QuietHours = object({ from: TimeOfDay, to: TimeOfDay });
export type QuietHours = Static<typeof QuietHours>;

export const Preferences = object({
  readReceipts: Type.Boolean({ description: "Whether others see how far one has read." }),
  presence: Type.Boolean({ description: "Whether others see if one is online." }),
  findable: Type.Boolean({ description: "Whether who knows one's exact address finds one by it." }),
  notifications: Type.Boolean({ description: "Whether mentions and direct messages are mailed to somebody away." }),
  digest: DigestInterval,
  quietHours: nullable(QuietHours),
  timeZone: nullable(
    Type.String({
      maxLength: 64,
      pattern: "^[A-Za-z0-9_+/-]+$",
      description: "An IANA name such as Europe/Berlin; UTC where null.",
    }),
  ),
  language: nullable(Language),
});
export type Preferences = Static<typeof Preferences>;

const userPlace = { userRev: Rev, at: Time };

/**
 * One change of what a person has on all devices. Only the last entry of each subject (a chat, a blocked person, the
 * preferences, the profile) is kept, so a userRev may be missing, but is never late.
 */
export const UserEntry = Type.Union([
  object({
    ...userPlace,
    type: Type.Literal("chat.noted"),
    data: object({ chatId: Id, member: Type.Boolean({ description: "Whether one is in the chat." }), ...mine }),
  }),
  object({ ...userPlace, type: Type.Literal("block.changed"), data: object({ userId: Id, blocked: Type.Boolean() }) }),
  object({ ...userPlace, type: Type.Literal("preferences.changed"), data: Preferences }),
  object({
    ...userPlace,
    type: Type.Literal("profile.changed"),
    data: object({
      name: Type.String(),
      avatar: nullable(Type.String({ description: "As in a profile." })),
    }),
  }),
]);
export type UserEntry = Static<typeof UserEntry>;
export type UserEntryType = UserEntry["type"];

/** How far somebody has come in a chat. */
export const Receipt = object({
  userId: Id,
  readSeq: nullable(Type.Integer({ minimum: 0, description: "Null where the person does not tell." })),
  deliveredSeq: Type.Integer({ minimum: 0 }),
});
export type Receipt = Static<typeof Receipt>;

export const Invite = object({
  id: Id,
  chatId: Id,
  code: Type.String({ description: "Whoever has it may join: POST /invites/:code/accept." }),
  createdBy: Id,
  createdAt: Time,
  expiresAt: nullable(Time),
  maxUses: nullable(Type.Integer({ minimum: 1 })),
  uses: Type.Integer({ minimum: 0 }),
});
export type Invite = Static<typeof Invite>;

const Limit = (byDefault: number) => Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: byDefault }));
const Cursor = Type.Optional(Type.String({ maxLength: 200 }));
/** A place to page from. Below 2^53, so that it stays a number everywhere. */
const From = Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }));
const Pointers = Type.Record(Type.String({ format: "uuid" }), Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }));

const chatSettings = {
  historyFrom: Type.Optional(HistoryFrom),
  posting: Type.Optional(Posting),
  slowMode: Type.Optional(SlowMode),
};
const inChat = { chatId: Id };
const onMember = { chatId: Id, userId: Id };
const onMessage = { chatId: Id, messageId: Id };
const answerMessage = object({ message: Message });

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
      ...chatSettings,
    }),
    returns: Chat,
    problems: ["chat.too_many_members", "chat.unknown_user", "chat.blocked"],
  }),
  "chat.chat.list": action({
    summary: "My chats, the most recently active first",
    rest: "GET /chats",
    params: object({ limit: Limit(50), cursor: Cursor }),
    returns: pageOf(Chat),
    repeatable: true,
  }),
  "chat.chat.get": action({
    summary: "One of my chats",
    rest: "GET /chats/:chatId",
    params: object(inChat),
    returns: Chat,
    problems: ["chat.not_found"],
    repeatable: true,
  }),
  "chat.chat.change": action({
    summary: "Change the title, the data or the rules of a group",
    rest: "PATCH /chats/:chatId",
    params: object({
      ...inChat,
      title: Type.Optional(nullable(Title)),
      data: Type.Optional(Data),
      ...chatSettings,
    }),
    returns: Chat,
    problems: ["chat.not_found", "chat.not_allowed", "chat.groups_only", "chat.blocked"],
    repeatable: true,
  }),
  "chat.chat.delete": action({
    summary: "Delete a group with all that was said in it, for everybody",
    rest: "DELETE /chats/:chatId",
    status: [204],
    params: object(inChat),
    returns: Empty,
    problems: ["chat.not_found", "chat.not_allowed", "chat.groups_only"],
    repeatable: true,
  }),
  "chat.me.change": action({
    summary: "Mute, pin, archive or mark a chat as unread, for oneself",
    rest: "PATCH /chats/:chatId/me",
    params: object({
      ...inChat,
      mutedUntil: Type.Optional(nullable(Time)),
      pinned: Type.Optional(Type.Boolean()),
      archived: Type.Optional(Type.Boolean()),
      markedUnread: Type.Optional(Type.Boolean()),
    }),
    returns: Chat,
    problems: ["chat.not_found"],
    repeatable: true,
  }),

  "chat.member.list": action({
    summary: "The members of a chat, in the order of their joining",
    rest: "GET /chats/:chatId/members",
    params: object({ ...inChat, limit: Limit(100), cursor: Cursor }),
    returns: pageOf(object({ userId: Id, role: Role, joinedAt: Time })),
    problems: ["chat.not_found"],
    repeatable: true,
  }),
  "chat.member.add": action({
    summary: "Add people to a group",
    rest: "POST /chats/:chatId/members",
    params: object({ ...inChat, userIds: Type.Array(Id, { minItems: 1, maxItems: 1000, uniqueItems: true }) }),
    returns: Chat,
    problems: [
      "chat.not_found",
      "chat.not_allowed",
      "chat.groups_only",
      "chat.too_many_members",
      "chat.unknown_user",
      "chat.banned",
    ],
    repeatable: true,
  }),
  "chat.member.change": action({
    summary: "Give a member another role",
    rest: "PATCH /chats/:chatId/members/:userId",
    params: object({ ...onMember, role: Role }),
    returns: Member,
    problems: ["chat.not_found", "chat.member_not_found", "chat.not_allowed", "chat.groups_only", "chat.last_owner"],
    repeatable: true,
  }),
  "chat.member.remove": action({
    summary: "Leave a group, or remove somebody from it",
    rest: "DELETE /chats/:chatId/members/:userId",
    status: [204],
    params: object(onMember),
    returns: Empty,
    problems: ["chat.not_found", "chat.member_not_found", "chat.not_allowed", "chat.groups_only", "chat.last_owner"],
    repeatable: true,
  }),
  "chat.ban.list": action({
    summary: "Who is kept out of a group",
    rest: "GET /chats/:chatId/bans",
    params: object(inChat),
    returns: object({ items: Type.Array(object({ userId: Id, by: Id, at: Time })) }),
    problems: ["chat.not_found", "chat.not_allowed", "chat.groups_only"],
    repeatable: true,
  }),
  "chat.ban.add": action({
    summary: "Keep somebody out of a group; a member is removed by it",
    rest: "PUT /chats/:chatId/bans/:userId",
    status: [204],
    params: object(onMember),
    returns: Empty,
    problems: ["chat.not_found", "chat.not_allowed", "chat.groups_only", "chat.unknown_user", "chat.too_many_bans"],
    repeatable: true,
  }),
  "chat.ban.remove": action({
    summary: "Let somebody in again",
    rest: "DELETE /chats/:chatId/bans/:userId",
    status: [204],
    params: object(onMember),
    returns: Empty,
    problems: ["chat.not_found", "chat.not_allowed", "chat.groups_only"],
    repeatable: true,
  }),
  "chat.invite.create": action({
    summary: "Make a link by which people may join a group; with an address, mail it there",
    rest: "POST /chats/:chatId/invites",
    status: [201, 200],
    idempotent: true,
    params: object({
      ...inChat,
      expiresIn: Type.Optional(
        Type.Integer({ minimum: 60, maximum: 31_536_000, description: "Seconds; a week where left out." }),
      ),
      maxUses: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
      email: Type.Optional(Email),
    }),
    returns: Invite,
    problems: ["chat.not_found", "chat.not_allowed", "chat.groups_only", "chat.too_many_invites", "chat.too_many_invitations"],
  }),
  "chat.invite.list": action({
    summary: "The links of a group that are good still",
    rest: "GET /chats/:chatId/invites",
    params: object(inChat),
    returns: object({ items: Type.Array(Invite) }),
    problems: ["chat.not_found", "chat.not_allowed", "chat.groups_only"],
    repeatable: true,
  }),
  "chat.invite.revoke": action({
    summary: "End a link",
    rest: "DELETE /chats/:chatId/invites/:inviteId",
    status: [204],
    params: object({ ...inChat, inviteId: Id }),
    returns: Empty,
    problems: ["chat.not_found", "chat.not_allowed", "chat.groups_only"],
    repeatable: true,
  }),
  "chat.invite.accept": action({
    summary: "Join a group by a link",
    rest: "POST /invites/:code/accept",
    budget: "find",
    params: object({ code: Type.String({ minLength: 1, maxLength: 64, pattern: "^[A-Za-z0-9_-]+$" }) }),
    returns: Chat,
    problems: ["chat.invite_not_good", "chat.banned", "chat.too_many_members"],
    repeatable: true,
  }),

  "chat.message.send": action({
    summary: "Send a message; sent again under the same clientMessageId it is the same message (200)",
    rest: "POST /chats/:chatId/messages",
    socket: "message:send",
    status: [201, 200],
    budget: "chat",
    params: object({
      ...inChat,
      clientMessageId: ClientMessageId,
      text: Text,
      replyTo: Type.Optional(Id),
      mentions: Type.Optional(Mentions),
      data: Type.Optional(Data),
    }),
    returns: answerMessage,
    problems: ["chat.not_found", "chat.not_allowed", "chat.blocked", "chat.slow_mode"],
    repeatable: true,
  }),
  "chat.message.list": action({
    summary: "A page of messages, ascending by seq; the newest page without before, after or around",
    rest: "GET /chats/:chatId/messages",
    params: object({ ...inChat, before: From, after: From, around: From, limit: Limit(50) }),
    returns: object({
      items: Type.Array(Message),
      before: nullable(Type.Integer({ description: "Pass it as before for the page above; null at the first message." })),
      after: nullable(Type.Integer({ description: "Pass it as after for the page below; null at the newest message." })),
    }),
    problems: ["chat.not_found"],
    repeatable: true,
  }),
  "chat.message.get": action({
    summary: "One message as it is now",
    rest: "GET /chats/:chatId/messages/:messageId",
    params: object(onMessage),
    returns: answerMessage,
    problems: ["chat.not_found", "chat.message_not_found"],
    repeatable: true,
  }),
  "chat.message.edit": action({
    summary: "Change one's own message, within the time that the limits tell",
    rest: "PATCH /chats/:chatId/messages/:messageId",
    socket: "message:edit",
    budget: "chat",
    params: object({
      ...onMessage,
      text: Type.Optional(Text),
      mentions: Type.Optional(Mentions),
      data: Type.Optional(Data),
    }),
    returns: answerMessage,
    problems: [
      "chat.not_found",
      "chat.message_not_found",
      "chat.message_deleted",
      "chat.not_author",
      "chat.edit_too_late",
      "chat.not_allowed",
      "chat.blocked",
      "chat.too_many_edits",
    ],
    repeatable: true,
  }),
  "chat.message.delete": action({
    summary: "Delete a message: its words are gone, its number stays",
    rest: "DELETE /chats/:chatId/messages/:messageId",
    socket: "message:delete",
    budget: "chat",
    params: object(onMessage),
    returns: answerMessage,
    problems: ["chat.not_found", "chat.message_not_found", "chat.not_author"],
    repeatable: true,
  }),
  "chat.message.history": action({
    summary: "What a message said before its edits, the oldest first, ending with what it says now",
    rest: "GET /chats/:chatId/messages/:messageId/history",
    params: object(onMessage),
    returns: object({ items: Type.Array(object({ rev: Rev, at: Time, text: Type.String(), mentions: Mentions, data: Data })) }),
    problems: ["chat.not_found", "chat.message_not_found"],
    repeatable: true,
  }),
  "chat.reaction.list": action({
    summary: "Who reacted to a message, by emoji",
    rest: "GET /chats/:chatId/messages/:messageId/reactions",
    params: object(onMessage),
    returns: object({ items: Type.Array(object({ emoji: Type.String(), userIds: Type.Array(Id) })) }),
    problems: ["chat.not_found", "chat.message_not_found"],
    repeatable: true,
  }),
  "chat.reaction.add": action({
    summary: "React to a message",
    rest: "PUT /chats/:chatId/messages/:messageId/reactions/:emoji",
    socket: "message:react",
    budget: "chat",
    params: object({ ...onMessage, emoji: Emoji }),
    returns: answerMessage,
    problems: ["chat.not_found", "chat.message_not_found", "chat.message_deleted", "chat.too_many_reactions", "chat.blocked"],
    repeatable: true,
  }),
  "chat.reaction.remove": action({
    summary: "Take a reaction back",
    rest: "DELETE /chats/:chatId/messages/:messageId/reactions/:emoji",
    socket: "message:unreact",
    budget: "chat",
    params: object({ ...onMessage, emoji: Emoji }),
    returns: answerMessage,
    problems: ["chat.not_found", "chat.message_not_found", "chat.message_deleted", "chat.blocked"],
    repeatable: true,
  }),
  "chat.pin.list": action({
    summary: "The pinned messages, the latest pin last",
    rest: "GET /chats/:chatId/pins",
    params: object(inChat),
    returns: object({ items: Type.Array(Message) }),
    problems: ["chat.not_found"],
    repeatable: true,
  }),
  "chat.pin.add": action({
    summary: "Pin a message for everybody",
    rest: "PUT /chats/:chatId/pins/:messageId",
    status: [204],
    params: object(onMessage),
    returns: Empty,
    problems: [
      "chat.not_found",
      "chat.message_not_found",
      "chat.message_deleted",
      "chat.not_allowed",
      "chat.too_many_pins",
      "chat.blocked",
    ],
    repeatable: true,
  }),
  "chat.pin.remove": action({
    summary: "Take a pin away",
    rest: "DELETE /chats/:chatId/pins/:messageId",
    status: [204],
    params: object(onMessage),
    returns: Empty,
    problems: ["chat.not_found", "chat.message_not_found", "chat.not_allowed", "chat.blocked"],
    repeatable: true,
  }),

  "chat.entry.list": action({
    summary: "The log itself, ascending by rev, as far as one may see it",
    rest: "GET /chats/:chatId/entries",
    params: object({ ...inChat, after: From, limit: Limit(100) }),
    returns: object({ items: Type.Array(Entry), rev: Type.Integer({ minimum: 0, description: "Where the log ends now." }) }),
    problems: ["chat.not_found"],
    repeatable: true,
  }),
  "chat.receipt.move": action({
    summary: "Move my pointers forward in many chats; a chat that I am not in, or pointers that would go back, are passed over",
    rest: "POST /receipts",
    socket: "receipts",
    params: object({ read: Type.Optional(Pointers), delivered: Type.Optional(Pointers) }),
    returns: object({
      chats: Type.Record(Type.String({ format: "uuid" }), object({ readSeq: Seq, deliveredSeq: Seq }), {
        description: "Where the pointers are now, in the chats that I am in.",
      }),
    }),
    repeatable: true,
  }),
  "chat.receipt.list": action({
    summary: "How far the members of a chat have come",
    rest: "GET /chats/:chatId/receipts",
    params: object(inChat),
    returns: object({ items: Type.Array(Receipt) }),
    problems: ["chat.not_found"],
    repeatable: true,
  }),
  "chat.sync.pull": action({
    summary: "All that changed since the revs that the client knows, in pages",
    rest: "POST /sync",
    socket: "sync",
    // Some twenty thousand chats.
    maxBody: 1_048_576,
    params: object({
      epoch: Type.Optional(Type.String({ maxLength: 64 })),
      userRev: Type.Optional(Rev),
      chats: Type.Optional(Type.Record(Type.String({ format: "uuid" }), Rev)),
      limit: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: 1000,
          default: 500,
          description: "Entries in the answer, at most; a chat that starts over comes with its newest page all the same.",
        }),
      ),
    }),
    returns: object({
      epoch: Type.String({ description: "Names the store; when it is another one, clients start over." }),
      userRev: Rev,
      user: Type.Array(UserEntry, { description: "Of my own log, ascending by userRev." }),
      chats: Type.Array(
        object({
          chatId: Id,
          rev: Rev,
          reset: Type.Optional(
            Type.Boolean({
              description:
                "Forget what you had of it. Entries are then the newest messages as they are now; without chat, it is gone.",
            }),
          ),
          chat: Type.Optional(Chat),
          entries: Type.Array(Entry),
        }),
      ),
      more: Type.Boolean({ description: "Ask again with the revs that you now have." }),
    }),
    repeatable: true,
  }),
  "chat.search.find": action({
    summary: "Find messages in my chats by their words, the newest first; the last word may be the beginning of one",
    rest: "GET /search",
    budget: "find",
    params: object({
      q: Type.String({ minLength: 1, maxLength: 200, pattern: "\\S" }),
      chatId: Type.Optional(Id),
      from: Type.Optional(Type.String({ format: "uuid", description: "Only of this sender." })),
      before: Type.Optional(Time),
      after: Type.Optional(Time),
      limit: Limit(20),
      cursor: Cursor,
    }),
    returns: pageOf(
      object({
        message: Message,
        marks: Type.Array(object({ start: Type.Integer(), end: Type.Integer() }), {
          description: "Where the words are in the text, in UTF-16 units; end is exclusive.",
        }),
      }),
    ),
    problems: ["chat.not_found"],
    repeatable: true,
  }),

  "chat.block.list": action({
    summary: "Whom I have blocked",
    rest: "GET /users/me/blocks",
    params: object({}),
    returns: object({ items: Type.Array(object({ userId: Id, at: Time })) }),
    repeatable: true,
  }),
  "chat.block.add": action({
    summary: "Block somebody: no direct chat can be opened or written to by them",
    rest: "PUT /users/me/blocks/:userId",
    status: [204],
    params: object({ userId: Id }),
    returns: Empty,
    problems: ["chat.unknown_user", "chat.too_many_blocks"],
    repeatable: true,
  }),
  "chat.block.remove": action({
    summary: "Block somebody no longer",
    rest: "DELETE /users/me/blocks/:userId",
    status: [204],
    params: object({ userId: Id }),
    returns: Empty,
    repeatable: true,
  }),
  "chat.preference.get": action({
    summary: "My preferences",
    rest: "GET /users/me/preferences",
    params: object({}),
    returns: Preferences,
    repeatable: true,
  }),
  "chat.preference.change": action({
    summary: "Change some of my preferences",
    rest: "PATCH /users/me/preferences",
    params: Type.Partial(Preferences, { additionalProperties: false }),
    returns: Preferences,
    repeatable: true,
  }),

  "chat.digest.scan": action({
    summary: "Who may have something unread by messages with ids after one, a record for each chat, for mail",
    audience: "service",
    params: object({
      after: Type.String({ format: "uuid", description: "A UUIDv7: the id of a message, or one made of a time." }),
      limit: Type.Integer({ minimum: 1, maximum: 1000, description: "Messages looked at." }),
      known: Type.Optional(
        Type.Record(Type.String(), Type.Integer(), {
          description: "By chat: the seq up to which somebody has looked already. What is up to there is passed over.",
        }),
      ),
    }),
    returns: object({
      items: Type.Array(
        object({
          chatId: Id,
          seq: Type.Integer({ description: "The latest message that was looked at." }),
          at: Type.Integer({ description: "When the first of them was sent, in milliseconds since 1970." }),
          userIds: Type.Array(Id, {
            description: "Members that have not read all of it, have not muted the chat, and want to be mailed about such.",
          }),
          urgentIds: Type.Array(Id, { description: "Those of them whom it mentions or is meant for alone." }),
        }),
      ),
      last: nullable(Type.String({ description: "The id of the last message that was looked at; null where there was none." })),
    }),
    repeatable: true,
  }),
  "chat.digest.read": action({
    summary: "What somebody has unread beyond what they were told, for mail",
    audience: "service",
    params: object({
      userId: Id,
      told: Type.Record(Type.String(), Type.Integer(), { description: "By chat: the seq up to which they were told." }),
      since: Type.Optional(
        Type.Integer({ description: "Milliseconds since 1970: chats whose last message is older are passed over." }),
      ),
    }),
    returns: object({
      preferences: Preferences,
      chats: Type.Array(
        object({
          chatId: Id,
          type: ChatType,
          title: nullable(Type.String()),
          readSeq: Seq,
          /** What is told: after `fromSeq`, up to `toSeq`. */
          fromSeq: Seq,
          toSeq: Seq,
          count: Type.Integer({
            description:
              "Messages among them that are others', not deleted, and of nobody blocked; of more than 100 the earlier ones are counted by their numbers.",
          }),
          firstAt: Type.Integer({ description: "Milliseconds since 1970." }),
          urgentAt: nullable(Type.Integer({ description: "The first that mentions them or is meant for them alone." })),
          messages: Type.Array(object({ seq: Seq, by: Id, text: Type.String(), at: Type.Integer(), isMention: Type.Boolean() }), {
            description: "The latest few, the oldest first.",
          }),
        }),
        { description: "20 at most, those with something urgent and the latest of them first." },
      ),
      more: Type.Integer({ description: "Chats beyond those." }),
      told: Type.Record(Type.String(), Type.Integer(), {
        description: "Those of the positions given that tell of more than has been read; the others need not be kept.",
      }),
    }),
    repeatable: true,
  }),
  "chat.preference.unsubscribe": action({
    summary: "End a kind of mail for somebody who said so in it, for mail",
    audience: "service",
    params: object({ userId: Id, kind: Type.Union([Type.Literal("notification"), Type.Literal("digest")]) }),
    returns: Empty,
    repeatable: true,
  }),

  "chat.follow.list": action({
    summary: "The chats whose entries a user's socket is to get, with their revs",
    audience: "service",
    params: object({ userId: Id }),
    returns: object({ epoch: Type.String(), userRev: Rev, chats: Type.Array(object({ chatId: Id, rev: Rev })) }),
    repeatable: true,
  }),
  "chat.entry.range": action({
    summary: "Entries after a rev, for whoever hands them on",
    audience: "service",
    params: object({ ...inChat, after: Rev, limit: Type.Integer({ minimum: 1, maximum: 1000 }) }),
    returns: object({ items: Type.Array(Entry), hidden: Type.Optional(Type.Array(Hidden)) }),
    repeatable: true,
  }),
  "chat.user.range": action({
    summary: "Entries of a user's log after a userRev, for whoever hands them on",
    audience: "service",
    params: object({ userId: Id, after: Rev }),
    returns: object({ userRev: Type.Integer({ minimum: 0, description: "Told up to here." }), items: Type.Array(UserEntry) }),
    repeatable: true,
  }),
  "chat.head.list": action({
    summary: "Which of these chats and users have gone on after these revs",
    audience: "service",
    params: object({
      chats: Type.Record(Type.String({ format: "uuid" }), Rev),
      users: Type.Record(Type.String({ format: "uuid" }), Rev),
    }),
    returns: object({ chats: Type.Array(Id), users: Type.Array(Id) }),
    repeatable: true,
  }),
  "chat.typing.check": action({
    summary: "Whether somebody may be shown as typing in a chat: a member who may write, in a chat that is not too large",
    audience: "service",
    params: object({ ...inChat, userId: Id }),
    returns: object({ shown: Type.Boolean(), rev: Rev }),
    problems: ["chat.not_found"],
    repeatable: true,
  }),
  "chat.presence.visible": action({
    summary: "Which of these people let a user see whether they are online: those of a shared chat who do not hide it",
    audience: "service",
    params: object({ userId: Id, userIds: Type.Array(Id, { maxItems: 1000 }) }),
    returns: object({ userIds: Type.Array(Id) }),
    repeatable: true,
  }),
  "chat.people.shared": action({
    summary: "The people whom a user met in a chat, those of the latest chats first, or which of these are such",
    audience: "service",
    params: object({ userId: Id, userIds: Type.Optional(Type.Array(Id, { maxItems: 1000 })) }),
    returns: object({ userIds: Type.Array(Id, { description: "2,000 at most." }) }),
    repeatable: true,
  }),
  "chat.people.findable": action({
    summary: "Whether a user lets another find them by their address: by preference, and not where they blocked the other",
    audience: "service",
    params: object({ userId: Id, by: Id }),
    returns: object({ findable: Type.Boolean() }),
    repeatable: true,
  }),
  "chat.person.export": action({
    summary: "What chat holds of a user, page by page",
    audience: "service",
    params: object(ExportPage),
    returns: ExportedPage,
    repeatable: true,
  }),
  "chat.person.erase": action({
    summary: "Erase what chat holds of a user, a piece at a time; to be asked again until it is done",
    audience: "service",
    params: object({
      userId: Id,
      messages: Type.Boolean({ description: "Whether the messages go too, or stay without a name." }),
    }),
    returns: object({ done: Type.Boolean() }),
    repeatable: true,
  }),
  "chat.profile.note": action({
    summary: "Put a changed profile into its user's log; an older version than the one that is there is passed over",
    audience: "service",
    params: object({
      userId: Id,
      name: Type.String(),
      avatar: nullable(Type.String()),
      version: Type.Integer({ minimum: 1 }),
    }),
    returns: Empty,
    repeatable: true,
  }),
  "chat.unread.explain": action({
    summary: "For operators: what a user's unread count in a chat is made of",
    audience: "service",
    params: object({ ...inChat, userId: Id }),
    returns: object({
      lastSeq: Seq,
      joinedSeq: Type.Integer({ description: "The last message when the user joined." }),
      sentSeq: Type.Integer({ description: "The last message of the user's own." }),
      receiptSeq: Type.Integer({ description: "The pointer that the user's devices have moved." }),
      readSeq: Type.Integer({ description: "The greatest of those three." }),
      unreadCount: Type.Integer({ description: "lastSeq - readSeq" }),
      unreadMentions: Type.Integer(),
      markedUnread: Type.Boolean(),
      userRev: Rev,
      rev: Rev,
    }),
    problems: ["chat.not_found"],
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
    payload: object({ entries: Type.Array(Entry), hidden: Type.Optional(Type.Array(Hidden)) }),
  }),
  "chat.user.appended": event({
    summary: "An entry took its place in a user's log",
    payload: object({ userId: Id, entry: UserEntry }),
  }),
  "chat.receipt.moved": event({
    summary: "Somebody's pointers in a chat moved forward; rev is how far the chat was then",
    payload: object({ ...inChat, rev: Rev, receipt: Receipt }),
  }),
};
