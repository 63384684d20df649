/* How an action changes a chat, where it may find that there is nothing to change any more. */
import type { EntryType, Message } from "@confab/contracts";
import { problem } from "@confab/mixins/problem.ts";
import { v7 as uuid } from "uuid";
import type { ChangeEntry, Changes } from "../changes.ts";
import { currentAt, requireMessage, withChanges, type Current } from "../current.ts";
import type { ChatState } from "../fold.ts";
import { requireMember } from "../policies.ts";
import { presentMessage } from "../present.ts";
import type { ChatService } from "../service.ts";
import type { EntryBodies, StoredEntry, StoredMember } from "../store/documents.ts";
import { requireChat } from "./chats.ts";

/** Thrown by a decision where the chat is already as it is to be. */
class Settled extends Error {}

/** The chat has gone on so far since the message was looked at that it has to be looked at again. */
class Outrun extends Error {}

interface Change<T extends EntryType> {
  chatId: string;
  by: string;
  type: T;
  body: EntryBodies[T];
  /** See the log's intents. */
  aside?: string;
  /** Whether there is something to change; throws a problem where it may not be. Pure, asked again when the chat has moved on. */
  wanted: (state: Readonly<ChatState>) => boolean;
}

/** Appends the entry, unless nothing is to be changed: asked for again, it is done once. */
export async function changeChat<T extends EntryType>(
  service: ChatService,
  { wanted, ...change }: Change<T>,
): Promise<StoredEntry | undefined> {
  const decide = (state: Readonly<ChatState>) => {
    if (!wanted(state)) throw new Settled();
  };
  try {
    return (await service.log.append({ ...change, key: `${change.type}:${uuid()}`, decide })).entry;
  } catch (err) {
    if (err instanceof Settled) return undefined;
    throw err;
  }
}

interface MessageChange<T extends ChangeEntry["type"]> {
  chatId: string;
  messageId: string;
  by: string;
  type: T;
  body: (current: Current) => EntryBodies[T];
  aside?: string;
  /** The same, of the message as it is then. */
  wanted: (now: { state: Readonly<ChatState>; member: StoredMember; current: Current; changes: Changes | null }) => boolean;
}

const attempts = 3;

/** Changes a message of the chat and answers it as it is after that. */
export async function changeMessage<T extends ChangeEntry["type"]>(
  service: ChatService,
  change: MessageChange<T>,
): Promise<Message> {
  const { chatId, messageId, by, type, aside } = change;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const state = await requireChat(service, chatId, by);
    // One's own words may be taken back anywhere.
    if (type !== "message.deleted") await service.blocks.requireWelcome(state, by);
    const current = await requireMessage(service, state, messageId, by);
    let decided: Changes | null = current.changes;
    const wanted = (state: Readonly<ChatState>) => {
      const member = requireMember(state, by);
      const changes = currentAt(state, current);
      if (changes === undefined) throw new Outrun();
      decided = changes;
      return change.wanted({ state, member, current, changes });
    };
    try {
      const entry = await changeChat(service, {
        chatId,
        by,
        type,
        body: change.body(current),
        wanted,
        ...(aside ? { aside } : {}),
      });
      return entry ? await showAfter(service, current, entry) : presentMessage(current.sent, decided, by);
    } catch (err) {
      if (!(err instanceof Outrun)) throw err;
    }
  }
  throw problem("unavailable", { retryAfter: 1 });
}

/** The message after an entry, with all that others did to it meanwhile: an answer holds everything up to its rev. */
async function showAfter(service: ChatService, current: Current, { chatId, by }: StoredEntry): Promise<Message> {
  const warm = service.chats.peek(chatId);
  const changes = warm && currentAt(warm, current);
  if (changes) return presentMessage(current.sent, changes, by);
  const [message] = await withChanges(service, await service.chats.latest(chatId), [current.sent], by);
  return message!;
}
