import { io, type Socket } from "socket.io-client";
import { describeWorlds, type World } from "../support/world.ts";

/* The official socket.io-client and plain fetch, with nothing of ours: what the documents say is enough to build on. */

/** Whatever comes: the test looks at it. */
type Json = Record<string, ReturnType<typeof JSON.parse>>;
type Ack = { ok: true; data: Json } | { ok: false; error: Json };

describeWorlds("a client on socket.io-client alone", {}, (open) => {
  let world: World;
  const sockets: Socket[] = [];

  beforeAll(async () => (world = await open()));
  afterEach(() => sockets.splice(0).forEach((socket) => socket.disconnect()));
  afterAll(() => world?.stop());

  async function rest(method: string, path: string, body?: Json, token?: string): Promise<{ status: number; body: Json }> {
    const response = await fetch(`${world.doors[0]!.api}/api/v1${path}`, {
      method,
      headers: { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    return { status: response.status, body: text ? (JSON.parse(text) as Json) : {} };
  }

  async function mailedCode(email: string): Promise<string> {
    for (let tries = 0; tries < 200; tries++) {
      const response = await fetch(`${world.doors[0]!.api}/dev/inbox?to=${encodeURIComponent(email)}`);
      const code = /\b\d{6}\b/.exec(((await response.json()) as Json)["items"][0]?.text ?? "")?.[0];
      if (code) return code;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`no code for ${email}`);
  }

  /** Somebody new: signed in by a mailed code, with a socket that remembers what it hears. */
  async function person(name: string) {
    const email = `${name}.${Date.now()}.${Math.random()}@example.test`;
    const flow = await rest("POST", "/auth/code", { email });
    expect(flow.status).toBe(202);
    const signedIn = await rest("POST", "/auth/verify", { flowId: flow.body["flowId"], code: await mailedCode(email), name });
    expect(signedIn.status).toBe(200);
    const { user, accessToken: token } = signedIn.body as { user: Json; accessToken: string };

    const socket = io(world.doors[0]!.io, { auth: { token }, transports: ["websocket"], forceNew: true });
    sockets.push(socket);
    const heard: { event: string; payload: Json }[] = [];
    const waiting = new Set<() => void>();
    socket.onAny((event: string, payload: Json) => {
      heard.push({ event, payload });
      for (const look of [...waiting]) look();
    });
    /** The first such event, past or to come. */
    const hear = (event: string, wanted: (payload: Json) => boolean = () => true): Promise<Json> =>
      new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`${name} did not hear ${event}: ${JSON.stringify(heard)}`)), 20_000);
        const look = () => {
          const found = heard.find((one) => one.event === event && wanted(one.payload));
          if (!found) return;
          clearTimeout(late);
          waiting.delete(look);
          resolve(found.payload);
        };
        waiting.add(look);
        look();
      });
    const ask = (event: string, payload: Json) => socket.timeout(20_000).emitWithAck(event, payload) as Promise<Ack>;
    const act = async (event: string, payload: Json) => {
      const ack = await ask(event, payload);
      if (!ack.ok) throw new Error(`${event}: ${JSON.stringify(ack.error)}`);
      return ack.data;
    };
    const ready = await hear("ready");
    expect(ready).toMatchObject({ userId: user["id"], limits: { maxText: expect.any(Number) as number } });
    const entry = (chatId: string, type: string) => hear("chat:entry", (one) => one["chatId"] === chatId && one["type"] === type);
    return { id: user["id"] as string, token, ready, hear, ask, act, entry };
  }

  test("nobody is let in without a good token", async () => {
    const socket = io(world.doors[0]!.io, { auth: { token: "nobody's" }, transports: ["websocket"], forceNew: true });
    sockets.push(socket);
    const refusal = await new Promise<Error & { data?: Json }>((resolve) => socket.on("connect_error", resolve));
    expect(refusal.data).toMatchObject({ status: 401, code: "unauthenticated" });
  });

  test("two people talk, edit, react, read and catch up", async () => {
    const [ann, bob] = await Promise.all([person("Ann"), person("Bob")]);
    const opened = await rest("POST", "/chats", { type: "direct", memberIds: [bob.id] }, ann.token);
    expect(opened.status).toBe(201);
    const chatId = opened.body["id"] as string;
    expect(await bob.entry(chatId, "chat.created")).toMatchObject({ rev: 1 });
    expect(await bob.hear("user:entry", ({ data }) => data.chatId === chatId)).toMatchObject({ type: "chat.noted" });

    const hello = { chatId, clientMessageId: "hello-1", text: "Hello Bob", mentions: [bob.id] };
    const { message } = await ann.act("message:send", hello);
    expect((await ann.act("message:send", hello))["message"].id).toBe(message.id);
    expect(await bob.entry(chatId, "message.sent")).toMatchObject({ rev: 2, data: { message: { text: "Hello Bob", seq: 1 } } });

    await bob.act("presence:watch", { userIds: [ann.id] });
    await bob.act("typing", { chatId, typing: true });
    expect(await ann.hear("typing")).toEqual({ chatId, userId: bob.id, typing: true });

    const here = { chatId, messageId: message.id as string };
    expect((await ann.act("message:edit", { ...here, text: "Hello, Bob!" }))["message"]).toMatchObject({
      text: "Hello, Bob!",
      rev: 3,
    });
    expect(await bob.entry(chatId, "message.edited")).toMatchObject({ rev: 3, data: { text: "Hello, Bob!" } });
    const reacted = await bob.act("message:react", { ...here, emoji: "👍" });
    expect(reacted["message"].reactions).toEqual([{ emoji: "👍", count: 1, mine: true }]);
    expect(await ann.entry(chatId, "reaction.added")).toMatchObject({ by: bob.id, rev: 4 });
    await bob.act("message:unreact", { ...here, emoji: "👍" });
    expect(await ann.entry(chatId, "reaction.removed")).toMatchObject({ rev: 5 });

    const moved = await bob.act("receipts", { read: { [chatId]: 1 } });
    expect(moved["chats"][chatId]).toEqual({ readSeq: 1, deliveredSeq: 1 });
    const receipt = await ann.hear("receipt", (told) => told["receipt"].userId === bob.id);
    expect(receipt).toEqual({ chatId, receipt: { userId: bob.id, readSeq: 1, deliveredSeq: 1 } });

    const missed = await bob.act("sync", { epoch: bob.ready["epoch"], userRev: 0, chats: { [chatId]: 2 } });
    expect(missed["chats"]).toMatchObject([{ chatId, rev: 5, entries: [{ rev: 3 }, { rev: 4 }, { rev: 5 }] }]);
    expect(missed["user"].map(({ type }: Json) => type)).toContain("chat.noted");
    const fresh = await bob.act("sync", {});
    expect(fresh["chats"]).toMatchObject([
      {
        chatId,
        reset: true,
        chat: { unreadCount: 0, me: { readSeq: 1 } },
        entries: [{ data: { message: { text: "Hello, Bob!", rev: 5 } } }],
      },
    ]);

    expect((await ann.act("message:delete", here))["message"]).toMatchObject({ text: "", rev: 6 });
    expect(await bob.entry(chatId, "message.deleted")).toMatchObject({ rev: 6 });
    expect(await bob.ask("message:edit", { ...here, text: "mine" })).toMatchObject({
      ok: false,
      error: { code: "chat.not_author" },
    });
    const wrong = await ann.ask("message:send", { chatId, clientMessageId: "a b" });
    expect(wrong).toMatchObject({ ok: false, error: { code: "bad_input" } });
    expect(!wrong.ok && wrong.error["errors"].map(({ field }: Json) => field).sort()).toEqual(["clientMessageId", "text"]);
  });
});
