import type { Chat, Entry, Message } from "@confab/contracts";

/* Builders for the specs beside this file. */

export const at = "2026-01-01T00:00:00.000Z";

export const chatOf = (chatId: string, changes: Partial<Chat> = {}): Chat => ({
  id: chatId,
  type: "direct",
  title: null,
  data: {},
  createdAt: at,
  createdBy: "ann",
  memberCount: 2,
  peerId: "bob",
  rev: 1,
  lastSeq: 0,
  lastMessage: null,
  unreadCount: 0,
  me: { role: "owner", joinedAt: at, readSeq: 0 },
  ...changes,
});

export const messageOf = (chatId: string, rev: number, senderId = "bob", name = `name-${rev}`): Message => ({
  id: `message-${rev}`,
  chatId,
  seq: rev - 1,
  rev,
  senderId,
  clientMessageId: name,
  text: `text ${rev}`,
  attachments: [],
  replyTo: null,
  mentions: [],
  reactions: [],
  pinned: false,
  editedAt: null,
  deletedAt: null,
  createdAt: at,
  data: {},
});

/** The log of a chat: its creation at rev 1, then messages. */
export const entryOf = (chatId: string, rev: number, senderId = "bob", name?: string): Entry =>
  rev === 1
    ? { chatId, rev, by: "ann", at, type: "chat.created", data: { type: "direct", title: null, data: {}, members: [] } }
    : { chatId, rev, by: senderId, at, type: "message.sent", data: { message: messageOf(chatId, rev, senderId, name) } };

export const entriesOf = (chatId: string, from: number, to: number): Entry[] =>
  Array.from({ length: to - from + 1 }, (_, i) => entryOf(chatId, from + i));
