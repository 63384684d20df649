/* Messages as they are now: as they were sent, with what happened to them since. */
import type { Message } from "@confab/contracts";
import { problem } from "@confab/mixins/problem.ts";
import { bringForward, isChange, type Changes } from "./changes.ts";
import type { ChatState } from "./fold.ts";
import type { Range } from "./pages.ts";
import { seesOf, seesSeq } from "./policies.ts";
import { presentMessage } from "./present.ts";
import type { ChatService } from "./service.ts";
import type { StoredMessage } from "./store/documents.ts";

type Service = Pick<ChatService, "store" | "chats">;

/** A message and what happened to it up to `rev`, at which it was looked at. */
export interface Current {
  sent: StoredMessage;
  changes: Changes | null;
  rev: number;
}

/**
 * What `read` finds by the latest state of a chat. With a state at hand it begins while the end of the log is looked for, and is
 * repeated if the chat has moved on, so it may not change anything; nothing that it found by an old state gets out.
 */
export async function readAtLatest<T>(
  { store, chats }: Pick<ChatService, "store" | "chats">,
  chatId: string,
  read: (state: Readonly<ChatState>) => Promise<T>,
): Promise<T> {
  const known = store.shared ? chats.peek(chatId) : undefined;
  if (!known) return read(await chats.latest(chatId));
  const { rev } = known;
  const early = read(known);
  // It may fail by the old state alone.
  early.catch(() => {});
  const state = await chats.latest(chatId);
  return state === known && state.rev === rev ? early : read(state);
}

/** The messages of ranges that the viewer may see, ascending. */
export async function messagesIn(service: Service, state: Readonly<ChatState>, viewerId: string, ranges: readonly Range[]) {
  const sent: StoredMessage[] = [];
  for (const { from, to } of ranges) sent.push(...(await service.store.messagesBetween(state.chatId, from, to)));
  return withChanges(service, state, sent, viewerId);
}

/** The messages of these seqs that the viewer may see, in no particular order. */
export async function messagesAt(
  service: Service,
  state: Readonly<ChatState>,
  seqs: readonly number[],
  viewerId: string,
): Promise<Message[]> {
  const sees = seesOf(state, viewerId);
  const sent = await service.store.messagesAt(
    state.chatId,
    seqs.filter((seq) => seesSeq(sees, seq)),
  );
  return withChanges(service, state, sent, viewerId);
}

/**
 * Puts to messages what happened to them. What is stored may be behind the state, and what the state has folded since
 * may be stored any moment: so the latter is taken down first.
 */
export async function withChanges(
  service: Service,
  state: Readonly<ChatState>,
  sent: readonly StoredMessage[],
  viewerId: string,
): Promise<Message[]> {
  const touched = sent.filter(({ seq }) => seq >= state.changedFrom && seq <= state.changedTo);
  if (touched.length === 0) return sent.map((entry) => presentMessage(entry, null, viewerId));
  const later = Map.groupBy(state.recent.filter(isChange), ({ body }) => body.seq);
  const stored = new Map((await changesOf(service, [state], touched, viewerId)).map((one) => [one.seq, one]));
  return sent.map((entry) =>
    presentMessage(entry, bringForward(stored.get(entry.seq), entry.seq, later.get(entry.seq) ?? []), viewerId),
  );
}

/** One message by its id, or `chat.message_not_found`: what one may not see looks as if it were not there. */
export async function requireMessage(
  service: Service,
  state: Readonly<ChatState>,
  messageId: string,
  viewerId: string,
): Promise<Current> {
  const { rev } = state;
  const later = state.recent.filter(isChange);
  const sent = await service.store.messageById(state.chatId, messageId);
  if (!sent || !seesSeq(seesOf(state, viewerId), sent.seq)) throw problem("chat.message_not_found");
  const [stored] = await changesOf(service, [state], [sent], viewerId);
  return { sent, changes: bringForward(stored, sent.seq, later), rev };
}

/** What is stored of what happened to messages of these chats. It is not trusted beyond the end of the log. */
export async function changesOf(
  { store, chats }: Service,
  states: readonly Readonly<ChatState>[],
  messages: readonly { chatId: string; seq: number }[],
  viewerId: string,
): Promise<Changes[]> {
  const revs = new Map(states.map(({ chatId, rev }) => [chatId, rev]));
  const found = await store.changesOf(messages, viewerId);
  const ahead = found.filter(({ chatId, rev }) => rev > revs.get(chatId)!);
  let rebuilt = false;
  for (const { chatId, rev } of ahead) rebuilt = (await chats.rebuildUnlessReached(chatId, rev)) || rebuilt;
  return rebuilt ? store.changesOf(messages, viewerId) : found;
}

/**
 * What a message is at the state, for a decision; nothing where the chat has gone on so far that this cannot be told
 * from what was looked at.
 */
export function currentAt(state: Readonly<ChatState>, current: Current): Changes | null | undefined {
  if (current.rev < state.recentFrom) return undefined;
  return bringForward(current.changes, current.sent.seq, state.recent);
}
