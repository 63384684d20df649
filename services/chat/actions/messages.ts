import type { Mentions, Message, Params, ProblemCode } from "@confab/contracts";
import { packData } from "@confab/mixins/data.ts";
import { define, type Meta } from "@confab/mixins/define.ts";
import { badField, isProblem, problem } from "@confab/mixins/problem.ts";
import { v7 as uuid } from "uuid";
import { takeFirst, takeLast, weighWords } from "../budget.ts";
import { checkText } from "../checks.ts";
import { messagesIn, readAtLatest, requireMessage, withChanges } from "../current.ts";
import type { ChatState } from "../fold.ts";
import { timeAfter } from "../log.ts";
import { pageAt } from "../pages.ts";
import { may, mayWrite, requireMaySend, requireMember, seesOf, seesSeq, visibleSeqs } from "../policies.ts";
import { presentMessage, unpackData } from "../present.ts";
import type { ChatService } from "../service.ts";
import type { EntryBodies, StoredMessage } from "../store/documents.ts";
import { changeMessage } from "./change.ts";
import { requireChat } from "./chats.ts";

export const messages = {
  ...define("chat.message.send", function (this: ChatService, ctx) {
    return sendMessage(this, ctx.meta.userId, ctx.params, ctx.meta);
  }),

  ...define("chat.message.list", async function (this: ChatService, ctx) {
    const { userId } = ctx.meta;
    const { chatId, before, after, around, limit = 50 } = ctx.params;
    const given = Object.entries({ before, after, around }).filter(([, value]) => value !== undefined);
    if (given.length > 1) throw badField(given[1]![0], "one_of", "may not go with another place to page from");
    const { found, above, below } = await readAtLatest(this, chatId, async (state) => {
      requireMember(state, userId);
      const { ranges, ...more } = pageAt(visibleSeqs(state, userId), { before, after, around }, limit);
      return { found: await messagesIn(this, state, userId, ranges), ...more };
    });
    // Long messages make a short page: what does not fit is on the far side of where one came from.
    const page = after === undefined ? takeLast(found, weighWords) : takeFirst(found, weighWords);
    const isCut = page.length < found.length;
    const moreAbove = above || (isCut && after === undefined);
    const moreBelow = below || (isCut && after !== undefined);
    // Where nothing is on the page, one goes on from where one asked.
    const first = page[0]?.seq ?? (after === undefined ? (before ?? 1) : after + 1);
    const last = page.at(-1)?.seq ?? after ?? (before ?? 1) - 1;
    return { items: page, before: moreAbove ? first : null, after: moreBelow ? last : null };
  }),

  ...define("chat.message.get", async function (this: ChatService, ctx) {
    const { chatId, messageId } = ctx.params;
    const state = await requireChat(this, chatId, ctx.meta.userId);
    const { sent, changes } = await requireMessage(this, state, messageId, ctx.meta.userId);
    return { message: presentMessage(sent, changes, ctx.meta.userId) };
  }),

  ...define("chat.message.edit", async function (this: ChatService, ctx) {
    const { userId } = ctx.meta;
    const { chatId, messageId, text, mentions, data } = ctx.params;
    if (text !== undefined) checkText(text, this.settings.MAX_TEXT);
    const packed = data === undefined ? undefined : packData(data);
    const { EDIT_WINDOW } = this.settings;
    // What is left out stays as it is at the moment of the change; that is known only when it is decided.
    const body = { messageId, seq: 0, text: "", data: "{}", mentions: [] as Mentions };
    const message = await changeMessage(this, {
      chatId,
      messageId,
      by: userId,
      type: "message.edited",
      body: ({ sent }) => Object.assign(body, { seq: sent.seq }),
      wanted: ({ state, member, current: { sent }, changes }) => {
        if (sent.by !== userId) throw problem("chat.not_author");
        if (changes?.deletedAt !== undefined) throw problem("chat.message_deleted");
        if (EDIT_WINDOW > 0 && Date.now() > sent.at + EDIT_WINDOW * 1000) throw problem("chat.edit_too_late");
        if (!mayWrite(state, member)) throw problem("chat.not_allowed");
        requireMembers(state, mentions);
        const now = changes?.edited ?? { mentions: [], ...sent.body };
        const next = { text: text ?? now.text, data: packed ?? now.data, mentions: mentions ?? now.mentions };
        Object.assign(body, next);
        const same = next.text === now.text && next.data === now.data && String(next.mentions) === String(now.mentions);
        // All of them are read for the history, and when the message is deleted.
        if (!same && (changes?.edits ?? 0) >= maxEdits) throw problem("chat.too_many_edits");
        return !same;
      },
    });
    return { message };
  }),

  ...define("chat.message.delete", async function (this: ChatService, ctx) {
    const { userId } = ctx.meta;
    const { chatId, messageId } = ctx.params;
    const message = await changeMessage(this, {
      chatId,
      messageId,
      by: userId,
      type: "message.deleted",
      body: ({ sent }) => ({ messageId, seq: sent.seq }),
      wanted: ({ state, member, current: { sent }, changes }) => {
        if (sent.by !== userId && !may(state, member.role, "deleteOthers")) throw problem("chat.not_author");
        return changes?.deletedAt === undefined;
      },
    });
    return { message };
  }),

  ...define("chat.message.history", async function (this: ChatService, ctx) {
    const { userId } = ctx.meta;
    const { chatId, messageId } = ctx.params;
    const state = await requireChat(this, chatId, userId);
    const { sent, changes } = await requireMessage(this, state, messageId, userId);
    if (changes?.deletedAt !== undefined) return { items: [] };
    const words = [sent, ...(await this.store.editsOf(chatId, messageId))];
    const items = words.map(({ rev, at, body }) => ({
      rev,
      at: new Date(at).toISOString(),
      text: body.text,
      mentions: body.mentions ?? [],
      data: unpackData(body.data),
    }));
    // Many long versions outgrow an answer; the latest count.
    return { items: takeLast(items, weighWords) };
  }),
};

/** Sends in somebody's name, who asks by oneself or whose host does. */
export async function sendMessage(
  service: ChatService,
  userId: string,
  { chatId, clientMessageId, text, replyTo, mentions, data }: Params<"chat.message.send">,
  meta: Meta,
): Promise<{ message: Message }> {
  checkText(text, service.settings.MAX_TEXT);
  const body: EntryBodies["message.sent"] = { id: uuid(), clientMessageId, text, data: packData(data) };
  // G3: the sender's own name for the message, in this chat.
  const key = `m:${userId}:${clientMessageId}`;
  try {
    const state = await known(service, chatId);
    await service.blocks.requireWelcome(state, userId);
    if (mentions !== undefined) body.mentions = mentions;
    if (replyTo !== undefined) body.replyTo = await findReplied(service, state, replyTo, userId);
    const decide = (now: Readonly<ChatState>) => {
      requireMaySend(now, userId, timeAfter(now.changedAt));
      requireMembers(now, mentions);
    };
    // In slow mode a message stands on one's last one; else messages do not stand on each other.
    const aside = (now: Readonly<ChatState>) => (now.slowMode > 0 ? userId : key);
    const { entry, isNew } = await service.log.append({ chatId, type: "message.sent", by: userId, key, body, decide, aside });
    meta.$statusCode = isNew ? 201 : 200;
    if (isNew) return { message: presentMessage(entry as StoredMessage, null, userId) };
    return { message: await asItIsNow(service, entry as StoredMessage, userId) };
  } catch (err) {
    // G3: what may not be said now may have been said before, and its sender not have heard the answer.
    if (!isProblem(err) || !mayHaveBeenSaid.has(err.type)) throw err;
    await requireChat(service, chatId, userId);
    const sent = await service.store.findByKey(chatId, key);
    if (!sent) throw err;
    meta.$statusCode = 200;
    return { message: await asItIsNow(service, sent as StoredMessage, userId) };
  }
}

const maxEdits = 100;

/** Refusals of what may have been all right once. */
const mayHaveBeenSaid = new Set<ProblemCode>(["chat.slow_mode", "chat.not_allowed", "chat.blocked", "bad_input"]);

/** The chat as this node knows it; of one that it does not know, as the log has it now. */
async function known({ chats }: ChatService, chatId: string): Promise<ChatState> {
  const state = chats.peek(chatId) ?? (await chats.warm(chatId));
  return state.rev === 0 ? chats.refresh(chatId) : state;
}

async function asItIsNow(service: ChatService, sent: StoredMessage, userId: string) {
  const [message] = await withChanges(service, await service.chats.latest(sent.chatId), [sent], userId);
  return message!;
}

async function findReplied(service: ChatService, state: ChatState, messageId: string, userId: string) {
  const sent = await service.store.messageById(state.chatId, messageId);
  const sees = async (seq: number) =>
    seesSeq(seesOf(state, userId), seq) || seesSeq(seesOf(await service.chats.latest(state.chatId), userId), seq);
  // Of a message that one may not see there is no telling that it is there.
  if (!sent || !(await sees(sent.seq))) throw badField("replyTo", "message_not_found", "must be a message of this chat");
  return { id: sent.body.id, seq: sent.seq };
}

function requireMembers({ members }: Readonly<ChatState>, mentions: Mentions | undefined): void {
  if (mentions === undefined || mentions === "all") return;
  const errors = mentions.flatMap((userId, at) =>
    members.has(userId) ? [] : [{ field: `mentions.${at}`, code: "not_member", message: "must be a member of this chat" }],
  );
  if (errors.length > 0) throw problem("bad_input", { errors });
}
