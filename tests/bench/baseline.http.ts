// A bare node:http server that answers a page of 50 messages, to anybody.

import { createServer } from "node:http";
import { presentMessage } from "../../services/chat/present.ts";
import { place, type StoredEntryOf } from "../../services/chat/store/documents.ts";
import { openEntries, readOptions } from "./baseline.store.ts";

const options = readOptions();
const entries = await openEntries(options);
const pageSize = 50;

createServer((req, res) => {
  const { pathname, searchParams } = new URL(req.url!, "http://localhost");
  const chatId = /^\/api\/v1\/chats\/([^/]+)\/messages$/.exec(pathname)?.[1];
  if (!chatId) return void res.end("here\n");
  void answer(chatId, Number(searchParams.get("before") ?? options.count + 1)).then((page) => {
    const body = JSON.stringify(page);
    res.writeHead(200, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) }).end(body);
  });
}).listen(options.port, "127.0.0.1");

async function answer(chatId: string, before: number) {
  const range = { $gte: place(chatId, Math.max(1, before - pageSize)), $lte: place(chatId, before - 1) };
  const found = (await entries.find({ seqKey: range }, { sort: { seqKey: 1 } })) as StoredEntryOf<"message.sent">[];
  return {
    items: found.map((sent) => presentMessage(sent, null, "")),
    before: before - pageSize,
    after: before > options.count ? null : before - 1,
  };
}
