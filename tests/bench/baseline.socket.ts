// The least that such a server has to do: Socket.io, one insert for each message or change, a broadcast to the room, an
// answer. No sign-in, no checks, and its counters are lost when it restarts. Frames of one turn are written together, as
// Confab does, so that the comparison is not won by that.

import { createServer } from "node:http";
import { Server } from "socket.io";
import { v7 as uuid } from "uuid";
import { corkWrites } from "../../services/io/cork.ts";
import { presentEntry, presentMessage } from "../../services/chat/present.ts";
import { collection } from "@confab/mixins/store/collection.ts";
import * as documents from "../../services/chat/store/documents.ts";
import { place, type StoredEntry, type StoredEntryOf } from "../../services/chat/store/documents.ts";
import { openDatabase, readOptions } from "./baseline.store.ts";

interface Sent {
  chatId: string;
  clientMessageId: string;
  text: string;
}
interface Changed {
  chatId: string;
  messageId: string;
  text: string;
  emoji: string;
}
type Ack = (answer: unknown) => void;

const options = readOptions();
const database = await openDatabase(options);
const entries = await database.collection(documents.entries);
const receipts = await database.collection(collection<{ _id: string; readSeq: number }>("receipts"));
const heads = new Map<string, number>();

const server = createServer((_req, res) => void res.end("here\n"));
const io = new Server(server, { serveClient: false, perMessageDeflate: false, transports: ["websocket"] });
corkWrites(io);

io.on("connection", (socket) => {
  const { userId, chats } = socket.handshake.auth as { userId: string; chats: string[] };
  socket.on("message:send", async ({ chatId, clientMessageId, text }: Sent, ack: Ack) => {
    const rev = (heads.get(chatId) ?? 0) + 1;
    heads.set(chatId, rev);
    const entry: StoredEntryOf<"message.sent"> = {
      _id: place(chatId, rev),
      chatId,
      rev,
      seq: rev,
      key: `m:${userId}:${clientMessageId}`,
      type: "message.sent",
      by: userId,
      at: Date.now(),
      body: { id: uuid(), clientMessageId, text, data: "{}" },
      seqKey: place(chatId, rev),
    };
    await entries.insert(entry);
    io.to(chatId).emit("chat:entry", presentEntry(entry));
    ack({ ok: true, data: { message: presentMessage(entry, null, "") } });
  });
  const change = (type: "message.edited" | "reaction.added" | "reaction.removed") => async (changed: Changed, ack: Ack) => {
    const { chatId, messageId, text, emoji } = changed;
    const seq = 1;
    const rev = (heads.get(chatId) ?? 0) + 1;
    heads.set(chatId, rev);
    const body = type === "message.edited" ? { messageId, seq, text, data: "{}", mentions: [] } : { messageId, seq, emoji };
    const at = Date.now();
    const entry = { _id: place(chatId, rev), chatId, rev, seq, key: uuid(), type, by: userId, at, body } as StoredEntry;
    await entries.insert(entry);
    io.to(chatId).emit("chat:entry", presentEntry(entry));
    ack({ ok: true, data: {} });
  };
  socket.on("message:edit", change("message.edited"));
  socket.on("message:react", change("reaction.added"));
  socket.on("message:unreact", change("reaction.removed"));
  socket.on("receipts", async ({ read }: { read: Record<string, number> }, ack: Ack) => {
    for (const [chatId, readSeq] of Object.entries(read)) {
      await receipts.replaceOne({ _id: `${chatId}:${userId}` }, { _id: `${chatId}:${userId}`, readSeq });
      io.to(chatId).emit("receipt", { chatId, receipt: { userId, readSeq, deliveredSeq: readSeq } });
    }
    ack({ ok: true, data: {} });
  });
  void socket.join(chats);
  socket.emit("ready", {});
});

server.listen(options.port, "127.0.0.1");
