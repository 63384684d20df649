/* Who may do what in a chat. Pure: the folded state goes in, an answer or a problem comes out. */
import { problem } from "@confab/mixins/problem.ts";
import type { ChatState } from "./fold.ts";
import type { StoredMember } from "./store/documents.ts";

/** The membership of a user, or `chat.not_found`: a chat that one is not in and one that is not there look alike. */
export function requireMember(state: Readonly<ChatState>, userId: string): StoredMember {
  const member = state.members.get(userId);
  if (!member) throw problem("chat.not_found");
  return member;
}

/** A chat can be created only where nothing is yet. */
export const isNew = (state: Readonly<ChatState>): boolean => state.rev === 0;
