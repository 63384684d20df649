import { call } from "@confab/mixins/define.ts";
import { emptyState, type ChatState } from "../fold.ts";
import { heirOf } from "../erasing.ts";
import type { StoredMember } from "../store/documents.ts";
import { useNodes, users, type TestNode } from "../testing.ts";

const nodes = useNodes();
const { as, group, direct, send } = nodes;

let ann: string, bob: string, eve: string;
beforeEach(() => {
  [ann, bob, eve] = users(3) as [string, string, string];
});

const piece = (node: TestNode, messages: boolean) => call(node.broker, "chat.person.erase", { userId: ann, messages });

async function erase({ messages = false } = {}): Promise<number> {
  for (let pieces = 1; pieces < 100; pieces++) if ((await piece(nodes.next(), messages)).done) return pieces;
  throw new Error("it does not come to an end");
}

const texts = async (userId: string, chatId: string) =>
  (await as(userId, "chat.message.list", { chatId, limit: 100 })).items.map(({ text, senderId }) => [senderId, text]);
const roles = async (userId: string, chatId: string) =>
  (await as(userId, "chat.member.list", { chatId })).items.map(({ userId: id, role }) => [id, role]);

const settle = () => Promise.all(nodes.all.map((node) => node.settle()));

/** Everything that the service has stored, as text. */
const stored = async (chatId: string) => {
  const { store } = nodes;
  return JSON.stringify([
    await store.entriesAfter(chatId, 0, 1000),
    await store.statesOf([chatId]),
    await store.changesBetween(chatId, 1, 1000),
    await store.userLogOf(ann),
    await store.userSubjectsAfter(ann, 0),
    await store.chatsPerhapsOf(ann),
    await store.invitesOf(chatId),
  ]);
};

describe("messages", () => {
  test("stay, without a name, where they are to stay", async () => {
    const { id: chatId } = await direct(ann, bob);
    await send(ann, chatId, "hello of ann");
    await erase();
    expect(await texts(bob, chatId)).toEqual([[ann, "hello of ann"]]);
  });

  test("go, what they said before they were edited too; others learn of it by the log", async () => {
    const { id: chatId } = await direct(ann, bob);
    const { id: messageId } = await send(ann, chatId, "a slip of ann");
    await as(ann, "chat.message.edit", { chatId, messageId, text: "meant by ann" });
    await send(bob, chatId, "said by bob");
    await send(ann, chatId, "the last of ann");
    const { rev } = await as(bob, "chat.chat.get", { chatId });
    await settle();
    await erase({ messages: true });
    expect(await stored(chatId)).not.toMatch(/of ann|by ann/);
    expect(await texts(bob, chatId)).toEqual([
      [ann, ""],
      [bob, "said by bob"],
      [ann, ""],
    ]);
    const learnt = await as(bob, "chat.entry.list", { chatId, after: rev });
    expect(learnt.items.map(({ type, by }) => [type, by])).toEqual([
      ["message.deleted", ann],
      ["message.deleted", ann],
    ]);
    expect((await as(bob, "chat.search.find", { q: "ann" })).items).toEqual([]);
  });

  test("go from chats that one was only in before, and many of them a piece at a time", async () => {
    const { id: chatId } = await group([bob, ann]);
    for (let n = 0; n < 450; n++) await (n % 3 === 0 ? send(bob, chatId, "by bob") : send(ann, chatId, "by ann"));
    await as(ann, "chat.member.remove", { chatId, userId: ann });
    expect(await erase({ messages: true })).toBeGreaterThan(3);
    expect((await stored(chatId)).includes("by ann")).toBe(false);
    expect(new Set((await texts(bob, chatId)).map(String))).toEqual(new Set([`${ann},`, `${bob},by bob`]));
    expect((await as(bob, "chat.chat.get", { chatId })).rev).toBe(1 + 450 + 1 + 300);
  });

  test("are deleted once each, by two at once and by whoever takes it up again", async () => {
    const { id: chatId } = await direct(ann, bob);
    for (let n = 0; n < 50; n++) await send(ann, chatId, `word ${n}`);
    const [one, other] = nodes.all as [TestNode, TestNode];
    await Promise.all([piece(one, true), piece(other, true)]);
    await other.restart();
    await erase({ messages: true });
    await erase({ messages: true });
    const { rev } = await as(bob, "chat.chat.get", { chatId });
    expect(rev).toBe(1 + 50 + 50);
  });

  test("a node that dies when they are deleted, and nothing that follows from it is stored, is followed up by another", async () => {
    const { id: chatId } = await direct(ann, bob);
    await send(ann, chatId, "a word of ann");
    const [one] = nodes.all as [TestNode];
    one.dieAfterAppend();
    await expect(piece(one, true)).rejects.toThrow();
    await one.restart();
    expect(JSON.stringify(await nodes.store.entriesAfter(chatId, 0, 10))).toContain("word of ann");
    await erase({ messages: true });
    expect(await stored(chatId)).not.toContain("word of ann");
  });
});

describe("groups", () => {
  test("are left, and go on without", async () => {
    const { id: chatId } = await group([bob, ann, eve]);
    await erase();
    expect(await roles(bob, chatId)).toEqual(expect.not.arrayContaining([[ann, "member"]]));
    expect(await roles(bob, chatId)).toHaveLength(2);
  });

  test("that would have no owner get one before the last one leaves", async () => {
    const { id: chatId } = await group([ann, bob]);
    await as(ann, "chat.member.add", { chatId, userIds: [eve] });
    await as(ann, "chat.member.change", { chatId, userId: eve, role: "admin" });
    await erase();
    expect(await roles(bob, chatId)).toEqual([
      [bob, "member"],
      [eve, "owner"],
    ]);
    const entries = (await as(bob, "chat.entry.list", { chatId, limit: 100 })).items.map(({ type }) => type);
    expect(entries.slice(-2)).toEqual(["member.changed", "member.removed"]);
  });

  test("with nobody else are deleted, with what was ever said there", async () => {
    const { id: chatId } = await group([ann, bob]);
    await send(bob, chatId, "a word of bob");
    await as(bob, "chat.member.remove", { chatId, userId: bob });
    await erase();
    await settle();
    expect(await stored(chatId)).not.toContain("word of bob");
    expect((await nodes.store.entriesAfter(chatId, 0, 10)).at(-1)!.type).toBe("chat.deleted");
  });

  test.each<[string, Record<string, [StoredMember["role"], number]>, string | undefined]>([
    ["an admin before members", { a: ["owner", 1], b: ["member", 1], c: ["admin", 3] }, "c"],
    ["of admins who was there first", { a: ["owner", 1], b: ["admin", 3], c: ["admin", 2] }, "c"],
    ["of members who was there first", { a: ["owner", 1], b: ["member", 3], c: ["member", 2] }, "c"],
    ["of two who came at once the one of the lesser id", { a: ["owner", 1], c: ["member", 2], b: ["member", 2] }, "b"],
    ["nobody where there is another owner", { a: ["owner", 1], b: ["owner", 2], c: ["admin", 1] }, undefined],
    ["nobody where it is no owner that leaves", { a: ["admin", 1], b: ["member", 2] }, undefined],
    ["nobody where there is nobody", { a: ["owner", 1] }, undefined],
    ["nobody in the name of whoever has left", { b: ["member", 1], c: ["member", 2] }, undefined],
  ])("%s", (_, members, heir) => {
    const all = Object.entries(members).map(([id, [role, joinedAt]]) => [id, { role, joinedAt }] as [string, StoredMember]);
    const state: ChatState = { ...emptyState("c"), members: new Map(all) };
    expect(heirOf(state, "a")).toBe(heir);
  });
});

test("of a direct chat the other keeps what was said, and who said it has no name", async () => {
  const { id: chatId } = await direct(ann, bob);
  await send(bob, chatId, "a word of bob");
  await send(ann, chatId, "a word of ann");
  await erase({ messages: true });
  expect(await as(bob, "chat.chat.get", { chatId })).toMatchObject({ memberCount: 2, peerId: ann });
  expect(await texts(bob, chatId)).toEqual([
    [bob, "a word of bob"],
    [ann, ""],
  ]);
});

test("links that one made let nobody in any more, those of others do", async () => {
  const { id: chatId } = await group([ann, bob]);
  await as(ann, "chat.member.change", { chatId, userId: bob, role: "owner" });
  const { code } = await as(ann, "chat.invite.create", { chatId });
  const other = await as(bob, "chat.invite.create", { chatId });
  await erase();
  await expect(as(eve, "chat.invite.accept", { code })).rejects.toMatchObject({ type: "chat.invite_not_good" });
  expect(await stored(chatId)).not.toContain(code);
  expect((await as(eve, "chat.invite.accept", { code: other.code })).id).toBe(chatId);
});

test("a user's own log goes, and a name that comes late is not taken in", async () => {
  await as(ann, "chat.preference.change", { presence: false });
  await as(ann, "chat.block.add", { userId: bob });
  const note = (version: number) =>
    call(nodes.next().broker, "chat.profile.note", { userId: ann, name: "Ann of yore", avatar: null, version });
  await note(1);
  // So many that the head does not hold them.
  for (const id of users(30)) await as(ann, "chat.block.add", { userId: id });
  const { id: chatId } = await direct(ann, eve);
  await erase();
  await note(2);
  const after = await stored(chatId);
  expect(after).not.toContain("Ann of yore");
  expect(after).not.toContain(`"blocked"`);
  expect((await as(ann, "chat.preference.get", {})).presence).toBe(true);
  expect((await as(bob, "chat.block.list", {})).items).toEqual([]);
});

test("whoever was in no chat is done at once, and a name that comes late is not taken in either", async () => {
  expect(await erase()).toBe(1);
  const profile = { userId: ann, name: "Ann of yore", avatar: null, version: 1 };
  await call(nodes.next().broker, "chat.profile.note", profile);
  expect(JSON.stringify(await nodes.store.userLogOf(ann))).not.toContain("Ann of yore");
});
