/* The one place that decides what leaves the service, and in which form. */
import type { Chat, Entry, Message } from "@confab/contracts";
import { requireMember } from "./policies.ts";
import type { ChatState } from "./fold.ts";
import type { StoredEntry, StoredEntryOf } from "./store/documents.ts";

const time = (at: number) => new Date(at).toISOString();
const unpackData = (data: string) => JSON.parse(data) as Record<string, unknown>;

export function presentMessage({ chatId, seq, rev, by, at, body }: StoredEntryOf<"message.sent">): Message {
  return {
    id: body.id,
    chatId,
    seq,
    rev,
    senderId: by,
    clientMessageId: body.clientMessageId,
    text: body.text,
    attachments: [],
    replyTo: null,
    mentions: [],
    reactions: [],
    pinned: false,
    editedAt: null,
    deletedAt: null,
    createdAt: time(at),
    data: unpackData(body.data),
  };
}

export function presentEntry(entry: StoredEntry): Entry {
  const { chatId, rev, by } = entry;
  const place = { chatId, rev, by, at: time(entry.at) };
  switch (entry.type) {
    case "message.sent":
      return { ...place, type: entry.type, data: { message: presentMessage(entry) } };
    case "chat.created":
      return { ...place, type: entry.type, data: { ...entry.body, data: unpackData(entry.body.data) } };
  }
}

/** A chat as one of its members sees it. */
export function presentChat(state: Readonly<ChatState>, userId: string): Chat {
  const me = requireMember(state, userId);
  const { chatId, type, members, rev, lastSeq, lastMessage } = state;
  return {
    id: chatId,
    type,
    title: state.title,
    data: unpackData(state.data),
    createdAt: time(state.createdAt),
    createdBy: state.createdBy,
    memberCount: members.size,
    peerId: type === "direct" ? ([...members.keys()].find((id) => id !== userId) ?? userId) : null,
    rev,
    lastSeq,
    lastMessage: lastMessage && presentMessage(lastMessage),
    unreadCount: lastSeq - me.readSeq,
    me: { role: me.role, joinedAt: time(me.joinedAt), readSeq: me.readSeq },
  };
}
