import type { Message } from "@confab/contracts";
import { createClient, type Client, type ClientOptions } from "./index.ts";
import { memoryStorage } from "./platform.ts";
import { FakeSocket, meOf, ModelServer } from "./testing.ts";

const user = meOf("ann", { name: "Ann", email: "ann@example.com" });
const limits = { typingEvery: 3, liveTyping: 100, liveReceipts: 100 };
const json = (body: unknown, status = 200) =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
const problemDocument = (status: number, code: string) => ({ type: "", title: code, status, code, detail: code, requestId: "r" });
const settle = (ms = 5) => new Promise((resolve) => setTimeout(resolve, ms));

const open: Client[] = [];
afterEach(() => open.splice(0).forEach((client) => client.close()));

type Answer = (params: Record<string, string>, body: Record<string, never>) => unknown;

/** A server with one chat of ann's and bob's, REST in front of it and a socket to it. */
function world(options: Partial<ClientOptions> = {}, messages = 1) {
  const model = new ModelServer("ann");
  model.create("c", "bob", ["ann"]);
  for (let count = 0; count < messages; count++) model.send("c", "bob");
  model.hints.length = 0;
  const asked: string[] = [];
  const server = { token: "access-1", refreshes: 0, hasPassword: false, broken: new Set<string>() };
  const message = (chatId: string, messageId: string) => ({ message: model.message(chatId, messageId) });
  const of = (messageId: string) => ({ messageId, seq: Number(messageId.split("-").at(-1)) });

  const answers: Record<string, Answer> = {
    "POST /auth/verify": () => ({ user, accessToken: "access-1", refreshToken: "refresh-1", expiresIn: 300 }),
    "POST /auth/login": () => ({ user, accessToken: "access-1", refreshToken: "refresh-1", expiresIn: 300 }),
    "PUT /auth/password": () => {
      server.hasPassword = true;
      return null;
    },
    "PUT /users/me/avatar": () => ({ ...user, avatar: "/avatars/1" }),
    "POST /auth/refresh": () => {
      server.refreshes++;
      return { accessToken: server.token, refreshToken: "refresh-2", expiresIn: 300 };
    },
    "POST /auth/logout": () => null,
    "GET /users/me": () => ({ ...user, hasPassword: server.hasPassword }),
    "GET /users/me/preferences": () => ({ readReceipts: true, presence: true, findable: true }),
    "GET /users/:id": ({ id }) => ({ id, name: "Bob" }),
    "POST /sync": (_, body) => model.sync(body as never),
    "GET /chats/:c": ({ c }) => (model.logs.has(c!) ? model.chat(c!) : undefined),
    "GET /chats/:c/messages": ({ c, ...where }) =>
      model.list(c!, Object.fromEntries(Object.entries(where).map(([name, seq]) => [name, Number(seq)]))),
    "GET /chats/:c/messages/:m": ({ c, m }) => message(c!, m!),
    "POST /chats/:c/messages": ({ c }, { clientMessageId, mentions }) => ({
      message: model.send(c!, "ann", mentions, clientMessageId),
    }),
    "PATCH /chats/:c/messages/:m": ({ c, m }, { text }) => {
      model.append(c!, "ann", { type: "message.edited", data: { ...of(m!), text: text!, mentions: [], data: {} } });
      return message(c!, m!);
    },
    "DELETE /chats/:c/messages/:m": ({ c, m }) => {
      model.append(c!, "ann", { type: "message.deleted", data: of(m!) });
      return message(c!, m!);
    },
    "PUT /chats/:c/messages/:m/reactions/:e": ({ c, m, e }) => {
      model.append(c!, "ann", { type: "reaction.added", data: { ...of(m!), emoji: decodeURIComponent(e!) } });
      return message(c!, m!);
    },
    "PATCH /chats/:c/me": ({ c }, body) => {
      model.note(c!, body);
      return model.chat(c!);
    },
    "POST /receipts": (_, { read = {}, delivered = {} }) => {
      const chats = [...new Set([...Object.keys(read), ...Object.keys(delivered)])];
      return { chats: Object.assign({}, ...chats.map((c) => model.move(c, read[c] ?? 0, delivered[c] ?? 0))) as object };
    },
    "GET /chats/:c/receipts": () => ({ items: [{ userId: "bob", readSeq: 1, deliveredSeq: 1 }] }),
  };
  const find = (method: string, path: string) => {
    const parts = path.split("/");
    for (const [route, answer] of Object.entries(answers)) {
      const [verb, pattern] = route.split(" ") as [string, string];
      const wanted = pattern.split("/");
      if (verb !== method || wanted.length !== parts.length) continue;
      if (!wanted.every((part, index) => part.startsWith(":") || part === parts[index])) continue;
      const params = wanted.flatMap((part, index) => (part.startsWith(":") ? [[part.slice(1), parts[index]!]] : []));
      return { answer, params: Object.fromEntries(params) as Record<string, string> };
    }
    return undefined;
  };
  const fetch = async (input: unknown, { method, headers, body }: RequestInit = {}) => {
    const url = new URL(String(input));
    const path = url.pathname.replace("/api/v1", "");
    asked.push(`${method} ${path}`);
    if (server.broken.has(`${method} ${path}`)) throw new TypeError("fetch failed");
    const { authorization } = headers as Record<string, string>;
    if (!path.startsWith("/auth/") && authorization !== `Bearer ${server.token}`)
      return json(problemDocument(401, "unauthenticated"), 401);
    const found = find(method!, path);
    const params = { ...found?.params, ...Object.fromEntries(url.searchParams) };
    const answer = found?.answer(params, (body ? JSON.parse(body as string) : {}) as never);
    if (answer === undefined) return json(problemDocument(404, "not_found"), 404);
    return answer === null ? new Response(null, { status: 204 }) : json(answer);
  };

  /** What goes over the socket is answered by the same routes. */
  const over: Record<string, string> = {
    "message:send": "POST /chats/:c/messages",
    "message:edit": "PATCH /chats/:c/messages/:m",
    "message:delete": "DELETE /chats/:c/messages/:m",
    "message:react": "PUT /chats/:c/messages/:m/reactions/:e",
    receipts: "POST /receipts",
  };
  const socket = new FakeSocket();
  const connect = socket.connect.bind(socket);
  const beReady = () => socket.tell("ready", { userId: "ann", sessionId: "s", epoch: "e1", userRev: 0, limits });
  socket.connect = () => {
    connect();
    queueMicrotask(beReady);
  };
  socket.answer = async (event, payload: Record<string, never>) => {
    if (server.broken.has(event)) throw new Error("timeout");
    const params = { c: payload["chatId"]!, m: payload["messageId"]!, e: payload["emoji"]! };
    const data = over[event] ? answers[over[event]]!(params, payload) : { items: [] };
    return { ok: true, data };
  };
  /** Tells the socket what the server has to tell. */
  const tell = () => {
    for (const hint of model.hints.splice(0)) {
      if ("entry" in hint) socket.tell("chat:entry", hint.entry);
      else socket.tell("user:entry", hint.own);
    }
  };
  const storage = options.storage ?? memoryStorage();
  const make = () => {
    const client = createClient({ url: "http://confab/", fetch, storage, socket: () => socket, ...options });
    open.push(client);
    return client;
  };
  const client = make();
  const chat = () => client.get().chats.get("c")!;
  return { model, client, make, server, socket, asked, tell, chat };
}

async function signedIn(options: Partial<ClientOptions> = {}, messages = 1) {
  const made = world(options, messages);
  await made.client.verify({ flowId: "f", code: "123456" });
  made.client.connect();
  await settle();
  return made;
}

describe("signing in and out", () => {
  test("signs in, connects with the token, and catches up once the socket is ready", async () => {
    const { client, socket, chat } = await signedIn();
    expect(socket.auth).toEqual({ token: "access-1" });
    expect(client.get()).toMatchObject({ user, connection: "online", synced: true, limits });
    expect(client.get().preferences).toEqual({ readReceipts: true, presence: true, findable: true });
    expect(chat().messages).toHaveLength(1);
  });

  test("a refused token is renewed once for all who wait, and the calls are made again", async () => {
    const { client, server } = await signedIn();
    server.token = "access-2";
    const profiles = await Promise.all([1, 2, 3].map(() => client.call("user.profile.get", { userId: "bob" })));
    expect(profiles.map(({ name }) => name)).toEqual(["Bob", "Bob", "Bob"]);
    expect(server.refreshes).toBe(1);
  });

  test("errors are the server's problem documents", async () => {
    const { client } = await signedIn();
    await expect(client.call("chat.chat.get", { chatId: "x" })).rejects.toMatchObject({
      name: "ApiProblem",
      code: "not_found",
      status: 404,
    });
  });

  test("a revoked session signs out and leaves nothing of the user but what was not sent", async () => {
    const { client, socket, server, make } = await signedIn();
    server.broken.add("message:send").add("POST /chats/c/messages");
    client.send("c", "unsent").catch(() => {});
    socket.tell("session:revoked", {});
    expect(client.get()).toMatchObject({ user: null, connection: "closed", synced: false });
    expect(client.get().chats.size).toBe(0);
    server.broken.clear();
    const next = make();
    await next.verify({ flowId: "f", code: "123456" });
    next.connect();
    await settle();
    expect(
      next
        .get()
        .chats.get("c")!
        .messages.map(({ senderId }) => senderId),
    ).toEqual(["bob", "ann"]);
  });

  test("signing out forgets the session and what was not sent, also when the server cannot be reached", async () => {
    const { client, server, make, asked } = await signedIn();
    server.broken.add("message:send").add("POST /chats/c/messages").add("POST /auth/logout");
    client.send("c", "unsent").catch(() => {});
    await client.signOut();
    expect(client.get().user).toBeNull();
    const before = asked.length;
    await make().verify({ flowId: "f", code: "123456" });
    await settle();
    expect(asked.slice(before)).toEqual(["POST /auth/verify"]);
  });

  test("with the host's tokens the user is whoever they belong to", async () => {
    const tokens = ["access-1", "access-2"];
    const { client, server, socket } = world({ getToken: async () => tokens.shift()! });
    expect(client.get().user).toBeNull();
    client.connect();
    await settle();
    expect(client.get()).toMatchObject({ user, connection: "online", synced: true });
    server.token = "access-2";
    expect(await client.call("user.profile.get", { userId: "bob" })).toMatchObject({ name: "Bob" });
    expect(socket.connects).toBe(1);
    await expect(client.requestCode("ann@example.com")).rejects.toThrow("getToken");
  });

  test("a leaving node is left when it asks for it", async () => {
    const { socket } = await signedIn();
    socket.tell("server:draining", { reconnectIn: 1 });
    await settle();
    expect(socket.connects).toBe(2);
  });
});

describe("messages", () => {
  test("a sent message shows at once and is in the log once, whichever of answer and entry comes first", async () => {
    const { client, tell, chat, socket } = await signedIn();
    const sent = client.send("c", "hello", { mentions: "all" });
    expect(chat().outgoing).toMatchObject([{ text: "hello", mentions: "all", status: "pending" }]);
    await sent;
    expect(chat().outgoing).toHaveLength(1);
    tell();
    expect(chat().messages.map(({ seq, mentions }) => [seq, mentions])).toEqual([
      [1, []],
      [2, "all"],
    ]);
    expect(chat().outgoing).toEqual([]);
    expect(socket.sent.filter(([event]) => event === "message:send")).toHaveLength(1);
  });

  test("a sent message of which no socket tells is asked for", async () => {
    const { client, chat, socket } = await signedIn();
    socket.lose();
    await client.send("c", "hello");
    await settle(20);
    expect(chat().messages).toHaveLength(2);
    expect(chat().outgoing).toEqual([]);
  });

  test("a message is edited, reacted to and deleted, and shows it before the log tells", async () => {
    const { client, tell, chat } = await signedIn();
    const { id } = await client.send("c", "hello");
    tell();
    expect(await client.edit("c", id, { text: "new" })).toMatchObject({ text: "new" });
    expect(chat().messages[1]).toMatchObject({ text: "new" });
    await client.react("c", id, "👍", true);
    expect(chat().messages[1]!.reactions).toEqual([{ emoji: "👍", count: 1, mine: true }]);
    tell();
    expect(chat().messages[1]!.reactions).toEqual([{ emoji: "👍", count: 1, mine: true }]);
    await client.remove("c", id);
    expect(chat().chat.lastMessage).toMatchObject({ text: "", deletedAt: expect.any(String) as string });
  });

  test("a change whose answer was lost on the socket goes again by REST, and later ones wait for it", async () => {
    jest.spyOn(Math, "random").mockReturnValue(0);
    const { client, server, asked, tell } = await signedIn();
    const { id } = await client.send("c", "hello");
    tell();
    server.broken.add("message:edit");
    const edits = await Promise.all(["one", "two"].map((text) => client.edit("c", id, { text })));
    expect(edits.map(({ text }) => text)).toEqual(["one", "two"]);
    expect(asked.filter((what) => what.startsWith("PATCH"))).toHaveLength(2);
    jest.restoreAllMocks();
  });

  test("another place in a chat, and single messages, are kept up", async () => {
    const { client, model, tell, chat } = await signedIn({}, 100);
    expect(chat().older).toBe(51);
    const first = await client.message("c", "message-c-1");
    await client.jump("c", 2);
    expect(chat().window).toMatchObject({ before: null, after: 26, target: 2 });
    model.append("c", "bob", {
      type: "message.edited",
      data: { messageId: first.id, seq: 1, text: "new", mentions: [], data: {} },
    });
    tell();
    expect(chat().quoted.get(first.id)).toMatchObject({ text: "new" });
    expect(await client.message("c", first.id)).toMatchObject({ text: "new" });
    expect(chat().window!.messages[0]).toMatchObject({ text: "new" });
    expect(await client.loadNewer("c")).toBe(true);
    expect(chat()).toMatchObject({ window: null, older: null });
    expect(chat().messages).toHaveLength(100);
    expect(await client.loadOlder("c")).toBe(false);
    client.leaveWindow("c");
  });
});

describe("what a chat is to oneself and others", () => {
  test("reading shows at once and is told within a moment, receiving by itself", async () => {
    const { client, model, chat, socket } = await signedIn();
    expect(chat().chat).toMatchObject({ unreadCount: 1, me: { readSeq: 0, deliveredSeq: 0 } });
    client.markRead("c");
    expect(chat().chat).toMatchObject({ unreadCount: 0, me: { readSeq: 1 } });
    await settle(1100);
    expect(socket.sent.filter(([event]) => event === "receipts")).toEqual([
      ["receipts", { read: { c: 1 }, delivered: { c: 1 } }],
    ]);
    expect(model.chat("c").me).toMatchObject({ readSeq: 1, deliveredSeq: 1 });
    client.markRead("c");
    await settle(1100);
    expect(socket.sent.filter(([event]) => event === "receipts")).toHaveLength(1);
  });

  test("another device's notes and an answer that is older than they are", async () => {
    const { client, tell, model, chat } = await signedIn();
    const answer = client.call("chat.me.change", { chatId: "c", pinned: true });
    await answer;
    expect(chat().chat.me).toMatchObject({ pinned: true });
    const late = client.call("chat.chat.get", { chatId: "c" });
    model.note("c", { archived: true });
    tell();
    await late;
    expect(chat().chat.me).toMatchObject({ pinned: true, archived: true });
    model.tell("profile", { type: "profile.changed", data: { name: "Anna", avatar: null } });
    tell();
    expect(client.get().user!.name).toBe("Anna");
  });

  test("silence is broken by heads", async () => {
    const { model, socket, chat } = await signedIn();
    model.send("c", "bob");
    model.hints.length = 0;
    socket.tell("heads", model.heads());
    await settle();
    expect(chat().messages).toHaveLength(2);
  });

  test("receipts, typing and presence are followed once one wants them", async () => {
    const { client, socket, chat } = await signedIn();
    const bob = { userId: "bob", state: "online", lastActiveAt: null } as const;
    socket.tell("receipt", { chatId: "c", receipt: { userId: "bob", readSeq: 9, deliveredSeq: 9 } });
    expect(chat().receipts.size).toBe(0);
    await client.loadReceipts("c");
    socket.tell("receipt", { chatId: "c", receipt: { userId: "bob", readSeq: 2, deliveredSeq: 2 } });
    expect(chat().receipts.get("bob")).toEqual({ userId: "bob", readSeq: 2, deliveredSeq: 2 });
    socket.tell("typing", { chatId: "c", userId: "bob", typing: true });
    expect(chat().typing).toEqual(["bob"]);
    client.watchPresence(["bob"]);
    await settle();
    socket.tell("presence", bob);
    expect(client.get().presence.get("bob")).toEqual(bob);
    client.setTyping("c", true);
    expect(socket.sent.at(-1)).toEqual(["typing", { chatId: "c", typing: true }]);
    socket.lose();
    expect(chat().typing).toEqual([]);
    await settle(600);
    expect(socket.sent.filter(([event]) => event === "presence:watch")).toHaveLength(2);
  });

  test("nothing changes what did not change", async () => {
    const { client, model, tell, socket } = await signedIn();
    model.create("d", "bob", ["ann"]);
    tell();
    await settle();
    const before = client.get();
    socket.tell("typing", { chatId: "elsewhere", userId: "bob", typing: true });
    expect(client.get()).toBe(before);
    model.send("d", "bob");
    tell();
    const after = client.get();
    expect(after).not.toBe(before);
    expect(after.chats.get("c")).toBe(before.chats.get("c"));
    expect(after.chats.get("d")).not.toBe(before.chats.get("d"));
  });
});

test("whoever only calls is not caught up with, and keeps nothing", async () => {
  const { client, asked } = world();
  await client.verify({ flowId: "f", code: "123456" });
  const { message } = (await client.call("chat.message.send", { chatId: "c", clientMessageId: "n", text: "hello" })) satisfies {
    message: Message;
  };
  await client.send("c", "by the outbox");
  await settle();
  expect(message.seq).toBe(2);
  expect(asked).toEqual(["POST /auth/verify", "POST /chats/c/messages", "POST /chats/c/messages"]);
});

test("whatever signs in does so by call(), too; what changes the account shows in the state", async () => {
  const { client, asked } = world();
  await client.call("user.session.login", { email: "ann@example.com", password: "a long one" });
  expect(client.get().user).toEqual(user);
  await client.call("user.avatar.put", { image: "aGk=" });
  expect(client.get().user?.avatar).toBe("/avatars/1");
  // The answer is empty: it is asked for.
  await client.call("user.password.change", { password: "a longer one" });
  await settle();
  expect(client.get().user?.hasPassword).toBe(true);
  expect(asked).toEqual(["POST /auth/login", "PUT /users/me/avatar", "PUT /auth/password", "GET /users/me"]);
});

test("a new name or picture from another device is one's own", async () => {
  const { client, model, tell } = await signedIn();
  const data = { name: "Anna", avatar: "/avatars/2" };
  model.tell("profile", { type: "profile.changed", data });
  tell();
  await settle();
  expect(client.get().user).toMatchObject({ name: "Anna", avatar: "/avatars/2" });
});
