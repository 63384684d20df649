/* Messages as they are now: as they were sent, with what happened to them since. */
import type { Message } from "@confab/contracts";
import { problem } from "@confab/mixins/problem.ts";
import { bringForward, isChange } from "./changes.ts";
import type { ChatState } from "./fold.ts";
import type { Range } from "./pages.ts";
import { seesOf, seesSeq } from "./policies.ts";
import { presentMessage } from "./present.ts";
import type { ChatService } from "./service.ts";
import type { StoredChanges, StoredMessage } from "./store/documents.ts";

type Service = Pick<ChatService, "store">;

/** A message and what happened to it up to `rev`, at which it was looked at. */
export interface Current {
  sent: StoredMessage;
  changes: StoredChanges | null;
  rev: number;
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
  { store }: Service,
  state: Readonly<ChatState>,
  sent: readonly StoredMessage[],
  viewerId: string,
): Promise<Message[]> {
  const touched = sent.filter(({ seq }) => seq >= state.changedFrom && seq <= state.changedTo);
  if (touched.length === 0) return sent.map((entry) => presentMessage(entry, null, viewerId));
  const later = Map.groupBy(state.recent.filter(isChange), ({ body }) => body.seq);
  const stored = new Map(
    (
      await store.changesAt(
        state.chatId,
        touched.map(({ seq }) => seq),
      )
    ).map((one) => [one.seq, one]),
  );
  return sent.map((entry) =>
    presentMessage(entry, bringForward(stored.get(entry.seq), entry.seq, later.get(entry.seq) ?? []), viewerId),
  );
}

/** One message by its id, or `chat.message_not_found`: what one may not see looks as if it were not there. */
export async function requireMessage(
  { store }: Service,
  state: Readonly<ChatState>,
  messageId: string,
  viewerId: string,
): Promise<Current> {
  const { rev } = state;
  const later = state.recent.filter(isChange);
  const sent = await store.messageById(state.chatId, messageId);
  if (!sent || !seesSeq(seesOf(state, viewerId), sent.seq)) throw problem("chat.message_not_found");
  const [stored] = await store.changesAt(state.chatId, [sent.seq]);
  return { sent, changes: bringForward(stored, sent.seq, later), rev };
}

/**
 * What a message is at the state, for a decision; nothing where the chat has gone on so far that this cannot be told
 * from what was looked at.
 */
export function currentAt(state: Readonly<ChatState>, current: Current): StoredChanges | null | undefined {
  if (current.rev < state.recentFrom) return undefined;
  return bringForward(current.changes, current.sent.seq, state.recent);
}
