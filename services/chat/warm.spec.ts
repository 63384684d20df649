import { later, useNodes, users, type TestNode } from "./testing.ts";

const nodes = useNodes();
const { group } = nodes;

let ann: string, bob: string;
beforeEach(() => {
  [ann, bob] = users(2) as [string, string];
});

describe("G2: whoever has seen a rev can read it through any node", () => {
  test.each(["chat.chat.get", "chat.entry.list", "chat.message.list"] as const)(
    "%s also where that node has just begun to read the chat",
    async (action) => {
      const { one, two } = nodes;
      const { id: chatId } = await two.as(ann, "chat.chat.create", { type: "group", memberIds: [bob] });
      const { done, now } = later();
      const read = later();
      // The answer of the first reading is on its way, and does not have what is said next.
      const restore = one.access.intercept("entriesAfter", async (proceed) => {
        restore();
        const found = await proceed();
        read.now();
        await done;
        return found;
      });
      const early = one.as(bob, "chat.chat.get", { chatId });
      await read.done;
      await two.as(ann, "chat.message.send", { chatId, clientMessageId: "n", text: "hello" });
      // Bob has seen it, and looks through the other node.
      const looked = one.as(bob, action, { chatId });
      const listed = one.as(bob, "chat.chat.list", {});
      now();
      await early;
      const answer = await looked;
      expect("items" in answer ? answer.items.length : answer.rev).toBe(action === "chat.message.list" ? 1 : 2);
      expect((await listed).items[0]).toMatchObject({ rev: 2, lastSeq: 1 });
    },
  );

  const looks: [string, (node: TestNode, chatId: string, rev: number) => Promise<number | undefined>][] = [
    ["the chat", async (node, chatId) => (await node.as(bob, "chat.chat.get", { chatId })).rev],
    ["the list", async (node) => (await node.as(bob, "chat.chat.list", {})).items[0]!.rev],
    ["messages", async (node, chatId) => (await node.as(bob, "chat.message.list", { chatId })).items.at(-1)?.rev],
    ["entries", async (node, chatId, rev) => (await node.as(bob, "chat.entry.list", { chatId, after: rev - 1 })).items[0]?.rev],
    ["sync", async (node, chatId, rev) => (await node.as(bob, "chat.sync.pull", { chats: { [chatId]: rev - 1 } })).chats[0]?.rev],
    ["sync from nothing", async (node) => (await node.as(bob, "chat.sync.pull", {})).chats[0]?.entries.at(-1)?.rev],
    ["whom to follow", async (node) => (await node.as("", "chat.follow.list", { userId: bob })).chats[0]?.rev],
    ["what is unread", async (node, chatId) => (await node.as("", "chat.unread.explain", { chatId, userId: bob })).rev],
  ];
  test.each(looks)("and where that node knows the chat from long ago: %s", async (_name, look) => {
    const { one, two } = nodes;
    const { id: chatId } = await group([ann, bob]);
    for (let rev = 2; rev < 6; rev++) {
      const [write, read] = rev % 2 ? [one, two] : [two, one];
      await write.as(ann, "chat.message.send", { chatId, clientMessageId: `n${rev}`, text: "hello" });
      expect(await look(read, chatId, rev)).toBe(rev);
    }
  });
});

test("a node's refusal counts only on what there is now", async () => {
  const { one, two } = nodes;
  const { id: chatId } = await two.as(ann, "chat.chat.create", { type: "group", memberIds: [] });
  await one.as(ann, "chat.chat.get", { chatId });
  await two.as(ann, "chat.member.add", { chatId, userIds: [bob] });
  const send = (name: string) => one.as(bob, "chat.message.send", { chatId, clientMessageId: name, text: "hello" });
  await expect(send("a")).resolves.toMatchObject({ status: 201 });
  await two.as(ann, "chat.member.remove", { chatId, userId: bob });
  await expect(send("b")).rejects.toMatchObject({ type: "chat.not_found" });
});

test("states that are kept are those at the end, whoever keeps them last", async () => {
  const { one, two } = nodes;
  const { id: chatId } = await two.as(ann, "chat.chat.create", { type: "group", memberIds: [bob] });
  await one.as(ann, "chat.message.send", { chatId, clientMessageId: "a", text: "hello" });
  await two.as(ann, "chat.message.send", { chatId, clientMessageId: "b", text: "hello" });
  // One knows nothing of the last message.
  await two.settle();
  await one.settle();
  expect(await nodes.store.statesOf([chatId])).toMatchObject([{ rev: 3, lastSeq: 2 }]);
});

test("a store that fails leaves nothing out: what could not be kept is kept later", async () => {
  const { one } = nodes;
  const { id: chatId } = await one.as(ann, "chat.chat.create", { type: "group", memberIds: [bob] });
  const { message } = await one.as(ann, "chat.message.send", { chatId, clientMessageId: "a", text: "hello" });
  await one.as(ann, "chat.message.edit", { chatId, messageId: message.id, text: "hallo" });
  const restore = one.access.intercept("putChanges", () => Promise.reject(new Error("not now")));
  await expect(one.settle()).rejects.toThrow("not now");
  expect(await nodes.store.statesOf([chatId])).toEqual([]);
  restore();
  await one.settle();
  expect(await nodes.store.statesOf([chatId])).toMatchObject([{ rev: 3 }]);
  expect(await nodes.store.changesAt(chatId, [1])).toMatchObject([{ rev: 3 }]);
});
