import { define } from "@confab/mixins/define.ts";
import { badField } from "@confab/mixins/problem.ts";
import { v7 as uuid } from "uuid";
import { takeFirst, takeLast } from "../budget.ts";
import { checkText, packData } from "../checks.ts";
import { requireMember } from "../policies.ts";
import { presentMessage } from "../present.ts";
import type { StoredEntryOf } from "../store/documents.ts";
import { requireChat } from "./chats.ts";
import type { ChatService } from "../service.ts";

export const messages = {
  ...define("chat.message.send", async function (this: ChatService, ctx) {
    const { userId } = ctx.meta;
    const { chatId, clientMessageId, text, data } = ctx.params;
    checkText(text, this.settings.MAX_TEXT);
    const { entry, isNew } = await this.log.append({
      chatId,
      type: "message.sent",
      by: userId,
      // G3: the sender's own name for the message, in this chat.
      key: `m:${userId}:${clientMessageId}`,
      body: { id: uuid(), clientMessageId, text, data: packData(data) },
      decide: (state) => void requireMember(state, userId),
    });
    ctx.meta.$statusCode = isNew ? 201 : 200;
    return { message: presentMessage(entry as StoredEntryOf<"message.sent">) };
  }),

  ...define("chat.message.list", async function (this: ChatService, ctx) {
    const { chatId, before, after, around, limit = 50 } = ctx.params;
    const given = Object.entries({ before, after, around }).filter(([, value]) => value !== undefined);
    if (given.length > 1) throw badField(given[1]![0], "one_of", "may not go with another place to page from");
    const { lastSeq } = await requireChat(this, chatId, ctx.meta.userId);

    const { from, to } = pageBounds({ before, after, around }, limit, lastSeq);
    const found = await this.store.messagesBetween(chatId, from, to);
    // Long messages make a short page: what does not fit is on the far side of where one came from.
    const page = after === undefined ? takeLast(found) : takeFirst(found);
    const [first, last] = [page[0]?.seq ?? from, page.at(-1)?.seq ?? to];
    return { items: page.map(presentMessage), before: first > 1 ? first : null, after: last < lastSeq ? last : null };
  }),
};

/** The first and last seq of a page. Numbers are dense, so this is arithmetic. */
export function pageBounds(
  { before, after, around }: { before?: number; after?: number; around?: number },
  limit: number,
  lastSeq: number,
): { from: number; to: number } {
  if (after !== undefined) return { from: Math.min(after, lastSeq) + 1, to: Math.min(lastSeq, after + limit) };
  const to = Math.min(lastSeq, around !== undefined ? around + Math.ceil(limit / 2) : (before ?? lastSeq + 1) - 1);
  return { from: Math.max(1, to - limit + 1), to };
}
