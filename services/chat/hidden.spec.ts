import { outcome, times, useNodes, users } from "./testing.ts";

const nodes = useNodes();
const { as, group, send } = nodes;

let ann: string, eve: string;
beforeEach(() => {
  [ann, eve] = users(2) as [string, string];
});

test("the words of a message from before one came stay away also where it is edited after", async () => {
  const { id: chatId } = await group([ann], { historyFrom: "join" });
  const { id: messageId } = await send(ann, chatId, "the secret of before");
  await as(ann, "chat.member.add", { chatId, userIds: [eve] });
  const { rev: known } = await as(eve, "chat.chat.get", { chatId });
  await as(ann, "chat.message.edit", { chatId, messageId, text: "the secret, in better words", data: { secret: true } });

  const entry = { type: "message.edited", data: { messageId, seq: 1, text: "", mentions: [], data: {} } };
  const listed = await as(eve, "chat.entry.list", { chatId, after: known });
  expect(listed.items).toMatchObject([entry]);
  const synced = await as(eve, "chat.sync.pull", { chats: { [chatId]: known } });
  expect(synced.chats).toMatchObject([{ chatId, rev: known + 1, entries: [entry] }]);
  expect(JSON.stringify([listed, synced])).not.toContain("secret");
  expect((await as(ann, "chat.entry.list", { chatId, after: known })).items).toMatchObject([
    { data: { data: { secret: true } } },
  ]);

  // Whoever hands it on is told from whom the words are to be kept.
  const range = await as(ann, "chat.entry.range", { chatId, after: known, limit: 10 });
  expect(range.hidden).toEqual([{ chatId, rev: known + 1, from: [eve] }]);
});

test("a message is edited so many times and no more, and its history is not read for ever", async () => {
  const { id: chatId } = await group([ann]);
  const { id: messageId } = await send(ann, chatId);
  for (const at of times(100, (n) => n)) await as(ann, "chat.message.edit", { chatId, messageId, text: `edit ${at}` });
  expect(await outcome(as(ann, "chat.message.edit", { chatId, messageId, text: "once more" }))).toBe("chat.too_many_edits");
  // What it says already is no edit.
  expect(await outcome(as(ann, "chat.message.edit", { chatId, messageId, text: "edit 99" }))).toBe("done");
  expect((await as(ann, "chat.message.history", { chatId, messageId })).items).toHaveLength(101);
});

test("a link into a chat that all have left is good no longer", async () => {
  const { id: chatId } = await group([ann]);
  const { code } = await as(ann, "chat.invite.create", { chatId });
  await as(ann, "chat.member.remove", { chatId, userId: ann });
  expect(await outcome(as(eve, "chat.invite.accept", { code }))).toBe("chat.invite_not_good");
});

test("whoever does not tell that they read does not tell when", async () => {
  const { id: chatId } = await group([ann, eve]);
  await as(eve, "chat.preference.change", { readReceipts: false });
  await send(ann, chatId);
  const told = () => nodes.all.flatMap(({ receipts }) => receipts).filter(({ receipt }) => receipt.userId === eve);
  await as(eve, "chat.receipt.move", { delivered: { [chatId]: 1 } });
  expect(told()).toMatchObject([{ receipt: { readSeq: null, deliveredSeq: 1 } }]);
  await as(eve, "chat.receipt.move", { read: { [chatId]: 1 } });
  expect(told()).toHaveLength(1);
});

test("slow mode holds through a node whose clock is behind", async () => {
  const { id: chatId } = await group([ann, eve], { slowMode: 1 });
  const now = Date.now();
  const clock = jest.spyOn(Date, "now").mockReturnValue(now + 3000);
  await send(ann, chatId);
  clock.mockReturnValue(now);
  expect(await outcome(send(eve, chatId))).toBe("done");
  expect(await outcome(send(eve, chatId))).toBe("chat.slow_mode");
  clock.mockRestore();
});

test("a state that was read and is current is not read again", async () => {
  const { id: chatId } = await group([ann]);
  await send(ann, chatId);
  await nodes.settle();
  await nodes.one.restart();
  await nodes.one.as(ann, "chat.chat.list", {});
  const before = nodes.one.access.counts.get("statesOf");
  const asked: unknown[] = [];
  nodes.one.access.intercept("statesOf", (proceed, args) => (asked.push(...(args[0] as string[])), proceed()));
  await nodes.one.as(ann, "chat.chat.list", {});
  expect(before).toBeGreaterThan(0);
  expect(asked).toEqual([]);
});
