import { createServer } from "node:http";
import { edgeMiddleware, edgeSettings } from "@confab/mixins/edge.ts";
import { problem } from "@confab/mixins/problem.ts";
import { ratesOf } from "@confab/mixins/rates.ts";
import { badTokens, goodToken } from "@confab/mixins/sessions.testing.ts";
import { ContractValidator } from "@confab/mixins/validator.ts";
import jwt from "jsonwebtoken";
import { ServiceBroker } from "moleculer";
import { v7 as uuid } from "uuid";
import ioService from "./io.service.ts";
import { Backend, pause, privateKey, publicKey, startNode, testEnv, token, type TestNode } from "./testing.ts";

const backend = new Backend();
backend.answers["chat.message.send"] = ({ text, ...others }) => {
  if (text === "no") throw problem("chat.not_found");
  if (text === "bug") throw new TypeError("something private");
  return { message: { text, ...others } } as never;
};
let node: TestNode;
/** One that takes tokens of any length. */
let roomy: TestNode;
beforeAll(async () => {
  [node, roomy] = [await startNode(backend), await startNode(backend, { MAX_BODY: "65536" })];
});
afterAll(() => Promise.all([node.stop(), roomy.stop()]));

describe("the handshake", () => {
  test("lets in a good token, and says when the socket is subscribed", async () => {
    const { userId, sessionId, ready } = node.open();
    await expect(ready).resolves.toMatchObject({ userId, sessionId, epoch: "e", userRev: 0, limits: { maxBody: 2048 } });
  });

  test.each([
    ["no token", {}],
    ["a number", { token: 7 }],
    ["an expired one", { token: token(uuid(), uuid(), { expiresIn: -1 }) }],
    ["one for somebody else", { token: token(uuid(), uuid(), { audience: "other" }) }],
    ["one that nobody signed", { token: jwt.sign({ sid: uuid() }, "", { algorithm: "none", keyid: "k1", subject: uuid() }) }],
  ])("refuses %s with a problem", async (_name, auth) => {
    await expect(node.open({ auth }).ready).rejects.toMatchObject({ data: { code: "unauthenticated", status: 401 } });
  });

  test.each(Object.entries(badTokens))("refuses a token: %s", async (_what, make) => {
    const [keys, whose] = [
      { privateKey, publicKey },
      { userId: uuid(), sessionId: uuid() },
    ];
    const refused = roomy.open({ ...whose, auth: { token: make(keys, whose) } }).ready;
    await expect(refused).rejects.toMatchObject({ data: { code: "unauthenticated", status: 401 } });
    await expect(roomy.open({ ...whose, auth: { token: goodToken(keys, whose) } }).ready).resolves.toMatchObject(whose);
  });

  test("refuses a session that has ended", async () => {
    const sessionId = uuid();
    backend.endedSessions.add(sessionId);
    await expect(node.open({ sessionId }).ready).rejects.toMatchObject({ data: { code: "unauthenticated" } });
  });

  test("refuses a page of an origin that is not on the list, and no other", async () => {
    const refused = node.open({ headers: { origin: "https://evil.example.com" } }).ready;
    await expect(refused).rejects.toMatchObject({ data: { code: "forbidden_origin", status: 403 } });
    await expect(node.open({ headers: { origin: "https://app.example.com" } }).ready).resolves.toBeDefined();
    await expect(node.open({ headers: { origin: node.url } }).ready).resolves.toBeDefined();
  });
});

describe("client events", () => {
  const params = { chatId: uuid(), clientMessageId: "n", text: "hello" };

  test("call the action of their contract as whoever the socket is", async () => {
    const { ask, userId, sessionId } = await node.enter();
    await expect(ask("message:send", params)).resolves.toEqual({ ok: true, data: { message: params } });
    expect(backend.asked.at(-1)).toMatchObject({ meta: { userId, sessionId, address: "127.0.0.1" }, params });
  });

  test.each([
    ["what the action refuses", { ...params, text: "no" }, { code: "chat.not_found" }],
    [
      "a bug, of which nothing is told",
      { ...params, text: "bug" },
      { code: "internal", detail: "Something went wrong on our side" },
    ],
  ])("answer %s", async (_name, payload, error) => {
    const { ask } = await node.enter();
    await expect(ask("message:send", payload)).resolves.toMatchObject({ ok: false, error });
  });

  test("outlive anything for a payload, and no acknowledgement", async () => {
    const { socket, ask } = await node.enter();
    for (const event of ["message:send", "typing"]) {
      for (const payload of [null, 7, "x", [], [[]]]) {
        const answer: unknown = await socket.emitWithAck(event, payload);
        expect(answer).toMatchObject({ ok: false, error: { code: "bad_input", errors: [{ field: "payload" }] } });
        socket.emit(event, payload);
      }
      socket.emit(event);
    }
    await expect(ask("message:send", params)).resolves.toMatchObject({ ok: true });
  });

  test("are those that contracts name: there is no open call", async () => {
    const { socket } = await node.enter();
    await expect(socket.timeout(200).emitWithAck("call", "chat.message.send", params)).rejects.toThrow(/timed out/);
    await expect(socket.timeout(200).emitWithAck("chat.message.send", params)).rejects.toThrow(/timed out/);
  });

  test("larger than the limit cost the socket, not the node", async () => {
    const { socket, closed } = await node.enter();
    socket.emit("message:send", { text: "x".repeat(3000) });
    await closed;
    await expect(node.open().ready).resolves.toBeDefined();
  });

  test("of a socket's own are checked by their contract, and nobody but a socket reaches them", async () => {
    const { ask } = await node.enter();
    await expect(ask("typing", { chatId: "x" })).resolves.toMatchObject({
      ok: false,
      error: { code: "bad_input", errors: expect.arrayContaining([expect.objectContaining({ field: "chatId" })]) },
    });
    for (const name of ["io.typing.tell", "io.presence.watch", "io.session.refresh"]) {
      const { socket } = await node.enter();
      const meta = { userId: uuid(), socketId: socket.id };
      await expect(node.broker.call(name, { chatId: uuid(), typing: true }, { meta })).rejects.toThrow(/not found/);
    }
  });
});

describe("entries", () => {
  test("go to the sockets of their chat alone, in order, whatever comes", async () => {
    const [chatId, userId] = [uuid(), uuid()];
    backend.create(chatId, userId);
    const [ann, eve] = [await node.enter(userId), await node.enter()];
    const [two, three, , five] = [2, 3, 4, 5].map(() => backend.append(chatId));
    await node.tell(three!);
    await node.tell(two!, three!);
    await node.tell(five!);
    await pause(150);
    expect(ann.revs(chatId)).toEqual([2, 3, 4, 5]);
    expect(eve.events()).toEqual(["ready"]);
  });
});

describe("an ended session", () => {
  test("is told and cut at once by its event", async () => {
    const { waitFor, closed, sessionId, userId } = await node.enter();
    await node.broker.broadcast("user.session.ended", { userId, sessionId });
    await Promise.all([waitFor("session:revoked"), closed]);
  });

  test("of all that a user has, the one that stays is not cut", async () => {
    const userId = uuid();
    const [ends, stays, other] = [await node.enter(userId), await node.enter(userId), await node.enter()];
    await node.broker.broadcast("user.sessions.ended", { userId, except: stays.sessionId });
    await Promise.all([ends.waitFor("session:revoked"), ends.closed]);
    expect([stays, other].map(({ socket }) => socket.connected)).toEqual([true, true]);
    await node.broker.broadcast("user.sessions.ended", { userId, except: null });
    await Promise.all([stays.waitFor("session:revoked"), stays.closed]);
    expect(other.socket.connected).toBe(true);
  });

  test("G6: is cut within two seconds where the event is lost", async () => {
    const { waitFor, sessionId } = await node.enter();
    backend.endedSessions.add(sessionId);
    await waitFor("session:revoked", undefined, 2000);
  });
});

describe("rates", () => {
  const nodes: TestNode[] = [];
  const start = async (env: Record<string, string>) => {
    const one = await startNode(backend, env);
    nodes.push(one);
    return one;
  };
  afterAll(() => Promise.all(nodes.map((one) => one.stop())));
  const over = { code: "too_many_requests", status: 429, retryAfter: expect.any(Number) };
  const message = { chatId: uuid(), clientMessageId: "n", text: "hello" };

  test("of an account hold for all its sockets, and for what REST counted too", async () => {
    const one = await start({ RATE_USER: "6" });
    const { userId, ask } = await one.enter();
    const other = await one.enter(userId);
    for (let at = 0; at < 3; at++) await expect(ask("message:send", message)).resolves.toMatchObject({ ok: true });
    // As the gateway of the same process does.
    await ratesOf(one.broker, one.service.settings).admit({}, { userId, address: "" }, {});
    await expect(other.ask("message:send", message)).resolves.toMatchObject({ ok: false, error: over });
    // To come is an event, too.
    await expect(one.enter(userId)).rejects.toMatchObject({ data: over });
    const { ask: asElse } = await one.enter();
    await expect(asElse("message:send", message)).resolves.toMatchObject({ ok: true });
  });

  test("of a chat hold for all that write in it", async () => {
    const one = await start({ RATE_CHAT: "2" });
    const [ann, bob] = [await one.enter(), await one.enter()];
    const chatId = uuid();
    await expect(ann.ask("message:send", { ...message, chatId: { toString: 1 } })).resolves.toMatchObject({ ok: true });
    for (let at = 0; at < 3; at++) await bob.ask("message:send", { ...message, chatId, text: "no" });
    for (const who of [ann, bob])
      await expect(who.ask("message:send", { ...message, chatId })).resolves.toMatchObject({ ok: true });
    await expect(ann.ask("message:send", { ...message, chatId })).resolves.toMatchObject({ ok: false, error: over });
    await expect(ann.ask("message:send", { ...message, chatId: uuid() })).resolves.toMatchObject({ ok: true });
  });

  test("of an address are taken before a token is looked at, whatever the asker says of itself", async () => {
    const one = await start({ RATE_ADDRESS: "3" });
    const forged = (at: number) => ({ "x-forwarded-for": `192.0.2.${at}` });
    for (const at of [1, 2, 3]) {
      const refused = one.open({ auth: { token: "x" }, headers: forged(at) }).ready;
      await expect(refused).rejects.toMatchObject({ data: { code: "unauthenticated" } });
    }
    await expect(one.open({ headers: forged(4) }).ready).rejects.toMatchObject({ data: over });
  });

  test("count the address that a trusted proxy tells, which actions hear of too", async () => {
    const one = await start({ RATE_ADDRESS: "2", TRUST_PROXY: "loopback" });
    const socket = one.open({ headers: { "x-forwarded-for": "192.0.2.1", "user-agent": "a phone" } });
    await socket.ready;
    await expect(socket.ask("message:send", message)).resolves.toMatchObject({ ok: true });
    expect(backend.asked.at(-1)).toMatchObject({ meta: { address: "192.0.2.1", device: "a phone" } });
    // Who is known takes nothing from it; who is not does.
    const stranger = () => one.open({ auth: { token: "x" }, headers: { "x-forwarded-for": "192.0.2.1" } }).ready;
    for (let at = 0; at < 2; at++) await expect(stranger()).rejects.toMatchObject({ data: { code: "unauthenticated" } });
    await expect(stranger()).rejects.toMatchObject({ data: over });
    await expect(one.open({ headers: { "x-forwarded-for": "192.0.2.2" } }).ready).resolves.toBeDefined();
  });
});

test("a host's server stays open when Confab stops", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  const guest = new ServiceBroker({
    logger: false,
    validator: new ContractValidator(),
    middlewares: [edgeMiddleware(edgeSettings.read(testEnv), server)],
  });
  guest.createService(ioService(testEnv));
  await guest.start();
  await guest.stop();
  expect(server.listening).toBe(true);
  server.close();
});
