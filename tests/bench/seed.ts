// Fills chats with messages through the store of the chat service, in large batches, for pages to be read from.
//
//   --user <id>    the member of all of them, and sender of all messages
//   --count <n>    messages in all
//   --chat <id>    into this chat;   --chats <n>   into so many new ones, the same number in each

import { v7 as uuid } from "uuid";
import { emptyState, fold } from "../../services/chat/fold.ts";
import { storeState } from "../../services/chat/snapshots.ts";
import { Projector } from "../../services/chat/projector.ts";
import { ChatStore } from "../../services/chat/store/chat.store.ts";
import { place, type StoredEntry } from "../../services/chat/store/documents.ts";
import { UserLog } from "../../services/chat/userlog.ts";
import { openDatabase, readOptions } from "./baseline.store.ts";
import { inParallel } from "./client.ts";

const options = readOptions();
const { user: userId } = options;
const chatIds = options.chat === "" ? Array.from({ length: options.chats }, () => uuid()) : [options.chat];
const each = Math.ceil(options.count / chatIds.length);
const batchSize = 500;
/** Chats that are projected at once: their writes are shared. */
const atOnce = 64;
/** Messages of one chat in a row: chats take turns, so that the order of the log is not that of the chats. */
const inARow = Math.max(1, Math.floor(batchSize / chatIds.length));

const database = await openDatabase(options);
const store = await ChatStore.open(database);
const projector = new Projector(store, new UserLog(store, () => {}));
const began = Date.now() - options.count;

const chats = chatIds.map((chatId) => emptyState(chatId));
for (const { chatId } of chats) await store.expectMembers(chatId, [userId]);
for (let from = 0; from <= each; from += inARow) {
  const parts = chats.map((state, at) =>
    Array.from({ length: Math.min(inARow, each + 1 - from) }, (_, past) =>
      entryAt(state.chatId, from + past, began + (from + past) * chatIds.length + at),
    ),
  );
  for (const batch of inBatches(parts)) {
    const outcomes = await store.append(batch, true);
    if (outcomes.some((outcome) => outcome !== "stored")) throw new Error("there is something in this store already");
  }
  await inParallel(chats.length, atOnce, async (at) => {
    const state = chats[at]!;
    for (const entry of parts[at]!) fold(state, entry);
    await projector.project(state, state.recent.splice(0));
  });
}
for (const state of chats) await store.keepState(storeState(state, Date.now()));
await store.close();
await database.close();

function inBatches(parts: readonly StoredEntry[][]): StoredEntry[][] {
  const entries = parts.flat();
  return Array.from({ length: Math.ceil(entries.length / batchSize) }, (_, at) =>
    entries.slice(at * batchSize, (at + 1) * batchSize),
  );
}

/** The entry after so many messages: the first one makes the chat. */
function entryAt(chatId: string, seq: number, at: number): StoredEntry {
  const entry = { _id: place(chatId, seq + 1), chatId, rev: seq + 1, seq, by: userId, at };
  if (seq === 0) {
    const body = {
      type: "group" as const,
      title: "A long one",
      data: "{}",
      historyFrom: "all" as const,
      posting: "all" as const,
      slowMode: 0,
      members: [{ userId, role: "owner" as const }],
    };
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
