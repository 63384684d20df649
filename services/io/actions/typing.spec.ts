import { v7 as uuid } from "uuid";
import { Backend, eventually, link, pause, startNode, type TestNode } from "../testing.ts";

const backend = new Backend();
let nodes: TestNode[];
beforeAll(async () => {
  nodes = [await startNode(backend, { TYPING_EVERY: "1" }), await startNode(backend, { TYPING_EVERY: "1" })];
  link(nodes);
});
afterAll(() => Promise.all(nodes.map((node) => node.stop())));

async function chatOfTwo() {
  const [chatId, annId, bobId] = [uuid(), uuid(), uuid()];
  backend.create(chatId, annId, bobId);
  const [ann, hers] = [await nodes[0]!.enter(annId), await nodes[1]!.enter(annId)];
  const bob = [await nodes[0]!.enter(bobId), await nodes[1]!.enter(bobId)];
  const says = (typing: boolean) => ann.ask("typing", { chatId, typing });
  const heard = () => bob.map(({ all }) => all("typing").map(({ typing }) => typing));
  return { chatId, ann, hers, bob, says, heard };
}
const checks = () => backend.asked.filter(({ name }) => name === "chat.typing.check").length;

test("is told to the others in the chat, on every node, and not to oneself", async () => {
  const { chatId, ann, hers, bob, says, heard } = await chatOfTwo();
  await expect(says(true)).resolves.toEqual({ ok: true, data: null });
  await eventually(() => heard().every((one) => one.length === 1));
  expect(bob[1]!.all("typing")).toEqual([{ chatId, userId: ann.userId, typing: true }]);
  await says(false);
  await eventually(() => heard().every((one) => one.length === 2));
  expect(heard()[0]).toEqual([true, false]);
  expect([...ann.all("typing"), ...hers.all("typing")]).toEqual([]);
  expect(backend.logs.get(chatId)).toHaveLength(1);
});

test("is told again only after a while, however often it is said", async () => {
  const { says, heard } = await chatOfTwo();
  const before = checks();
  await Promise.all([says(true), says(true), says(true)]);
  for (let i = 0; i < 5; i++) await says(i % 2 === 0);
  expect(checks() - before).toBe(1);
  await pause(1000);
  await says(true);
  await eventually(() => heard()[1]!.at(-1) === true);
  expect(heard()[1]).toEqual([true, false, true]);
});

test("is over at once where it was told, and not told to be over where it was not", async () => {
  const { says, heard } = await chatOfTwo();
  await says(false);
  // Over before it is known whether it may be shown.
  await Promise.all([says(true), says(false)]);
  await pause(100);
  expect(heard()).toEqual([[], []]);
});

test("is not told of who may not be shown, and refused in a chat that one is not in", async () => {
  const { chatId, says, heard } = await chatOfTwo();
  backend.large.add(chatId);
  await expect(says(true)).resolves.toEqual({ ok: true, data: null });
  await says(false);
  await pause(100);
  expect(heard()).toEqual([[], []]);
  const eve = await nodes[0]!.enter();
  await expect(eve.ask("typing", { chatId, typing: true })).resolves.toMatchObject({
    ok: false,
    error: { code: "chat.not_found" },
  });
});

test("costs only so much memory, in however many chats it is said", async () => {
  const userId = uuid();
  const chatIds = Array.from({ length: 30 }, () => uuid());
  for (const chatId of chatIds) backend.create(chatId, userId);
  const { ask, socket } = await nodes[0]!.enter(userId);
  await Promise.all(chatIds.map((chatId) => ask("typing", { chatId, typing: true })));
  const { data } = nodes[0]!.service.io.sockets.sockets.get(socket.id!)!;
  expect((data as { typing: Map<string, unknown> }).typing.size).toBe(20);
});
