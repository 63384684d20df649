// A bare node:http server that answers a page of 50 messages, or what is new in the chats that it is told, to anybody.

import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { presentEntry, presentMessage } from "../../services/chat/present.ts";
import { place, type StoredEntryOf } from "../../services/chat/store/documents.ts";
import { openEntries, readOptions } from "./baseline.store.ts";

interface Known {
  chats: Record<string, number>;
}

const options = readOptions();
const entries = await openEntries(options);
const pageSize = 50;

// Chats of one message each, the first of two.
for (let at = 0; at < options.chats; at++) {
  for (let rev = 1; rev <= (at === 0 ? 2 : 1); rev++) await entries.insert(messageAt(`chat-${at}`, rev));
}

function messageAt(chatId: string, rev: number): StoredEntryOf<"message.sent"> {
  const body = { id: `${chatId}-${rev}`, clientMessageId: `m${rev}`, text: "something new", data: "{}" };
  const entry = { _id: place(chatId, rev), chatId, rev, seq: rev, key: `m${rev}`, by: "somebody", at: Date.now() };
  return { ...entry, type: "message.sent", body, seqKey: place(chatId, rev) };
}

createServer((req, res) => {
  const { pathname, searchParams } = new URL(req.url!, "http://localhost");
  const chatId = /^\/api\/v1\/chats\/([^/]+)\/messages$/.exec(pathname)?.[1];
  const reply = (answer: object) => {
    const body = JSON.stringify(answer);
    res.writeHead(200, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) }).end(body);
  };
  if (chatId) return void page(chatId, Number(searchParams.get("before") ?? options.count + 1)).then(reply);
  if (pathname === "/api/v1/sync")
    return void json(req)
      .then((body) => news((body as Known).chats))
      .then(reply);
  res.end("here\n");
}).listen(options.port, "127.0.0.1");

/** The entry after the known one in each chat where there is one. */
async function news(known: Known["chats"]) {
  const next = Object.entries(known).map(([chatId, rev]) => place(chatId, rev + 1));
  return { items: (await entries.find({ _id: { $in: next } })).map((entry) => presentEntry(entry)) };
}

async function page(chatId: string, before: number) {
  const range = { $gte: place(chatId, Math.max(1, before - pageSize)), $lte: place(chatId, before - 1) };
  const found = (await entries.find({ seqKey: range }, { seqKey: 1 })) as StoredEntryOf<"message.sent">[];
  return {
    items: found.map((sent) => presentMessage(sent, null, "")),
    before: before - pageSize,
    after: before > options.count ? null : before - 1,
  };
}
