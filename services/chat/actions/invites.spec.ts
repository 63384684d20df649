import { v7 as uuid } from "uuid";
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

const create = (more: { expiresIn?: number; maxUses?: number; email?: string } = {}, idempotencyKey?: string, by = ann) =>
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
});

test("so does that of the chat", async () => {
  const { code } = await create();
  const ended = await outcomes(users(35).map((userId) => accept(userId, code)));
  expect(ended.filter((word) => word === "done")).toHaveLength(28);
  expect(ended.filter((word) => word === "chat.too_many_members")).toHaveLength(7);
});

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
});

describe("by mail", () => {
  /** Under its number it is the same mail, whoever hands it over. */
  const mails = () => [...new Map(nodes.all.flatMap((node) => node.mails.map((mail) => [mail.jobId, mail]))).values()];
  const look = () => Promise.all(nodes.all.map(({ service }) => service.outbox.look()));
  const takeMails = (takes: boolean) => nodes.all.forEach((node) => (node.takesMails = takes));
  const waiting = async () => (await nodes.store.mailing.invites.find({ mailsAt: { $gt: "" } })).length;
  beforeEach(() => nodes.all.forEach((node) => (node.mails.length = 0)));
  let address: string;
  beforeEach(() => (address = `zoe.${uuid()}@example.org`));

  test("goes out with the link, in the asker's language, and the link is good for one", async () => {
    await as(ann, "chat.chat.change", { chatId, title: "Tea & cake" });
    const invite = await as(ann, "chat.invite.create", { chatId, email: address }, { language: "de" });
    expect(invite).toMatchObject({ maxUses: 1, uses: 0, status: 201 });
    expect(Object.keys(invite).join()).not.toMatch(/mail/i);
    expect(mails()).toEqual([
      {
        ...{ jobId: expect.any(String) as string, template: "invitation", to: address, language: "de" },
        data: { by: `Name ${ann}`, title: "Tea & cake", url: `http://localhost:3000/#/invite/${invite.code}` },
      },
    ]);
    expect(await waiting()).toBe(0);
    expect((await list()).map((one) => Object.keys(one).join()).join()).not.toMatch(/mail/i);
    await accept(eve, invite.code);
    expect(await list()).toEqual([]);
  });

  test("of a group without a title says nothing of one; for more people where that is asked for", async () => {
    expect(await create({ email: address, maxUses: 5 })).toMatchObject({ maxUses: 5 });
    expect(mails()).toMatchObject([{ data: { title: "" } }]);
  });

  test("G5: waits with the link for a mail service that is away, and goes out once", async () => {
    takeMails(false);
    const invite = await create({ email: address });
    expect(await waiting()).toBe(1);
    takeMails(true);
    await look();
    expect(mails()).toMatchObject([{ to: address, data: { url: expect.stringContaining(invite.code) as string } }]);
  });

  test("G5: a node that dies as soon as the link is stored has left the mail to another", async () => {
    const node = nodes.one;
    const stop = node.access.intercept("putInvite", async (proceed) => {
      await proceed();
      throw new Error("this node was killed");
    });
    await expect(node.as(ann, "chat.invite.create", { chatId, email: address })).rejects.toThrow("killed");
    stop();
    expect(mails()).toEqual([]);
    await nodes.two.service.outbox.look();
    expect(mails()).toMatchObject([{ to: address }]);
  });

  test("is not sent of a link that was revoked before", async () => {
    takeMails(false);
    const { id } = await create({ email: address });
    await as(ann, "chat.invite.revoke", { chatId, inviteId: id });
    takeMails(true);
    await look();
    expect(mails()).toEqual([]);
  });

  test("asked for again under the same Idempotency-Key it is one mail, also at once, and counts as one", async () => {
    nodes.all.forEach(({ access }) => (access.jitter = 3));
    await Promise.all(times(3, () => create({ email: address }, "key")));
    for (let again = 0; again < 4; again++) await create({ email: address }, "key");
    await look();
    expect(mails()).toHaveLength(1);
    for (let more = 0; more < 2; more++) await create({ email: address });
    expect(await outcome(create({ email: address }))).toBe("chat.too_many_invitations");
  });

  test("three a day go to one address, from whomever and however it is written, and on however many nodes at once", async () => {
    const others = users(5);
    await as(ann, "chat.member.add", { chatId, userIds: others });
    for (const userId of others) await as(ann, "chat.member.change", { chatId, userId, role: "admin" });
    const written = [address, address.toUpperCase(), ...["+a", "+b", "+c+d"].map((tag) => address.replace("@", `${tag}@`))];
    const ended = await outcomes(others.map((by, at) => create({ email: written[at]! }, undefined, by)));
    expect(ended.filter((word) => word === "done")).toHaveLength(3);
    expect(ended.filter((word) => word === "chat.too_many_invitations")).toHaveLength(2);
    const refused: unknown = await create({ email: address }).catch((err: unknown) => err);
    expect(refused).toMatchObject({ data: { retryAfter: expect.any(Number) as number } });
    expect((refused as { data: { retryAfter: number } }).data.retryAfter).toBeGreaterThan(86_000);
    expect(await list()).toHaveLength(3);
    passTime(86_401);
    expect(await outcome(create({ email: address }))).toBe("done");
  });

  test("twenty an hour come from one person; links by hand are as many as before", async () => {
    const ended = await outcomes(times(22, (at) => create({ email: `${at}.${address}` })));
    expect(ended.filter((word) => word === "done")).toHaveLength(20);
    expect(ended.filter((word) => word === "chat.too_many_invitations")).toHaveLength(2);
    expect(await outcome(create())).toBe("done");
    passTime(3601);
    expect(await outcome(create({ email: address }))).toBe("done");
  });

  test("what counts them holds nobody's address or id", async () => {
    await create({ email: address });
    const take = jest.spyOn(nodes.store, "takeAllowance");
    await create({ email: `b.${address}` });
    expect(take.mock.calls.map(([{ limit }]) => limit)).toEqual([20, 3]);
    expect(JSON.stringify(take.mock.calls)).not.toMatch(new RegExp(`${ann}|${address}`));
  });

  test.each([
    "zoe",
    "zoe@",
    "a@example.org,b@example.org",
    "Zoe <zoe@example.org>",
    "zoe@example.org\r\nBcc: eve@example.org",
    `${"z".repeat(250)}@example.org`,
    '"a b"@example.org',
    "",
  ])("%j is no plain address: nothing is made or mailed", async (email) => {
    await expect(create({ email })).rejects.toMatchObject({ type: "VALIDATION_ERROR", data: [{ field: "email" }] });
    expect(await list()).toEqual([]);
    expect(mails()).toEqual([]);
  });
});
