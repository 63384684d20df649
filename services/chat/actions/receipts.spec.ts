import fc from "fast-check";
import { v7 as uuid } from "uuid";
import { outcome, times, useNodes, users } from "../testing.ts";

const nodes = useNodes({ LIVE_RECEIPTS: "3" });
const { as, group, send } = nodes;
afterEach(() => nodes.all.forEach(({ access }) => (access.jitter = 0)));

let ann: string, bob: string, eve: string;
beforeEach(() => {
  [ann, bob, eve] = users(3) as [string, string, string];
  for (const { receipts } of nodes.all) receipts.length = 0;
});

/** A group in which so many messages of ann's wait for the others. */
async function said(count: number, ...members: string[]): Promise<string> {
  const { id } = await group([ann, ...members]);
  await Promise.all(times(count, (at) => send(ann, id, `${at}`)));
  return id;
}
const read = (userId: string, chatId: string, seq: number) => as(userId, "chat.receipt.move", { read: { [chatId]: seq } });
const delivered = (userId: string, chatId: string, seq: number) =>
  as(userId, "chat.receipt.move", { delivered: { [chatId]: seq } });
const mine = async (userId: string, chatId: string) => (await as(userId, "chat.chat.get", { chatId })).me;
const shown = async (viewer: string, chatId: string, userId: string) =>
  (await as(viewer, "chat.receipt.list", { chatId })).items.find((item) => item.userId === userId);
const told = () => nodes.all.flatMap(({ receipts }) => receipts);

test("pointers only move forward, in whatever order and from how many devices they are told", async () => {
  const chatId = await said(20, bob);
  const move = fc.record({
    read: fc.option(fc.nat({ max: 30 }), { nil: undefined }),
    delivered: fc.option(fc.nat({ max: 30 }), { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(move, { minLength: 1, maxLength: 8 }), fc.boolean(), async (moves, together) => {
      const zoe = uuid();
      await as(ann, "chat.member.add", { chatId, userIds: [zoe] });
      // Whoever joins has read what was there: so the pointers are looked at in one's own log.
      const note = async () => (await nodes.one.service.userLog.notes(zoe, [chatId])).get(chatId);
      const tell = ({ read, delivered }: (typeof moves)[number]) =>
        as(zoe, "chat.receipt.move", {
          ...(read === undefined ? {} : { read: { [chatId]: read } }),
          ...(delivered === undefined ? {} : { delivered: { [chatId]: delivered } }),
        });
      const max = (values: (number | undefined)[]) => Math.min(20, Math.max(0, ...values.map((value) => value ?? 0)));
      if (together) await Promise.all(moves.map(tell));
      else
        for (const [at, one] of moves.entries()) {
          await tell(one);
          expect((await note())?.readSeq ?? 0).toBe(max(moves.slice(0, at + 1).map(({ read }) => read)));
        }
      const readSeq = max(moves.map(({ read }) => read));
      expect((await note())?.readSeq ?? 0).toBe(readSeq);
      expect((await note())?.deliveredSeq ?? 0).toBe(Math.max(readSeq, max(moves.map(({ delivered }) => delivered))));
      await as(zoe, "chat.member.remove", { chatId, userId: zoe });
    }),
    { numRuns: 25 },
  );
});

test("they go no further than the last message, and read takes delivered with it", async () => {
  const chatId = await said(5, bob);
  expect((await delivered(bob, chatId, 3)).chats).toEqual({ [chatId]: { readSeq: 0, deliveredSeq: 3 } });
  expect((await read(bob, chatId, 2)).chats).toEqual({ [chatId]: { readSeq: 2, deliveredSeq: 3 } });
  expect((await read(bob, chatId, 4)).chats).toEqual({ [chatId]: { readSeq: 4, deliveredSeq: 4 } });
  expect((await delivered(bob, chatId, Number.MAX_SAFE_INTEGER)).chats).toEqual({ [chatId]: { readSeq: 4, deliveredSeq: 5 } });
  expect((await read(bob, chatId, 1000)).chats).toEqual({ [chatId]: { readSeq: 5, deliveredSeq: 5 } });
  // What comes after is not read ahead.
  await send(ann, chatId);
  expect(await as(bob, "chat.chat.get", { chatId })).toMatchObject({ unreadCount: 1, me: { readSeq: 5, deliveredSeq: 5 } });
});

test("sending moves one's own, and who joins has read what was there", async () => {
  const chatId = await said(3, bob);
  expect(await mine(ann, chatId)).toMatchObject({ readSeq: 3, deliveredSeq: 3 });
  await send(bob, chatId);
  expect(await mine(bob, chatId)).toMatchObject({ readSeq: 4, deliveredSeq: 4 });
  await as(ann, "chat.member.add", { chatId, userIds: [eve] });
  expect(await as(eve, "chat.chat.get", { chatId })).toMatchObject({ unreadCount: 0, me: { readSeq: 4, deliveredSeq: 4 } });
  expect(await shown(ann, chatId, eve)).toEqual({ userId: eve, readSeq: 4, deliveredSeq: 4 });
});

test("many chats at once; those that one is not in, or that are not there, are passed over", async () => {
  const [one, two, foreign] = [await said(3, bob), await said(3, bob), await said(3, eve)];
  const before = await nodes.one.service.userLog.revsOf([bob]);
  const answer = await as(bob, "chat.receipt.move", {
    read: { [one]: 2, [foreign]: 2, [uuid()]: 7 },
    delivered: { [two]: 1, [foreign]: 3 },
  });
  expect(answer.chats).toEqual({ [one]: { readSeq: 2, deliveredSeq: 2 }, [two]: { readSeq: 0, deliveredSeq: 1 } });
  expect((await nodes.one.service.userLog.revsOf([bob])).get(bob)).toBe((before.get(bob) ?? 0) + 2);
  expect(await shown(ann, foreign, bob)).toBeUndefined();
  expect((await as(bob, "chat.receipt.move", {})).chats).toEqual({});
  expect(await outcome(as(bob, "chat.receipt.list", { chatId: foreign }))).toBe("chat.not_found");
});

test("told again they are no entry", async () => {
  const chatId = await said(3, bob);
  await read(bob, chatId, 2);
  const { userRev } = await as(bob, "chat.sync.pull", {});
  await Promise.all([read(bob, chatId, 2), read(bob, chatId, 1), delivered(bob, chatId, 2)]);
  expect((await as(bob, "chat.sync.pull", {})).userRev).toBe(userRev);
});

test("reading on takes back that one marked it as unread", async () => {
  const chatId = await said(3, bob);
  await read(bob, chatId, 3);
  await as(bob, "chat.me.change", { chatId, markedUnread: true });
  await delivered(bob, chatId, 3);
  expect(await mine(bob, chatId)).toMatchObject({ markedUnread: true });
  await read(bob, chatId, 3);
  expect(await mine(bob, chatId)).toMatchObject({ markedUnread: false, readSeq: 3 });
});

test("who does not tell how far they have read is shown without it, and sees it of others", async () => {
  const chatId = await said(3, bob);
  await as(bob, "chat.preference.change", { readReceipts: false });
  await read(bob, chatId, 2);
  expect(await shown(ann, chatId, bob)).toEqual({ userId: bob, readSeq: null, deliveredSeq: 2 });
  expect(await shown(bob, chatId, ann)).toEqual({ userId: ann, readSeq: 3, deliveredSeq: 3 });
  expect(told()).toMatchObject([{ chatId, receipt: { userId: bob, readSeq: null, deliveredSeq: 2 } }]);
  await as(bob, "chat.preference.change", { readReceipts: true });
  expect(await shown(ann, chatId, bob)).toEqual({ userId: bob, readSeq: 2, deliveredSeq: 2 });
});

test("they are told live where something moved, in chats of up to so many members", async () => {
  const [small, large] = [await said(3, bob, eve), await said(3, bob, eve, uuid())];
  await as(bob, "chat.receipt.move", { read: { [small]: 2, [large]: 2 }, delivered: { [small]: 3 } });
  expect(told()).toEqual([{ chatId: small, rev: 4, receipt: { userId: bob, readSeq: 2, deliveredSeq: 3 } }]);
  await as(bob, "chat.receipt.move", { read: { [small]: 1 } });
  // Nothing that others see has moved: one's own message was further.
  await send(eve, small);
  await as(eve, "chat.receipt.move", { read: { [small]: 3 } });
  expect(told()).toHaveLength(1);
  expect(await shown(ann, large, bob)).toMatchObject({ readSeq: 2 });
});

test("the parts of what is unread add up", async () => {
  const chatId = await said(2, bob);
  await as(ann, "chat.member.add", { chatId, userIds: [eve] });
  await send(ann, chatId, "three", { mentions: [eve] });
  await send(eve, chatId, "four");
  await send(ann, chatId, "five", { mentions: "all" });
  await send(ann, chatId, "six", { mentions: [eve] });
  const explain = async () => {
    const explained = await as("", "chat.unread.explain", { chatId, userId: eve });
    const { lastSeq, joinedSeq, sentSeq, receiptSeq, readSeq, unreadCount, unreadMentions, markedUnread, rev } = explained;
    expect(readSeq).toBe(Math.max(joinedSeq, sentSeq, receiptSeq));
    expect(unreadCount).toBe(lastSeq - readSeq);
    const chat = await as(eve, "chat.chat.get", { chatId });
    expect(chat).toMatchObject({ rev, lastSeq, unreadCount, unreadMentions, me: { readSeq, markedUnread } });
    expect(explained.userRev).toBe((await as(eve, "chat.sync.pull", {})).userRev);
    return explained;
  };
  await nodes.settle();
  expect(await explain()).toMatchObject({ lastSeq: 6, joinedSeq: 2, sentSeq: 4, receiptSeq: 0, readSeq: 4, unreadMentions: 2 });
  await read(eve, chatId, 5);
  await as(eve, "chat.me.change", { chatId, markedUnread: true });
  expect(await explain()).toMatchObject({ receiptSeq: 5, readSeq: 5, unreadCount: 1, unreadMentions: 1, markedUnread: true });
});

test("who is removed meanwhile is answered without that chat", async () => {
  const { one } = nodes;
  const [chatId, other] = [await said(2, bob), await said(2, bob)];
  const restore = one.access.intercept("advanceUserLog", async (proceed) => {
    restore();
    await one.as(ann, "chat.member.remove", { chatId, userId: bob });
    return proceed();
  });
  const { chats } = await one.as(bob, "chat.receipt.move", { read: { [chatId]: 1, [other]: 1 } });
  expect(chats).toEqual({ [other]: { readSeq: 1, deliveredSeq: 1 } });
});
