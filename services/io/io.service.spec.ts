import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { generateKeyPairSync } from "node:crypto";
import type { Entry, PublicKey } from "@confab/contracts";
import { edgeMiddleware, edgeOf, edgeSettings } from "@confab/mixins/edge.ts";
import { problem, ProblemRegenerator } from "@confab/mixins/problem.ts";
import { tokenTerms } from "@confab/mixins/sessions.ts";
import { ContractValidator } from "@confab/mixins/validator.ts";
import jwt from "jsonwebtoken";
import { ServiceBroker } from "moleculer";
import { io as connect, type Socket } from "socket.io-client";
import { v7 as uuid } from "uuid";
import ioService from "./io.service.ts";

const env = { PORT: "0", NODE_ENV: "test", CORS_ORIGINS: "https://app.example.com", MAX_BODY: "2048" };
const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const key = {
  ...(publicKey.export({ format: "jwk" }) as { x: string; y: string }),
  kty: "EC",
  crv: "P-256",
  kid: "k1",
  alg: "ES256",
  use: "sig",
} as PublicKey;

const ended = new Set<string>();
const chatsOf = new Map<string, { chatId: string; rev: number }[]>();
const logs = new Map<string, Entry[]>();
const calls: { name: string; meta: object; params: unknown }[] = [];

const broker = new ServiceBroker({
  logger: false,
  validator: new ContractValidator(),
  errorRegenerator: new ProblemRegenerator(),
  middlewares: [edgeMiddleware(edgeSettings.read(env))],
});
broker.createService(ioService(env));
broker.createService({
  name: "user",
  actions: {
    "key.list": () => ({ keys: [key] }),
    "session.check": (ctx: { params: { sessionIds: string[] } }) => ({
      alive: ctx.params.sessionIds.filter((id) => !ended.has(id)),
    }),
  },
});
broker.createService({
  name: "chat",
  actions: {
    "follow.list": (ctx: { params: { userId: string } }) => ({ epoch: "e", chats: chatsOf.get(ctx.params.userId) ?? [] }),
    "entry.range": (ctx: { params: { chatId: string; after: number } }) => ({
      items: (logs.get(ctx.params.chatId) ?? []).filter(({ rev }) => rev > ctx.params.after),
    }),
    "message.send"(ctx: { meta: object; params: { text: string } }) {
      calls.push({ name: "message.send", meta: ctx.meta, params: ctx.params });
      if (ctx.params.text === "no") throw problem("chat.not_found");
      if (ctx.params.text === "bug") throw new TypeError("something private");
      return { message: ctx.params };
    },
  },
});

let url: string;
const sockets: Socket[] = [];
beforeAll(async () => {
  await broker.start();
  url = `http://127.0.0.1:${(edgeOf(broker).server.address() as AddressInfo).port}`;
});
afterEach(() => sockets.splice(0).forEach((socket) => socket.close()));
afterAll(() => broker.stop());

const token = (userId: string, sessionId: string, options: jwt.SignOptions = {}) =>
  jwt.sign({ sid: sessionId }, privateKey, { subject: userId, keyid: "k1", expiresIn: 300, ...tokenTerms, ...options });

function open(auth: object, headers: Record<string, string> = {}) {
  const socket = connect(url, { auth, transports: ["websocket"], reconnection: false, forceNew: true, extraHeaders: headers });
  sockets.push(socket);
  const entries: number[] = [];
  socket.on("chat:entry", ({ rev }: Entry) => entries.push(rev));
  const heard = (event: string) =>
    new Promise<never>((resolve, reject) => {
      socket.once(event, resolve);
      socket.once("connect_error", reject);
    });
  return { socket, entries, ready: heard("ready"), heard };
}
function member(chats: { chatId: string; rev: number }[] = []) {
  const [userId, sessionId] = [uuid(), uuid()];
  chatsOf.set(userId, chats);
  return { userId, sessionId, ...open({ token: token(userId, sessionId) }) };
}
const entry = (chatId: string, rev: number) => ({ chatId, rev, type: "message.sent" }) as Entry;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("the handshake", () => {
  test("lets in a good token, and says when the socket is subscribed", async () => {
    const { userId, sessionId, ready } = member();
    await expect(ready).resolves.toMatchObject({ userId, sessionId, epoch: "e", limits: { maxBody: 2048 } });
  });

  test.each([
    ["no token", {}],
    ["a number", { token: 7 }],
    ["an expired one", { token: token(uuid(), uuid(), { expiresIn: -1 }) }],
    ["one for somebody else", { token: token(uuid(), uuid(), { audience: "other" }) }],
    ["one that nobody signed", { token: jwt.sign({ sid: uuid() }, "", { algorithm: "none", keyid: "k1", subject: uuid() }) }],
  ])("refuses %s with a problem", async (_name, auth) => {
    await expect(open(auth).ready).rejects.toMatchObject({ data: { code: "unauthenticated", status: 401 } });
  });

  test("refuses a session that has ended", async () => {
    const sessionId = uuid();
    ended.add(sessionId);
    await expect(open({ token: token(uuid(), sessionId) }).ready).rejects.toMatchObject({ data: { code: "unauthenticated" } });
  });

  test("refuses a page of an origin that is not on the list, and no other", async () => {
    const auth = { token: token(uuid(), uuid()) };
    const refused = open(auth, { origin: "https://evil.example.com" }).ready;
    await expect(refused).rejects.toMatchObject({ data: { code: "forbidden_origin", status: 403 } });
    await expect(open(auth, { origin: "https://app.example.com" }).ready).resolves.toBeDefined();
    await expect(open(auth, { origin: url }).ready).resolves.toBeDefined();
  });
});

describe("client events", () => {
  const params = { chatId: uuid(), clientMessageId: "n", text: "hello" };

  test("call the action of their contract as whoever the socket is", async () => {
    const { socket, ready, userId, sessionId } = member();
    await ready;
    await expect(socket.emitWithAck("message:send", params)).resolves.toEqual({ ok: true, data: { message: params } });
    expect(calls.at(-1)).toMatchObject({ meta: { userId, sessionId }, params });
  });

  test.each([
    ["what the action refuses", { ...params, text: "no" }, { code: "chat.not_found" }],
    [
      "a bug, of which nothing is told",
      { ...params, text: "bug" },
      { code: "internal", detail: "Something went wrong on our side" },
    ],
  ])("answer %s", async (_name, payload, error) => {
    const { socket, ready } = member();
    await ready;
    await expect(socket.emitWithAck("message:send", payload)).resolves.toMatchObject({ ok: false, error });
  });

  test("outlive anything for a payload, and no acknowledgement", async () => {
    const { socket, ready } = member();
    await ready;
    for (const payload of [null, 7, "x", [], [[]]]) {
      const answer: unknown = await socket.emitWithAck("message:send", payload);
      expect(answer).toMatchObject({ ok: false, error: { code: "bad_input", errors: [{ field: "payload" }] } });
      socket.emit("message:send", payload);
    }
    socket.emit("message:send");
    await expect(socket.emitWithAck("message:send", params)).resolves.toMatchObject({ ok: true });
  });

  test("are those that contracts name: there is no open call", async () => {
    const { socket, ready } = member();
    await ready;
    await expect(socket.timeout(200).emitWithAck("call", "chat.message.send", params)).rejects.toThrow(/timed out/);
    await expect(socket.timeout(200).emitWithAck("chat.message.send", params)).rejects.toThrow(/timed out/);
  });

  test("larger than the limit cost the socket, not the node", async () => {
    const { socket, ready } = member();
    await ready;
    const gone = new Promise((resolve) => socket.once("disconnect", resolve));
    socket.emit("message:send", { text: "x".repeat(3000) });
    await gone;
    await expect(member().ready).resolves.toBeDefined();
  });
});

describe("entries", () => {
  test("go to the sockets of their chat alone, in order, whatever comes", async () => {
    const chatId = uuid();
    const [ann, eve] = [member([{ chatId, rev: 3 }]), member()];
    await Promise.all([ann.ready, eve.ready]);
    logs.set(
      chatId,
      [4, 5, 6, 7, 8].map((rev) => entry(chatId, rev)),
    );
    await broker.emit("chat.entry.appended", { entries: [entry(chatId, 5)] });
    await broker.emit("chat.entry.appended", { entries: [entry(chatId, 4), entry(chatId, 5)] });
    await broker.emit("chat.entry.appended", { entries: [entry(chatId, 8)] });
    await pause(150);
    expect(ann.entries).toEqual([4, 5, 6, 7, 8]);
    expect(eve.entries).toEqual([]);
  });

  test("of a chat that was opened just now reach its members", async () => {
    const [ann, bob] = [member(), member()];
    await Promise.all([ann.ready, bob.ready]);
    const chatId = uuid();
    const members = [ann, bob].map(({ userId }) => ({ userId, role: "member" }));
    await broker.emit("chat.entry.appended", {
      entries: [{ chatId, rev: 1, type: "chat.created", data: { members } }, entry(chatId, 2)],
    });
    await pause(50);
    expect([ann.entries, bob.entries]).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });
});

describe("an ended session", () => {
  test("is told and cut at once by its event", async () => {
    const { ready, heard, sessionId, userId } = member();
    await ready;
    const told = [heard("session:revoked"), heard("disconnect")];
    await broker.broadcast("user.session.ended", { userId, sessionId });
    await Promise.all(told);
  });

  test("G6: is cut within two seconds where the event is lost", async () => {
    const { ready, heard, sessionId } = member();
    await ready;
    const since = Date.now();
    ended.add(sessionId);
    await heard("session:revoked");
    expect(Date.now() - since).toBeLessThan(2000);
  });
});

test("a node that leaves answers what it was asked, and is gone soon though sockets go on asking", async () => {
  const own = new ServiceBroker({
    logger: false,
    validator: new ContractValidator(),
    errorRegenerator: new ProblemRegenerator(),
    middlewares: [edgeMiddleware(edgeSettings.read(env))],
  });
  own.createService(ioService(env));
  let asked = 0;
  own.createService({
    name: "chat",
    actions: {
      "follow.list": () => ({ epoch: "e", chats: [] }),
      "message.send": async () => (asked++, await pause(100), { message: {} }),
    },
  });
  own.createService({
    name: "user",
    actions: {
      "key.list": () => ({ keys: [key] }),
      "session.check": (ctx: { params: { sessionIds: string[] } }) => ({ alive: ctx.params.sessionIds }),
    },
  });
  await own.start();
  const { port } = edgeOf(own).server.address() as AddressInfo;
  const socket = connect(`http://127.0.0.1:${port}`, {
    auth: { token: token(uuid(), uuid()) },
    transports: ["websocket"],
    reconnection: false,
    forceNew: true,
  });
  sockets.push(socket);
  await new Promise((resolve) => socket.once("ready", resolve));
  const answers: { ok: boolean; error?: { code: string } }[] = [];
  const asking = setInterval(() => socket.emit("message:send", { chatId: uuid() }, (answer: never) => answers.push(answer)), 10);
  await pause(200);
  const since = Date.now();
  await own.stop();
  clearInterval(asking);
  expect(Date.now() - since).toBeLessThan(2000);
  // Each that was taken on was answered; the others were told to come again.
  expect(answers.filter(({ ok }) => ok)).toHaveLength(asked);
  const refused = answers.filter(({ ok }) => !ok);
  expect(refused.length).toBeGreaterThan(0);
  expect(new Set(refused.map(({ error }) => error?.code))).toEqual(new Set(["unavailable"]));
});

test("a host's server stays open when Confab stops", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  const guest = new ServiceBroker({
    logger: false,
    validator: new ContractValidator(),
    middlewares: [edgeMiddleware(edgeSettings.read(env), server)],
  });
  guest.createService(ioService(env));
  await guest.start();
  await guest.stop();
  expect(server.listening).toBe(true);
  server.close();
});
