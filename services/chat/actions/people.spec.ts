import type { Result } from "@confab/contracts";
import { call } from "@confab/mixins/define.ts";
import { emptyState } from "../fold.ts";
import { haveMet } from "../policies.ts";
import { times, useNodes, users } from "../testing.ts";

const nodes = useNodes();
const { as, group, direct, send } = nodes;

let ann: string, bob: string, eve: string;
beforeEach(() => {
  [ann, bob, eve] = users(3) as [string, string, string];
});

const met = async (userId: string, userIds?: string[]) => {
  const asked = { userId, ...(userIds ? { userIds } : {}) };
  return (await call(nodes.next().broker, "chat.people.shared", asked)).userIds.sort();
};

describe("whom one met in a chat", () => {
  test("the people of groups and of direct chats, and nobody else, not even oneself", async () => {
    expect(await met(ann)).toEqual([]);
    await direct(ann, bob);
    await group([eve, ann]);
    await group([eve, ...users(2)]);
    expect(await met(ann)).toEqual([bob, eve].sort());
    expect(await met(bob)).toEqual([ann]);
    expect(await met(ann, [eve, ann, ...users(1)])).toEqual([eve]);
    expect(await met(bob, [eve])).toEqual([]);
  });

  test("a member still, whoever has left: their name stands at their messages", async () => {
    const { id: chatId } = await group([ann, bob]);
    await send(bob, chatId);
    await as(bob, "chat.member.remove", { chatId, userId: bob });
    expect(await met(ann)).toEqual([bob]);
    await as(ann, "chat.member.add", { chatId, userIds: [eve] });
    // Who may read what was said before reads who said it.
    expect(await met(eve)).toEqual([ann, bob].sort());
  });

  test("whoever came after one has left, one did not meet; nor whoever left before, where one may not read that", async () => {
    const { id: chatId } = await group([ann, bob], { historyFrom: "join" });
    await send(bob, chatId);
    await as(bob, "chat.member.remove", { chatId, userId: bob });
    await as(ann, "chat.member.add", { chatId, userIds: [eve] });
    expect(await met(eve)).toEqual([ann]);
    expect(await met(bob)).toEqual([ann]);
    const open = await group([ann, bob]);
    await send(ann, open.id);
    await as(ann, "chat.member.remove", { chatId: open.id, userId: bob });
    await as(ann, "chat.member.add", { chatId: open.id, userIds: [eve] });
    expect(await met(bob)).toEqual([ann]);
  });

  test.each([
    ["two members", { ann: {}, bob: {} }, true],
    ["one who left, to a member", { ann: {}, bob: { to: 5 } }, true],
    ["a member, to one who left, from before", { ann: { to: 5 }, bob: { joinedSeq: 2 } }, true],
    ["a member, to one who left, from after", { ann: { to: 5 }, bob: { joinedSeq: 5 } }, false],
    ["two who left, the other first", { ann: { to: 5 }, bob: { to: 4 } }, true],
    ["two who left, the other later: perhaps it came later", { ann: { to: 4 }, bob: { to: 5 } }, false],
    ["times that do not touch", { ann: { from: 6 }, bob: { to: 5 } }, false],
    ["one who was never there", { ann: {} }, false],
  ] as [string, Record<string, { from?: number; to?: number; joinedSeq?: number }>, boolean][])("%s", (_, people, expected) => {
    const state = emptyState("chat");
    for (const [userId, { from = 1, to, joinedSeq = 0 }] of Object.entries(people)) {
      const sees = [{ fromRev: from, fromSeq: from, ...(to === undefined ? {} : { toRev: to, toSeq: to }) }];
      if (to !== undefined) state.past.set(userId, sees);
      else state.members.set(userId, { role: "member", joinedAt: 0, joinedSeq, sentSeq: 0, sentAt: 0, sees });
    }
    expect(haveMet(state, "ann", "bob")).toBe(expected);
    expect(haveMet(state, "ann", "ann")).toBe(false);
  });
});

test("one is found by the address unless one does not want that, or has blocked who asks", async () => {
  const findable = async (userId: string, by: string) =>
    (await call(nodes.next().broker, "chat.people.findable", { userId, by })).findable;
  expect(await findable(ann, bob)).toBe(true);
  await as(ann, "chat.block.add", { userId: bob });
  expect(await findable(ann, bob)).toBe(false);
  expect(await findable(ann, eve)).toBe(true);
  await as(ann, "chat.block.remove", { userId: bob });
  await as(ann, "chat.preference.change", { findable: false });
  expect([await findable(ann, bob), await findable(ann, eve)]).toEqual([false, false]);
});

test("a changed picture is told as the name is", async () => {
  const told = async () => (await as(ann, "chat.sync.pull", {})).user.map(({ data }) => data);
  await as(ann, "chat.profile.note", { userId: ann, name: "Ann", avatar: null, version: 1 });
  expect(await told()).toEqual([{ name: "Ann", avatar: null }]);
  await as(ann, "chat.profile.note", { userId: ann, name: "Ann", avatar: "/avatars/1", version: 2 });
  expect(await told()).toEqual([{ name: "Ann", avatar: "/avatars/1" }]);
  await as(ann, "chat.profile.note", { userId: ann, name: "Ann", avatar: null, version: 3 });
  expect(await told()).toEqual([{ name: "Ann", avatar: null }]);
});

describe("the export", () => {
  type Records = Record<string, Record<string, unknown>[]>;

  /** All pages, each through another node; files come one after the other. */
  async function exported(userId: string): Promise<Records> {
    const files: Records = {};
    const order: string[] = [];
    let cursor: string | null | undefined;
    do {
      const page: Result<"chat.person.export"> = await call(nodes.next().broker, "chat.person.export", {
        userId,
        ...(cursor ? { cursor } : {}),
      });
      expect(JSON.stringify(page).length).toBeLessThan(1_000_000);
      for (const { file, record } of page.records) {
        if (order.at(-1) !== file) order.push(file);
        (files[file] ??= []).push(record as Record<string, unknown>);
      }
      cursor = page.cursor;
    } while (cursor !== null);
    expect(new Set(order).size).toBe(order.length);
    return files;
  }

  test("has one's own words in all chats as they are now, with what they said before, and nobody else's", async () => {
    const one = await group([ann, bob], { title: "ours" });
    const two = await direct(eve, ann);
    const mine = await send(ann, one.id, "first");
    await send(bob, one.id, "secret of bob");
    await as(ann, "chat.message.edit", { chatId: one.id, messageId: mine.id, text: "second" });
    const gone = await send(ann, two.id, "deleted");
    await as(ann, "chat.message.delete", { chatId: two.id, messageId: gone.id });
    const { messages } = await exported(ann);
    expect(messages).toHaveLength(2);
    expect(messages!.find(({ id }) => id === mine.id)).toMatchObject({
      ...{ chatId: one.id, seq: 1, text: "second" },
      versions: [{ text: "first" }],
    });
    expect(messages!.find(({ id }) => id === gone.id)).toMatchObject({ text: "", deletedAt: expect.any(String) });
    expect(JSON.stringify(await exported(ann))).not.toContain("secret of bob");
  });

  test("has chats, reactions, preferences, blocks and the own log", async () => {
    const { id: chatId } = await group([ann, bob], { title: "ours" });
    const left = await group([bob, ann], { title: "theirs" });
    await as(ann, "chat.member.remove", { chatId: left.id, userId: ann });
    await as(bob, "chat.chat.change", { chatId: left.id, title: "secret title" });
    const { id: messageId } = await send(bob, chatId, "secret of bob");
    await as(ann, "chat.reaction.add", { chatId, messageId, emoji: "🎉" });
    await as(bob, "chat.reaction.add", { chatId, messageId, emoji: "👍" });
    await as(ann, "chat.block.add", { userId: eve });
    await as(ann, "chat.preference.change", { presence: false });
    await nodes.settle();
    const files = await exported(ann);
    expect(files["chats"]).toHaveLength(2);
    expect(files["chats"]).toContainEqual({
      ...{ chatId, type: "group", title: "ours", member: true, role: "owner", joinedAt: expect.any(String) },
    });
    expect(files["chats"]).toContainEqual({ chatId: left.id, type: "group", member: false });
    expect(files["reactions"]).toEqual([{ chatId, seq: 1, emoji: "🎉" }]);
    expect(files["preferences"]).toMatchObject([{ readReceipts: true, presence: false, findable: true, digest: "hourly" }]);
    expect(files["blocks"]).toEqual([{ userId: eve, at: expect.any(String) }]);
    expect(files["user-log"]!.map(({ type }) => type)).toEqual(
      expect.arrayContaining(["chat.noted", "block.changed", "preferences.changed"]),
    );
    expect(JSON.stringify(files)).not.toContain("secret");
    // What one said in a chat stays one's own after leaving it.
    await send(bob, left.id, "secret of bob");
    expect((await exported(bob))["messages"]).toHaveLength(2);
  });

  test("of somebody who said much in a large chat goes by pages, and misses nothing", async () => {
    const { id: chatId } = await group([ann, bob]);
    const long = "x".repeat(7000);
    for (let at = 0; at < 1100; at += 100)
      await Promise.all(times(100, (n) => send(n % 2 ? ann : bob, chatId, n % 4 ? `${at + n}` : `${at + n}${long}`)));
    const { messages } = await exported(ann);
    expect(messages!.map(({ seq }) => seq)).toEqual(
      [...new Set(messages!.map(({ seq }) => seq))].sort((a, b) => Number(a) - Number(b)),
    );
    expect(messages).toHaveLength(550);
    expect((await exported(bob))["messages"]).toHaveLength(550);
  });

  test("a cursor that it did not give out is refused", async () => {
    for (const cursor of ["", "nothing:x:0", "messages:x:y", "__proto__::0"]) {
      const asked = call(nodes.one.broker, "chat.person.export", { userId: ann, cursor });
      await expect(asked).rejects.toMatchObject({ type: "bad_input" });
    }
  });
});
