// Fills a chat with messages through the chat's own store, for pages to be read from.

import { v7 as uuid } from "uuid";
import { emptyState, fold, storeState } from "../../services/chat/fold.ts";
import { Projector } from "../../services/chat/projector.ts";
import { ChatStore } from "../../services/chat/store/chat.store.ts";
import { place, type StoredEntry } from "../../services/chat/store/documents.ts";
import { UserLog } from "../../services/chat/userlog.ts";
import { openDatabase, readOptions } from "./baseline.store.ts";

const options = readOptions();
const { chat: chatId, user: userId, count } = options;
const batchSize = 500;

const database = openDatabase(options);
const store = await ChatStore.open(database);
const projector = new Projector(store, new UserLog(store, () => {}));
const state = emptyState(chatId);
const began = Date.now() - count;

await store.expectMembers(chatId, [userId]);
for (let from = 0; from <= count; from += batchSize) {
  const batch = Array.from({ length: Math.min(batchSize, count + 1 - from) }, (_, at) => entryAt(from + at));
  const outcomes = await store.append(batch, true);
  if (outcomes.some((outcome) => outcome !== "stored")) throw new Error("there is something in this store already");
  for (const entry of batch) fold(state, entry);
  await projector.project(state, state.recent.splice(0));
}
await store.keepState(storeState(state));
await database.close();

/** The entry after so many messages: the first one makes the chat. */
function entryAt(seq: number): StoredEntry {
  const entry = { _id: place(chatId, seq + 1), chatId, rev: seq + 1, seq, by: userId, at: began + seq };
  if (seq === 0) {
    const body = { type: "group" as const, title: "A long one", data: "{}", members: [{ userId, role: "owner" as const }] };
    return { ...entry, key: "chat.created", type: "chat.created", body };
  }
  const body = {
    id: uuid(),
    clientMessageId: `seed-${seq}`,
    text: `Message ${seq}: the quick brown fox jumps over the lazy dog, again.`,
    data: "{}",
  };
  return { ...entry, key: `m:${userId}:seed-${seq}`, type: "message.sent", body, seqKey: place(chatId, seq), messageId: body.id };
}
