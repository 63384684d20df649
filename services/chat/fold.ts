import type { StoredEntry, StoredMember, StoredState } from "./store/documents.ts";

/** A chat as its log says it is, up to `rev`. All decisions are made on this. */
export interface ChatState extends Omit<StoredState, "_id" | "members"> {
  chatId: string;
  members: Map<string, StoredMember>;
}

/** A chat of which nothing is known yet; without members, so nobody may do anything in it. */
export function emptyState(chatId: string): ChatState {
  return {
    chatId,
    rev: 0,
    lastSeq: 0,
    type: "group",
    title: null,
    data: "{}",
    createdAt: 0,
    createdBy: "",
    changedAt: 0,
    members: new Map(),
    lastMessage: null,
  };
}

/** Takes the entry into the state. One that is in it already changes nothing; one that is too early is a mistake. */
export function fold(state: ChatState, entry: StoredEntry): void {
  if (entry.rev <= state.rev) return;
  if (entry.rev !== state.rev + 1) throw new Error(`chat ${state.chatId}: rev ${entry.rev} does not follow ${state.rev}`);
  switch (entry.type) {
    case "chat.created": {
      const { type, title, data, members } = entry.body;
      Object.assign(state, { type, title, data, createdAt: entry.at, createdBy: entry.by });
      for (const { userId, role } of members) state.members.set(userId, { role, joinedAt: entry.at, readSeq: 0 });
      break;
    }
    case "message.sent": {
      state.lastMessage = entry;
      const sender = state.members.get(entry.by);
      if (sender) sender.readSeq = entry.seq;
      break;
    }
  }
  state.rev = entry.rev;
  state.lastSeq = entry.seq;
  state.changedAt = entry.at;
}

export function storeState({ chatId, members, ...state }: ChatState): StoredState {
  return { _id: chatId, ...state, members: [...members].map(([userId, member]) => [userId, { ...member }]) };
}

export function restoreState({ _id, members, ...state }: StoredState): ChatState {
  return { ...state, chatId: _id, members: new Map(members) };
}
