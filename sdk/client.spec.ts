import type { Entry } from "@confab/contracts";
import { createClient, type Client } from "./index.ts";
import { memoryStorage } from "./platform.ts";
import { at, chatOf, entriesOf, entryOf, messageOf } from "./testing.ts";

const user = { id: "ann", name: "Ann", email: "ann@example.com", createdAt: at };
const json = (body: unknown, status = 200) =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
const problemDocument = (status: number, code: string) =>
  json({ type: "", title: code, status, code, detail: code, requestId: "r" }, status);
const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

let open: Client | undefined;
afterEach(() => open?.close());

/** A server and a socket to it, both made of little. */
function world() {
  const asked: string[] = [];
  const server = { rev: 2, token: "access-1", refreshes: 0 };
  const answers: Record<string, (body: Record<string, unknown>) => Response> = {
    "POST /auth/verify": () => json({ user, accessToken: "access-1", refreshToken: "refresh-1", expiresIn: 300 }),
    "POST /auth/refresh": () => {
      server.refreshes++;
      return json({ accessToken: server.token, refreshToken: "refresh-2", expiresIn: 300 });
    },
    "POST /auth/logout": () => new Response(null, { status: 204 }),
    "GET /users/bob": () => json({ id: "bob", name: "Bob" }),
    "POST /sync": ({ chats }) => {
      const from = (chats as Record<string, number>)["c"] ?? 0;
      const chat = from === 0 ? { chat: chatOf("c", { rev: server.rev, lastSeq: server.rev - 1 }) } : {};
      const parts =
        from < server.rev ? [{ chatId: "c", rev: server.rev, ...chat, entries: entriesOf("c", from + 1, server.rev) }] : [];
      return json({ epoch: "e", userRev: 0, user: [], chats: parts, more: false });
    },
  };
  const fetch = async (input: unknown, { method, headers, body }: RequestInit = {}) => {
    const path = String(input).replace("http://confab/api/v1", "");
    asked.push(`${method} ${path}`);
    const { authorization } = headers as Record<string, string>;
    if (!path.startsWith("/auth/") && authorization !== `Bearer ${server.token}`) return problemDocument(401, "unauthenticated");
    return answers[`${method} ${path}`]?.(body ? JSON.parse(body as string) : {}) ?? problemDocument(404, "not_found");
  };

  const listeners = new Map<string, ((payload: unknown) => void)[]>();
  const hear = (event: string, payload: unknown) => listeners.get(event)?.forEach((listener) => listener(payload));
  const socket = {
    auth: {} as unknown,
    connected: false,
    connects: 0,
    connect() {
      this.connected = true;
      this.connects++;
      queueMicrotask(() => hear("ready", { userId: "ann", sessionId: "s", epoch: "e", userRev: 0, limits: {} }));
    },
    disconnect() {
      this.connected = false;
    },
    on: (event: string, listener: (payload: never) => void) =>
      void listeners.set(event, [...(listeners.get(event) ?? []), listener as never]),
    timeout: () => ({
      async emitWithAck(event: string, { clientMessageId }: { clientMessageId: string }) {
        asked.push(event);
        return { ok: true, data: { message: messageOf("c", ++server.rev, "ann", clientMessageId) } };
      },
    }),
  };
  const client = createClient({
    url: "http://confab/",
    fetch: fetch,
    storage: memoryStorage(),
    socket: () => socket,
  });
  open = client;
  return { client, server, socket, hear, asked };
}

async function signedIn() {
  const made = world();
  await made.client.verify({ flowId: "f", code: "123456" });
  made.client.connect();
  await settle();
  return made;
}

test("signs in, connects with the token, and catches up once the socket is ready", async () => {
  const { client, socket } = await signedIn();
  expect(socket.auth).toEqual({ token: "access-1" });
  expect(client.get()).toMatchObject({ user, connection: "online", synced: true });
  expect(client.get().chats.get("c")!.messages).toHaveLength(1);
});

test("a sent message shows at once and is in the log once, whichever of answer and entry comes first", async () => {
  const { client, hear, asked } = await signedIn();
  const sent = client.send("c", "hello");
  expect(client.get().chats.get("c")!.outgoing).toMatchObject([{ text: "hello", status: "pending" }]);
  const message = await sent;
  hear("chat:entry", { ...entryOf("c", 3, "ann", message.clientMessageId) } satisfies Entry);
  const { messages, outgoing } = client.get().chats.get("c")!;
  expect(messages.map(({ seq }) => seq)).toEqual([1, 2]);
  expect(outgoing).toEqual([]);
  expect(asked.filter((name) => name === "message:send")).toHaveLength(1);
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

test("a revoked session signs out and leaves nothing behind", async () => {
  const { client, hear } = await signedIn();
  hear("session:revoked", {});
  expect(client.get()).toMatchObject({ user: null, connection: "closed", synced: false });
  expect(client.get().chats.size).toBe(0);
});

test("signing out forgets the session here, also when the server cannot be reached", async () => {
  const { client, server } = await signedIn();
  server.token = "nobody's";
  await client.signOut();
  expect(client.get().user).toBeNull();
});

test("a leaving node is left when it asks for it", async () => {
  const { socket, hear } = await signedIn();
  hear("server:draining", { reconnectIn: 1 });
  await settle();
  expect(socket.connects).toBe(2);
});
