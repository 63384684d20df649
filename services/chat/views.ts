/* What chats show beside their states: their last messages and the viewer's mentions, read for all of them at once. */
import { bringForward } from "./changes.ts";
import { changesOf } from "./current.ts";
import type { ChatState } from "./fold.ts";
import { everybody, mentionsAfter, noMentions } from "./mentions.ts";
import { readSeqOf, type ChatView } from "./present.ts";
import type { ChatService } from "./service.ts";
import type { ChatNote, StoredEntry } from "./store/documents.ts";
import { mentionsId } from "./store/projections.ts";

type Service = Pick<ChatService, "store" | "chats">;
type Notes = ReadonlyMap<string, ChatNote>;

/** Answers how to see one of these chats, to be asked at the moment when it is presented: it may have moved on until then. */
export async function viewsOf(
  service: Service,
  states: readonly ChatState[],
  userId: string,
  notes: Notes,
): Promise<(state: ChatState) => ChatView> {
  // Taken first: what the states hold of it may be stored, and let go of, while we read.
  const recent = new Map(states.map((state) => [state.chatId, state.recent]));
  const touched = states.filter(({ lastSeq, changedFrom, changedTo }) => lastSeq >= changedFrom && lastSeq <= changedTo);
  const [stored, mentions] = await Promise.all([
    changesOf(
      service,
      states,
      touched.map(({ chatId, lastSeq: seq }) => ({ chatId, seq })),
      userId,
    ),
    mentionsOf(service, states, userId, notes),
    readLastMessages(service, states),
  ]);
  const byChat = new Map(stored.map((changes) => [changes.chatId, changes]));
  return (state) => {
    const { chatId } = state;
    const lastMessage = state.lastMessage ?? null;
    const seq = lastMessage?.seq ?? 0;
    const known = byChat.get(chatId)?.seq === seq ? byChat.get(chatId) : null;
    const changes = bringForward(known, seq, laterOf(state, recent));
    return { lastMessage, changes, mentions: mentions(state) };
  };
}

/** Answers the latest messages of one of these chats that mention the user, ascending. Those that the user has read may be left out. */
export async function mentionsOf(
  { store }: Pick<Service, "store">,
  states: readonly Readonly<ChatState>[],
  userId: string,
  notes: Notes,
): Promise<(state: Readonly<ChatState>) => number[]> {
  const recent = new Map(states.map((state) => [state.chatId, state.recent]));
  const asked = states.filter(({ chatId, members, mentionedTo }) => {
    const member = members.get(userId);
    return member && readSeqOf(member, notes.get(chatId)) < mentionedTo;
  });
  const ids = asked.flatMap(({ chatId }) => [mentionsId(chatId, userId), mentionsId(chatId, everybody)]);
  const stored = new Map((await store.mentionsOf(ids)).map((one) => [one._id, one]));
  return (state) => {
    const later = laterOf(state, recent);
    const seqs = [userId, everybody].flatMap((whom) => {
      const known = stored.get(mentionsId(state.chatId, whom)) ?? noMentions;
      return later.reduce((mentions, entry) => mentionsAfter(mentions, whom, entry), known).seqs;
    });
    return seqs.sort((a, b) => a - b);
  };
}

/** What had been folded before the reading began, and since. */
function laterOf({ chatId, recent }: Readonly<ChatState>, before: ReadonlyMap<string, StoredEntry[]>): StoredEntry[] {
  const first = before.get(chatId) ?? [];
  const last = first.at(-1)?.rev ?? 0;
  return first === recent ? recent : [...first, ...recent.filter(({ rev }) => rev > last)];
}

/** Of states that were restored: they are stored without. */
async function readLastMessages({ store }: Pick<Service, "store">, states: readonly ChatState[]): Promise<void> {
  const lacking = states.filter(({ lastMessage }) => lastMessage === undefined);
  const found = await store.messagesOf(lacking.map(({ chatId, lastSeq: seq }) => ({ chatId, seq })));
  const byChat = new Map(found.map((sent) => [sent.chatId, sent]));
  for (const state of lacking) {
    const sent = byChat.get(state.chatId);
    // Unless a later one came while we read.
    if (sent && state.lastMessage === undefined && state.lastSeq === sent.seq) state.lastMessage = sent;
  }
}
