// What a straightforward author would write: Socket.io, one insert for each message, a broadcast to the room, an answer. It
// asks nobody who they are, checks nothing, and loses count when it restarts.

import { createServer } from "node:http";
import { Server } from "socket.io";
import { v7 as uuid } from "uuid";
import { presentEntry, presentMessage } from "../../services/chat/present.ts";
import { place, type StoredEntryOf } from "../../services/chat/store/documents.ts";
import { openEntries, readOptions } from "./baseline.store.ts";

interface Sent {
  chatId: string;
  clientMessageId: string;
  text: string;
}

const options = readOptions();
const entries = await openEntries(options);
const heads = new Map<string, number>();

const server = createServer((_req, res) => void res.end("here\n"));
const io = new Server(server, { serveClient: false, perMessageDeflate: false, transports: ["websocket"] });

io.on("connection", (socket) => {
  const { userId, chats } = socket.handshake.auth as { userId: string; chats: string[] };
  socket.on("message:send", async ({ chatId, clientMessageId, text }: Sent, ack: (answer: unknown) => void) => {
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
  void socket.join(chats);
  socket.emit("ready", {});
});

server.listen(options.port, "127.0.0.1");
