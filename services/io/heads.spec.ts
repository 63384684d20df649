import { v7 as uuid } from "uuid";
import { Backend, eventually, link, pause, startNode, type TestNode } from "./testing.ts";

const backend = new Backend();
let nodes: TestNode[];
beforeAll(async () => {
  nodes = [await startNode(backend, { HEADS_EVERY: "1" }), await startNode(backend, { HEADS_EVERY: "1" })];
  // Redis is away, and so is the broker: nothing is heard of anything.
  link(nodes, () => true);
});
afterAll(() => Promise.all(nodes.map((node) => node.stop())));

const asked = () => backend.asked.filter(({ name }) => name === "chat.head.list").length;

test("G4: what was lost is made good by itself, and the heads that follow do not run ahead of it", async () => {
  const [chatId, userId] = [uuid(), uuid()];
  backend.create(chatId, userId);
  const sockets = [await nodes[0]!.enter(userId), await nodes[1]!.enter(userId)];
  for (let i = 0; i < 3; i++) backend.append(chatId);
  for (const { heard, revs, waitFor, all } of sockets) {
    const heads = await waitFor("heads", ({ chats }) => chats[chatId] === 4);
    expect(heads).toEqual({ userRev: 0, chats: { [chatId]: 4 } });
    expect(revs(chatId)).toEqual([2, 3, 4]);
    const early = heard.slice(
      0,
      heard.findIndex(({ event }) => event === "chat:entry"),
    );
    expect(early.filter(({ event, payload }) => event === "heads" && chatId in (payload as { chats: object }).chats)).toEqual([]);
    expect(all("heads").length).toBeGreaterThan(0);
  }
});

test("so is a chat that one was brought into and one that one was removed from", async () => {
  const [chatId, userId] = [uuid(), uuid()];
  const one = await nodes[0]!.enter(userId);
  backend.create(chatId, uuid());
  backend.append(chatId);
  backend.add(chatId, userId);
  backend.append(chatId);
  backend.note(userId, chatId);
  await eventually(() => one.revs(chatId).length === 2);
  expect(one.revs(chatId)).toEqual([3, 4]);
  await one.waitFor("heads", ({ userRev, chats }) => userRev === 1 && chats[chatId] === 4);

  backend.remove(chatId, userId);
  backend.append(chatId);
  await eventually(() => one.revs(chatId).length === 3);
  await pause(1200);
  expect(one.revs(chatId)).toEqual([3, 4, 5]);
});

test("heads name the chats that one is in and that changed lately", async () => {
  const [active, quiet, userId] = [uuid(), uuid(), uuid()];
  backend.create(active, userId);
  backend.create(quiet, userId);
  const [one, other] = [await nodes[0]!.enter(userId), await nodes[0]!.enter()];
  await nodes[0]!.tell(backend.append(active));
  await expect(one.waitFor("heads", ({ chats }) => active in chats)).resolves.toEqual({ userRev: 0, chats: { [active]: 2 } });
  await expect(other.waitFor("heads")).resolves.toEqual({ userRev: 0, chats: {} });
});

test("where chat does not know nothing is said of heads, and it is asked again", async () => {
  const one = await nodes[0]!.enter();
  await one.waitFor("heads");
  backend.answers["chat.head.list"] = () => Promise.reject(new Error("away"));
  const before = asked();
  await eventually(() => asked() > before);
  await pause(100);
  const silent = one.all("heads").length;
  const during = asked();
  await eventually(() => asked() > during + 2);
  expect(one.all("heads").length).toBe(silent);
  delete backend.answers["chat.head.list"];
  await eventually(() => one.all("heads").length > silent);
});

test("one round goes on at a time, and a chat that cannot be read does not hold up the others for long", async () => {
  const [bad, good, userId] = [uuid(), uuid(), uuid()];
  backend.create(bad, userId);
  backend.create(good, userId);
  const one = await nodes[0]!.enter(userId);
  backend.answers["chat.entry.range"] = ({ chatId }) => {
    if (chatId === bad) throw new Error("broken");
    return { items: backend.logs.get(chatId)!.slice(1) };
  };
  let [under, most] = [0, 0];
  backend.answers["chat.head.list"] = async () => {
    most = Math.max(most, ++under);
    await pause(30);
    under--;
    return { chats: [bad, good], users: [] };
  };
  backend.append(bad);
  backend.append(good);
  await Promise.all([nodes[0]!.service.heads.ask(), nodes[0]!.service.heads.ask(), nodes[0]!.service.heads.ask()]);
  expect(one.revs(good)).toEqual([2]);
  expect(most).toBeLessThanOrEqual(2);
  delete backend.answers["chat.entry.range"];
  delete backend.answers["chat.head.list"];
  await eventually(() => one.revs(bad).length === 1);
});

test("many logs are asked for in several questions", async () => {
  const userId = uuid();
  const chatIds = Array.from({ length: 1200 }, () => uuid());
  for (const chatId of chatIds) backend.create(chatId, userId);
  const one = await nodes[0]!.enter(userId);
  const before = backend.asked.length;
  for (const chatId of [chatIds[0]!, chatIds[1199]!]) backend.append(chatId);
  await nodes[0]!.service.heads.ask();
  await eventually(() => one.revs(chatIds[0]!).length === 1 && one.revs(chatIds[1199]!).length === 1);
  const questions = backend.asked.slice(before).filter(({ name }) => name === "chat.head.list");
  for (const { params } of questions) {
    const { chats, users } = params as { chats: object; users: object };
    expect(Object.keys(chats).length + Object.keys(users).length).toBeLessThanOrEqual(1000);
  }
});
