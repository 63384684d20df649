/* Erasing what chat holds of somebody: in pieces, chat by chat, each of which may be done again, by any node. */
import { changeChat } from "./actions/change.ts";
import type { ChatState } from "./fold.ts";
import { isNew } from "./policies.ts";
import type { ChatService } from "./service.ts";
import type { StoredMembership, StoredMessage } from "./store/documents.ts";

type State = Readonly<ChatState>;

/** Messages that are looked at for a piece, at most: those of others among them. */
const seqsAtOnce = 200;

/**
 * Erases a piece of what there is of a user; whether that was all. The note that a user may be in a chat goes once
 * nothing is left to be done there, so whoever dies meanwhile leaves the same chat for the next call.
 */
export async function erasePiece(service: ChatService, userId: string, messages: boolean): Promise<boolean> {
  const { store, userLog } = service;
  const membership = await store.nextMembership(userId);
  if (membership) {
    await eraseInChat(service, membership, messages);
    return false;
  }
  await userLog.erase(userId);
  await store.removeClaims(userId);
  await store.scrub();
  return true;
}

async function eraseInChat(service: ChatService, membership: StoredMembership, messages: boolean): Promise<void> {
  const { store, chats } = service;
  const { _id: membershipId, chatId, userId } = membership;
  // As others have it by now, too.
  const state = await chats.refresh(chatId);
  const isThere = !isNew(state) && !state.deleted;
  const upTo = isThere && messages ? await eraseMessages(service, state, membership) : undefined;
  if (upTo === undefined) await removeInvites(service, chatId, userId);
  if (isThere && upTo === undefined) await leave(service, chatId, userId);
  // The words are gone from all that is derived, and from the kept state, before it is noted that they are.
  await chats.project([state]);
  await chats.keep();
  if (upTo !== undefined) await store.noteErased(membershipId, upTo);
  else if (!isIn(await chats.refresh(chatId), userId)) await store.removeMembership(membershipId);
}

/** Deletes some messages of the user's, as their sender would. Answers up to where it has looked; nothing where all is done. */
async function eraseMessages(
  { store, log }: ChatService,
  { chatId, lastSeq }: State,
  { userId, erasedSeq = 0 }: StoredMembership,
): Promise<number | undefined> {
  if (erasedSeq >= lastSeq) return undefined;
  const upTo = Math.min(erasedSeq + seqsAtOnce, lastSeq);
  const sent = await store.messagesBetween(chatId, erasedSeq + 1, upTo);
  const own = sent.filter(({ by, body }) => by === userId && !body.erased);
  await Promise.all(own.map((message) => deleteMessage(log, message)));
  return upTo;
}

/** G3: by this key it is one entry, however often it is asked for. One that was deleted in the same moment is so once more. */
async function deleteMessage(log: ChatService["log"], { chatId, by, seq, body: { id: messageId } }: StoredMessage) {
  const key = `erased:${messageId}`;
  await log.append({ chatId, type: "message.deleted", by, key, aside: key, body: { messageId, seq }, decide: () => {} });
}

/** A link that is not there is good for nothing. */
async function removeInvites({ store }: ChatService, chatId: string, userId: string): Promise<void> {
  const own = (await store.invitesOf(chatId)).filter(({ by }) => by === userId);
  await store.removeInvites(own.map(({ _id }) => _id));
}

/**
 * Leaves a group: one that has nobody else is deleted, and one that would have no owner gets one first. A direct chat
 * is the other's too: there one stays, with nobody's name.
 */
async function leave(service: ChatService, chatId: string, userId: string): Promise<void> {
  const common = { chatId, by: userId };
  const heir = { userId: "", role: "owner" as const };
  await changeChat(service, {
    ...{ ...common, type: "member.changed", body: heir },
    wanted: (state) => {
      heir.userId = heirOf(state, userId) ?? "";
      return heir.userId !== "";
    },
  });
  await changeChat(service, { ...common, type: "chat.deleted", body: {}, wanted: (state) => isAlone(state, userId) });
  await changeChat(service, {
    ...{ ...common, type: "member.removed", body: { userId, banned: false } },
    // Where the heir has just gone, too, the next call finds another one.
    wanted: (state) => isIn(state, userId) && !isAlone(state, userId) && heirOf(state, userId) === undefined,
  });
}

const isIn = ({ type, members }: State, userId: string) => type === "group" && members.has(userId);
const isAlone = (state: State, userId: string) => isIn(state, userId) && state.members.size === 1;

/** Who is to own the group where its last owner goes: of its admins, else of its members, whoever has been there longest. */
export function heirOf(state: State, userId: string): string | undefined {
  if (!isIn(state, userId) || state.members.get(userId)!.role !== "owner") return undefined;
  const others = [...state.members].filter(([id]) => id !== userId);
  if (others.some(([, { role }]) => role === "owner")) return undefined;
  const admins = others.filter(([, { role }]) => role === "admin");
  const [heir] = (admins.length > 0 ? admins : others).sort(
    ([a, one], [b, other]) => one.joinedAt - other.joinedAt || (a < b ? -1 : 1),
  );
  return heir?.[0];
}
