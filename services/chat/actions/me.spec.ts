import { outcome, times, useNodes, users } from "../testing.ts";

const nodes = useNodes();
const { as, group, direct } = nodes;

let ann: string, bob: string;
beforeEach(() => {
  [ann, bob] = users(2) as [string, string];
});

const userRev = async (userId: string) => (await as(userId, "chat.sync.pull", {})).userRev;

test("what a chat is to oneself is kept flag by flag, and is nobody else's business", async () => {
  const { id: chatId } = await group([ann, bob]);
  const change = (what: object) => as(bob, "chat.me.change", { chatId, ...what });
  await change({ pinned: true });
  await change({ mutedUntil: "2030-01-01T02:00:00+02:00" });
  const { me } = await change({ archived: true });
  expect(me).toMatchObject({ pinned: true, archived: true, markedUnread: false, mutedUntil: "2030-01-01T00:00:00.000Z" });
  expect((await as(bob, "chat.chat.list", {})).items[0]!.me).toEqual(me);
  expect((await as(ann, "chat.chat.get", { chatId })).me).toMatchObject({ pinned: false, archived: false, mutedUntil: null });
  expect((await change({ mutedUntil: null, pinned: false })).me).toMatchObject({
    pinned: false,
    archived: true,
    mutedUntil: null,
  });
});

test("said again it is no entry, also at once on two nodes", async () => {
  const { id: chatId } = await group([ann, bob]);
  await nodes.settle();
  const before = await userRev(bob);
  const flags = { pinned: true, archived: true };
  await Promise.all(times(6, () => as(bob, "chat.me.change", { chatId, ...flags })));
  await as(bob, "chat.me.change", { chatId });
  expect(await userRev(bob)).toBe(before + 1);
  await Promise.all(times(6, () => as(bob, "chat.preference.change", { presence: false })));
  await as(bob, "chat.preference.change", {});
  expect(await userRev(bob)).toBe(before + 2);
});

test("different flags at once on two nodes are all kept", async () => {
  nodes.all.forEach(({ access }) => (access.jitter = 3));
  const { id: chatId } = await group([ann, bob]);
  await Promise.all([
    as(bob, "chat.me.change", { chatId, pinned: true }),
    as(bob, "chat.me.change", { chatId, archived: true }),
    as(bob, "chat.me.change", { chatId, markedUnread: true }),
    as(bob, "chat.me.change", { chatId, mutedUntil: "2030-01-01T00:00:00.000Z" }),
  ]);
  nodes.all.forEach(({ access }) => (access.jitter = 0));
  const { me } = await as(bob, "chat.chat.get", { chatId });
  expect(me).toMatchObject({ pinned: true, archived: true, markedUnread: true, mutedUntil: "2030-01-01T00:00:00.000Z" });
});

test("preferences are as nobody changed them until one does, one by one", async () => {
  expect(await as(ann, "chat.preference.get", {})).toMatchObject({ readReceipts: true, presence: true });
  expect(await as(ann, "chat.preference.change", { presence: false })).toMatchObject({ readReceipts: true, presence: false });
  expect(await as(ann, "chat.preference.change", { readReceipts: false })).toMatchObject({
    readReceipts: false,
    presence: false,
  });
  expect(await as(ann, "chat.preference.get", {})).toMatchObject({ readReceipts: false, presence: false });
  expect(await as(bob, "chat.preference.get", {})).toMatchObject({ readReceipts: true, presence: true });
});

test("a profile that comes late is not put over a later one", async () => {
  const note = (name: string, version: number) => as("", "chat.profile.note", { userId: ann, name, avatar: null, version });
  await Promise.all([note("second", 2), note("third", 3), note("first", 1), note("third", 3)]);
  const { user } = await as(ann, "chat.sync.pull", {});
  expect(user.map(({ type, data }) => [type, data])).toEqual([["profile.changed", { name: "third", avatar: null }]]);
  const before = await userRev(ann);
  await note("second", 2);
  expect(await userRev(ann)).toBe(before);
});

test("a thousand blocks and no more; one that is there is not one more", async () => {
  await nodes.one.service.userLog.append(
    ann,
    times(999, (at) => ({
      subject: `block:u${at}`,
      type: "block.changed" as const,
      decide: () => ({ userId: `u${at}`, blocked: true }),
    })),
  );
  const block = (userId: string) => outcome(as(ann, "chat.block.add", { userId }));
  expect(await block(bob)).toBe("done");
  expect(await block(users(1)[0]!)).toBe("chat.too_many_blocks");
  expect(await block(bob)).toBe("done");
  await as(ann, "chat.block.remove", { userId: bob });
  expect(await block(users(1)[0]!)).toBe("done");
});

test("typing is shown of members who may write, in chats that are not too large", async () => {
  const check = async (chatId: string, userId: string) => (await as("", "chat.typing.check", { chatId, userId })).shown;
  const { id } = await group([ann, bob]);
  expect([await check(id, ann), await check(id, bob)]).toEqual([true, true]);
  await as(ann, "chat.chat.change", { chatId: id, posting: "admins" });
  expect([await check(id, ann), await check(id, bob)]).toEqual([true, false]);
  const { id: large } = await group([ann, ...users(100)]);
  expect(await check(large, ann)).toBe(false);
  expect(await check((await direct(ann, bob)).id, bob)).toBe(true);
});
