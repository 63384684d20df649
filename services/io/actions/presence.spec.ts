import type { Presence } from "@confab/contracts";
import { call } from "@confab/mixins/define.ts";
import { v7 as uuid } from "uuid";
import { Backend, eventually, pause, startNode, type TestNode, type TestSocket } from "../testing.ts";

const backend = new Backend();
const lease = 2;
/** A lease, and what a busy machine adds. */
const withinLeaseMs = lease * 1000 + 1000;
let node: TestNode;
beforeAll(async () => {
  node = await startNode(backend, { PRESENCE_LEASE: String(lease), AWAY_AFTER: "2", MAX_BODY: "65536" });
});
afterAll(() => node.stop());

/** Two people who share a chat; the first watches the second. */
async function acquainted(...others: string[]) {
  const [annId, bobId] = [uuid(), uuid()];
  backend.create(uuid(), annId, bobId);
  const ann = await node.enter(annId);
  const watch = async (...userIds: string[]): Promise<Presence[]> => {
    const { ok, data } = await ann.ask("presence:watch", { userIds });
    expect(ok).toBe(true);
    return (data as unknown as { items: Presence[] }).items;
  };
  return { ann, bobId, watch, first: await watch(bobId, ...others) };
}
async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 20_000; !(await holds()); await pause(20))
    if (Date.now() > end) throw new Error("it did not come about");
}
const states = ({ all }: TestSocket) => all("presence").map(({ state }) => state);

test("tells how people are, and when they come and go, on however many devices", async () => {
  const { ann, bobId, first } = await acquainted();
  expect(first).toEqual([{ userId: bobId, state: "offline", lastActiveAt: null }]);
  const since = Date.now();
  const [one, other] = [await node.enter(bobId), await node.enter(bobId)];
  await ann.waitFor("presence", ({ state }) => state === "online");
  one.socket.close();
  await pause(100);
  expect(states(ann)).toEqual(["online"]);
  other.socket.close();
  const { lastActiveAt } = await ann.waitFor("presence", ({ state }) => state === "offline");
  expect(Date.parse(lastActiveAt!)).toBeGreaterThanOrEqual(since);
  expect(states(ann)).toEqual(["online", "offline"]);
  expect(ann.all("presence").every(({ userId }) => userId === bobId)).toBe(true);
});

test("somebody who does nothing on any device is away, and online again when they do; what a client does by itself is nothing", async () => {
  const { ann, bobId, watch } = await acquainted();
  const [one] = [await node.enter(bobId), await node.enter(bobId)];
  await ann.waitFor("presence", ({ state }) => state === "online");
  const busy = setInterval(() => {
    void one.ask("presence:watch", { userIds: [] });
    void one.ask("receipts", { delivered: {} });
  }, 100);
  await ann.waitFor("presence", ({ state }) => state === "away");
  clearInterval(busy);
  await expect(watch(bobId)).resolves.toMatchObject([{ state: "away" }]);
  await one.ask("message:send", { chatId: uuid(), clientMessageId: "n", text: "here" });
  await ann.waitFor("presence", ({ state }) => state === "online");
  await eventually(() => states(ann).length === 3);
  expect(states(ann)).toEqual(["online", "away", "online"]);
});

test("leaves out whom one may not see", async () => {
  const [stranger, hider] = [uuid(), uuid()];
  await Promise.all([node.enter(stranger), node.enter(hider)]);
  const { ann, bobId, watch } = await acquainted(stranger);
  backend.create(uuid(), ann.userId, hider);
  backend.hidden.add(hider);
  await expect(watch(bobId, stranger, hider)).resolves.toEqual([{ userId: bobId, state: "offline", lastActiveAt: null }]);
  await node.enter(stranger);
  await pause(300);
  expect(ann.all("presence")).toEqual([]);
});

test("who hides goes, and who shows comes, within a lease", async () => {
  const { ann, bobId } = await acquainted();
  await node.enter(bobId);
  await ann.waitFor("presence", ({ state }) => state === "online");
  backend.hidden.add(bobId);
  await expect(ann.waitFor("presence", ({ state }) => state === "offline", withinLeaseMs)).resolves.toEqual({
    userId: bobId,
    state: "offline",
    lastActiveAt: null,
  });
  // Whatever he does now is not seen.
  await node.enter(bobId);
  await pause(100);
  expect(states(ann)).toEqual(["online", "offline"]);
  backend.hidden.delete(bobId);
  await eventually(() => states(ann).length === 3, withinLeaseMs);
  expect(states(ann)).toEqual(["online", "offline", "online"]);
});

test("watches those who were named last, and nobody where the socket has closed", async () => {
  const { ann, bobId, watch } = await acquainted();
  const carl = uuid();
  backend.create(uuid(), ann.userId, carl);
  await watch(carl);
  await Promise.all([node.enter(bobId), node.enter(carl)]);
  await ann.waitFor("presence");
  await pause(100);
  expect(ann.all("presence").map(({ userId }) => userId)).toEqual([carl]);
  await expect(ann.ask("presence:watch", { userIds: Array.from({ length: 201 }, () => uuid()) })).resolves.toMatchObject({
    ok: false,
    error: { code: "bad_input" },
  });
  ann.socket.close();
  await eventually(() => node.service.io.sockets.adapter.rooms.get(`user:${ann.userId}`) === undefined);
  const before = backend.asked.length;
  await pause(2500);
  const questions = backend.asked.slice(before).filter(({ name }) => name === "chat.presence.visible");
  expect(questions.filter(({ params }) => (params as { userId: string }).userId === ann.userId)).toEqual([]);
});

test("of two that are asked for at once the later one holds", async () => {
  const { ann, bobId, watch } = await acquainted();
  const carl = uuid();
  backend.create(uuid(), ann.userId, carl);
  backend.answers["chat.presence.visible"] = async ({ userIds }) => {
    if (userIds.includes(bobId)) await pause(200);
    return { userIds };
  };
  await Promise.all([watch(bobId), watch(carl)]);
  delete backend.answers["chat.presence.visible"];
  await Promise.all([node.enter(bobId), node.enter(carl)]);
  await ann.waitFor("presence");
  await pause(100);
  expect(ann.all("presence").map(({ userId }) => userId)).toEqual([carl]);
});

test("stays as it was while chat is away", async () => {
  const { ann, bobId } = await acquainted();
  await node.enter(bobId);
  await ann.waitFor("presence", ({ state }) => state === "online");
  backend.answers["chat.presence.visible"] = () => Promise.reject(new Error("away"));
  await pause(2500);
  delete backend.answers["chat.presence.visible"];
  expect(states(ann).filter((state) => state === "offline")).toEqual([]);
});

test("tells mail who is there, whoever hides it: nobody who is away, or has gone", async () => {
  const { ann, bobId, first } = await acquainted();
  expect(first).toMatchObject([{ state: "offline" }]);
  backend.hidden.add(bobId);
  const online = async () => (await call(node.broker, "io.presence.list", { userIds: [bobId, uuid()] })).online;
  expect(await online()).toEqual([]);
  const bob = await node.enter(bobId);
  await until(async () => (await online()).includes(bobId));
  expect(await online()).toEqual([bobId]);
  // Without a sign of life he is away.
  await until(async () => (await online()).length === 0);
  await bob.ask("message:send", { chatId: uuid(), clientMessageId: "n", text: "here" });
  await until(async () => (await online()).includes(bobId));
  bob.socket.close();
  await until(async () => (await online()).length === 0);
  ann.socket.close();
});
