import { allEntries, outcome, outcomes, passTime, times, useNodes, users } from "../testing.ts";

const nodes = useNodes({ MAX_MEMBERS: "30" });
const { as, group, direct } = nodes;
afterEach(() => {
  jest.restoreAllMocks();
  nodes.all.forEach(({ access }) => (access.jitter = 0));
});

let ann: string, bob: string, eve: string, chatId: string;
beforeEach(async () => {
  [ann, bob, eve] = users(3) as [string, string, string];
  chatId = (await group([ann, bob])).id;
});

const create = (more: { expiresIn?: number; maxUses?: number } = {}, idempotencyKey?: string, by = ann) =>
  as(by, "chat.invite.create", { chatId, ...more }, idempotencyKey ? { idempotencyKey } : {});
const accept = (userId: string, code: string) => as(userId, "chat.invite.accept", { code });
const list = async () => (await as(ann, "chat.invite.list", { chatId })).items;
const joined = async () => (await allEntries(nodes, ann, chatId)).filter(({ type }) => type === "member.added");

test("lets in whoever has it, as a member, and says by which link", async () => {
  const { code, id } = await create();
  expect(await accept(eve, code)).toMatchObject({ id: chatId, memberCount: 3, me: { role: "member" } });
  expect((await joined())[0]).toMatchObject({ by: eve, data: { inviteId: id, members: [{ userId: eve, role: "member" }] } });
  expect(await list()).toMatchObject([{ id, code, uses: 1, maxUses: null }]);
});

test("the limit of uses holds under fifty at once on two nodes", async () => {
  nodes.all.forEach(({ access }) => (access.jitter = 3));
  const { code } = await create({ maxUses: 7 });
  const ended = await outcomes(users(50).map((userId) => accept(userId, code)));
  expect(ended.filter((word) => word === "done")).toHaveLength(7);
  expect(ended.filter((word) => word === "chat.invite_not_good")).toHaveLength(43);
  expect(await joined()).toHaveLength(7);
  expect((await as(ann, "chat.chat.get", { chatId })).memberCount).toBe(9);
  expect(await list()).toEqual([]);
}, 15_000);

test("so does that of the chat", async () => {
  const { code } = await create();
  const ended = await outcomes(users(35).map((userId) => accept(userId, code)));
  expect(ended.filter((word) => word === "done")).toHaveLength(28);
  expect(ended.filter((word) => word === "chat.too_many_members")).toHaveLength(7);
}, 15_000);

test("accepted twice, or by who is in already, it is one use or none", async () => {
  const { code } = await create({ maxUses: 2 });
  expect(await outcomes([...times(6, () => accept(eve, code)), accept(bob, code)])).toEqual(times(7, () => "done"));
  expect(await list()).toMatchObject([{ uses: 1 }]);
  // Whoever left and comes back uses it again.
  await as(eve, "chat.member.remove", { chatId, userId: eve });
  await accept(eve, code);
  expect(await list()).toEqual([]);
  // And who is in need not use it.
  expect(await outcome(accept(eve, code))).toBe("done");
});

test("ends with its time, and when it is revoked", async () => {
  const [short, long] = [await create({ expiresIn: 60 }), await create({ expiresIn: 3600 })];
  passTime(59);
  expect(await outcome(accept(eve, short.code))).toBe("done");
  passTime(2);
  const [zoe] = users(1) as [string];
  expect(await outcome(accept(zoe, short.code))).toBe("chat.invite_not_good");
  expect((await list()).map(({ id }) => id)).toEqual([long.id]);
  for (let again = 0; again < 2; again++) await as(ann, "chat.invite.revoke", { chatId, inviteId: long.id });
  expect(await outcome(accept(zoe, long.code))).toBe("chat.invite_not_good");
  expect(await list()).toEqual([]);
  expect(await outcome(accept(zoe, "nonsense"))).toBe("chat.invite_not_good");
});

test("a revoked link lets nobody in who is accepting it at that moment", async () => {
  const { code, id } = await create();
  await as(ann, "chat.invite.revoke", { chatId, inviteId: id });
  expect(await outcomes(users(4).map((userId) => accept(userId, code)))).toEqual(times(4, () => "chat.invite_not_good"));
});

test("leads nowhere once the chat is deleted", async () => {
  const { code } = await create();
  await as(ann, "chat.chat.delete", { chatId });
  expect(await outcomes([accept(eve, code), accept(bob, code)])).toEqual(times(2, () => "chat.invite_not_good"));
});

test("is for admins of groups to make, see and end", async () => {
  const { id } = await create();
  const tried = [
    create({}, undefined, bob),
    as(bob, "chat.invite.list", { chatId }),
    as(bob, "chat.invite.revoke", { chatId, inviteId: id }),
  ];
  expect(await outcomes(tried)).toEqual(times(3, () => "chat.not_allowed"));
  const { id: other } = await direct(ann, bob);
  expect(await outcome(as(ann, "chat.invite.create", { chatId: other }))).toBe("chat.groups_only");
  expect(await list()).toHaveLength(1);
});

test("asked for again under the same Idempotency-Key it is the same link, also at once, and ends as one", async () => {
  nodes.all.forEach(({ access }) => (access.jitter = 3));
  const made = await Promise.all(times(6, () => create({ maxUses: 5 }, "key")));
  made.push(await create({ maxUses: 5 }, "key"));
  expect(new Set(made.map(({ code }) => code)).size).toBe(1);
  expect(made.filter(({ status }) => status === 201)).toHaveLength(1);
  expect(await list()).toMatchObject([{ id: made[0]!.id, code: made[0]!.code }]);
  await as(ann, "chat.invite.revoke", { chatId, inviteId: made[0]!.id });
  for (const { code } of made) expect(await outcome(accept(eve, code))).toBe("chat.invite_not_good");
  expect((await create({ maxUses: 5 }, "another")).status).toBe(201);
});

test("a hundred good ones and no more; the hundredth asked for again is there", async () => {
  const made = await Promise.all(times(99, (at) => create({ expiresIn: at ? 3600 : 60 })));
  const last = await create({}, "key");
  expect(await outcome(create())).toBe("chat.too_many_invites");
  expect(await create({}, "key")).toMatchObject({ status: 200, code: last.code });
  await as(ann, "chat.invite.revoke", { chatId, inviteId: made[1]!.id });
  expect(await outcome(create())).toBe("done");
  passTime(61);
  expect(await outcome(create())).toBe("done");
  expect(await outcome(create())).toBe("chat.too_many_invites");
}, 15_000);
