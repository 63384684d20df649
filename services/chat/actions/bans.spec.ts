import { allEntries, outcome, outcomes, times, useNodes, users } from "../testing.ts";

const nodes = useNodes();
const { as, group, direct } = nodes;
afterEach(() => nodes.all.forEach(({ access }) => (access.jitter = 0)));

let ann: string, bob: string, eve: string;
beforeEach(() => {
  [ann, bob, eve] = users(3) as [string, string, string];
});

const ban = (by: string, chatId: string, userId: string) => as(by, "chat.ban.add", { chatId, userId });
const unban = (by: string, chatId: string, userId: string) => as(by, "chat.ban.remove", { chatId, userId });
const add = (by: string, chatId: string, ...userIds: string[]) => as(by, "chat.member.add", { chatId, userIds });
const types = async (chatId: string) => (await allEntries(nodes, ann, chatId)).map(({ type }) => type).slice(1);

test("a member is removed by it, and kept out until it is taken back", async () => {
  const { id } = await group([ann, bob]);
  await ban(ann, id, bob);
  expect(await outcome(as(bob, "chat.chat.get", { chatId: id }))).toBe("chat.not_found");
  const { code } = await as(ann, "chat.invite.create", { chatId: id });
  const back = () => outcomes([add(ann, id, bob), as(bob, "chat.invite.accept", { code })]);
  expect(await back()).toEqual(["chat.banned", "chat.banned"]);
  // One who is kept out keeps out all that come along.
  expect(await outcome(add(ann, id, eve, bob))).toBe("chat.banned");
  expect((await as(ann, "chat.ban.list", { chatId: id })).items).toMatchObject([{ userId: bob, by: ann }]);
  await unban(ann, id, bob);
  expect(await back()).toEqual(["done", "done"]);
  expect(await types(id)).toEqual(["member.removed", "ban.removed", "member.added"]);
});

test("whoever is not in the chat is kept out too", async () => {
  const { id } = await group([ann, bob]);
  await ban(ann, id, eve);
  expect(await outcome(add(ann, id, eve))).toBe("chat.banned");
  expect(await outcome(ban(ann, id, nodes.stranger()))).toBe("chat.unknown_user");
  expect(await types(id)).toEqual(["ban.added"]);
});

test("asked for again it is done, also at once", async () => {
  const { id } = await group([ann, bob]);
  for (const userId of [bob, eve]) expect(await outcomes(times(6, () => ban(ann, id, userId)))).toEqual(times(6, () => "done"));
  for (const userId of [bob, eve]) expect(await outcomes(times(6, () => unban(ann, id, userId)))).toEqual(times(6, () => "done"));
  expect(await types(id)).toEqual(["member.removed", "ban.added", "ban.removed", "ban.removed"]);
});

test("is by rank, not of oneself, and of groups", async () => {
  const { id } = await group([ann, bob, eve]);
  expect(await outcomes([ban(bob, id, eve), unban(bob, id, eve), as(bob, "chat.ban.list", { chatId: id })])).toEqual(
    times(3, () => "chat.not_allowed"),
  );
  await as(ann, "chat.member.change", { chatId: id, userId: bob, role: "admin" });
  expect(await outcomes([ban(bob, id, ann), ban(bob, id, bob), ban(ann, id, ann)])).toEqual(times(3, () => "chat.not_allowed"));
  expect(await outcome(ban(bob, id, eve))).toBe("done");
  const { id: other } = await direct(ann, bob);
  expect(await outcomes([ban(ann, other, bob), unban(ann, other, bob), as(ann, "chat.ban.list", { chatId: other })])).toEqual(
    times(3, () => "chat.groups_only"),
  );
});

test("nobody slips in while they are banned", async () => {
  nodes.all.forEach(({ access }) => (access.jitter = 3));
  for (let round = 0; round < 10; round++) {
    const { id } = await group([ann]);
    const { code } = await as(ann, "chat.invite.create", { chatId: id });
    const [banned] = await Promise.all([
      outcome(ban(ann, id, bob)),
      outcome(as(bob, "chat.invite.accept", { code })),
      outcome(add(ann, id, bob)),
    ]);
    // It may have to be asked again, where somebody came in between.
    if (banned === "unavailable") await ban(ann, id, bob);
    else expect(banned).toBe("done");
    expect(await outcome(as(bob, "chat.chat.get", { chatId: id }))).toBe("chat.not_found");
    expect(await outcome(add(ann, id, bob))).toBe("chat.banned");
  }
});
