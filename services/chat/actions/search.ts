import type { Message } from "@confab/contracts";
import { define } from "@confab/mixins/define.ts";
import { badField } from "@confab/mixins/problem.ts";
import { takeFirst, weighWords } from "../budget.ts";
import { readTime } from "../checks.ts";
import { messagesAt } from "../current.ts";
import type { ChatState } from "../fold.ts";
import { visibleSeqs } from "../policies.ts";
import type { Hit } from "../search/index.ts";
import { marksOf, readWanted, type Mark, type Wanted } from "../search/words.ts";
import type { ChatService } from "../service.ts";
import { place } from "../store/documents.ts";
import { chatsOf, requireChat } from "./chats.ts";

interface Item {
  message: Message;
  marks: Mark[];
}

export const search = {
  ...define("chat.search.find", async function (this: ChatService, ctx) {
    const { userId } = ctx.meta;
    const { q, chatId, from, before, after, limit = 20, cursor } = ctx.params;
    const wanted = readWanted(q);
    if (wanted.words.length + wanted.beginnings.length === 0) throw badField("q", "no_words", "has no word to look for");
    const times = {
      before: before === undefined ? undefined : readTime("before", before),
      after: after === undefined ? undefined : readTime("after", after),
    };
    const since = cursor === undefined ? undefined : readCursor(cursor);

    const states = chatId === undefined ? await chatsOf(this, userId) : [await requireChat(this, chatId, userId)];
    // What was said and taken back just now is in the index, or out of it, before it is asked.
    await this.chats.project(states);
    const chats = states.map((state) => ({
      chatId: state.chatId,
      seqs: visibleSeqs(state, userId),
      latest: state.changedAt,
    }));
    const { hits, next } = await this.store.search.find({ chats, ...wanted, by: from, ...times, limit, since });
    const found = await show(this, new Map(states.map((state) => [state.chatId, state])), hits, wanted, userId);
    const items = takeFirst(found, ({ message }) => weighWords(message));
    const goOn = items.length < found.length ? hitOf(items.at(-1)!.message) : next;
    return { items, nextCursor: goOn ? writeCursor(goOn) : null };
  }),
};

/** The messages as they are now, in the order of the hits, without those that are no longer what was looked for. */
async function show(
  service: ChatService,
  states: ReadonlyMap<string, ChatState>,
  hits: readonly Hit[],
  wanted: Wanted,
  userId: string,
): Promise<Item[]> {
  const byChat = [...Map.groupBy(hits, ({ chatId }) => chatId)].map(([chatId, some]) => {
    const seqs = some.map(({ seq }) => seq);
    return messagesAt(service, states.get(chatId)!, seqs, userId);
  });
  const messages = new Map((await Promise.all(byChat)).flat().map((message) => [place(message.chatId, message.seq), message]));
  return hits.flatMap(({ chatId, seq }) => {
    const message = messages.get(place(chatId, seq));
    // Of a deleted one no word is left.
    const marks = message && marksOf(wanted, message.text);
    return marks ? [{ message, marks }] : [];
  });
}

const hitOf = ({ chatId, seq, createdAt }: Message): Hit => ({ chatId, seq, at: Date.parse(createdAt) });

const writeCursor = ({ at, seq, chatId }: Hit) => Buffer.from(`${at}.${seq}.${chatId}`).toString("base64url");

function readCursor(cursor: string): Hit {
  const form = /^(\d{1,15})\.(\d{1,15})\.([0-9a-f-]{36}|)$/;
  const [, at, seq, chatId] = form.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
  if (chatId === undefined) throw badField("cursor", "cursor", "is not one that this list gave out");
  return { at: Number(at), seq: Number(seq), chatId };
}
