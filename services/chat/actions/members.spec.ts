import type { Role } from "@confab/contracts";
import { Unavailable } from "@confab/mixins/store/collection.ts";
import { allEntries, outcome, outcomes, times, useNodes, users } from "../testing.ts";

const nodes = useNodes({ MAX_MEMBERS: "6" });
const { as, group, direct, send } = nodes;
afterEach(() => nodes.all.forEach(({ access }) => (access.jitter = 0)));

let ann: string, bob: string, eve: string, zoe: string;
beforeEach(() => {
  [ann, bob, eve, zoe] = users(4) as [string, string, string, string];
});

const add = (by: string, chatId: string, ...userIds: string[]) => as(by, "chat.member.add", { chatId, userIds });
const remove = (by: string, chatId: string, userId: string) => as(by, "chat.member.remove", { chatId, userId });
const change = (by: string, chatId: string, userId: string, role: Role) => as(by, "chat.member.change", { chatId, userId, role });
const entriesOf = async (type: string, chatId: string, userId = ann) =>
  (await allEntries(nodes, userId, chatId)).filter((entry) => entry.type === type);
const roles = async (by: string, chatId: string) =>
  Object.fromEntries((await as(by, "chat.member.list", { chatId })).items.map(({ userId, role }) => [userId, role]));

describe("adding", () => {
  test("names only who is new, and asked for again is done", async () => {
    const { id } = await group([ann, bob]);
    expect(await add(ann, id, bob, eve)).toMatchObject({ memberCount: 3, rev: 2 });
    await Promise.all(times(6, () => add(ann, id, eve, zoe)));
    expect((await entriesOf("member.added", id)).map(({ data }) => data)).toEqual([
      { members: [{ userId: eve, role: "member" }], inviteId: null },
      { members: [{ userId: zoe, role: "member" }], inviteId: null },
    ]);
    expect(Object.keys(await roles(bob, id)).sort()).toEqual([ann, bob, eve, zoe].sort());
  });

  test("is for admins of a group, and of people that there are", async () => {
    const { id } = await group([ann, bob]);
    expect(await outcome(add(bob, id, eve))).toBe("chat.not_allowed");
    expect(await outcome(add(ann, id, eve, nodes.stranger()))).toBe("chat.unknown_user");
    expect(await outcome(add(ann, (await direct(ann, bob)).id, eve))).toBe("chat.groups_only");
    expect(await entriesOf("member.added", id)).toEqual([]);
  });

  test("fills the chat and not more, also at once on two nodes", async () => {
    nodes.all.forEach(({ access }) => (access.jitter = 3));
    const { id } = await group([ann]);
    const ended = await outcomes(users(9).map((userId) => add(ann, id, userId)));
    expect(ended.filter((word) => word === "done")).toHaveLength(5);
    expect(ended.filter((word) => word === "chat.too_many_members")).toHaveLength(4);
    expect((await as(ann, "chat.chat.get", { chatId: id })).memberCount).toBe(6);
    // All or nobody.
    await remove(
      ann,
      id,
      Object.keys(await roles(ann, id)).find((userId) => userId !== ann)!,
    );
    expect(await outcome(add(ann, id, eve, zoe))).toBe("chat.too_many_members");
    expect(await outcome(add(ann, id, eve))).toBe("done");
  });
});

describe("leaving and removing", () => {
  test("asked for again is done, and is one entry", async () => {
    const { id } = await group([ann, bob, eve]);
    expect(await outcomes(times(6, () => remove(bob, id, bob)))).toEqual(times(6, () => "done"));
    expect(await outcomes(times(6, () => remove(ann, id, eve)))).toEqual(times(6, () => "done"));
    expect((await entriesOf("member.removed", id)).map(({ by, data }) => [by, data])).toEqual([
      [bob, { userId: bob, banned: false }],
      [ann, { userId: eve, banned: false }],
    ]);
    // Who was never there cannot be removed.
    expect(await outcome(remove(ann, id, zoe))).toBe("chat.member_not_found");
  });

  test("and coming back, and leaving again", async () => {
    const { id } = await group([ann, bob]);
    for (let round = 0; round < 3; round++) {
      await remove(bob, id, bob);
      expect(await outcome(send(bob, id))).toBe("chat.not_found");
      await add(ann, id, bob);
      expect(await outcome(send(bob, id))).toBe("done");
    }
    expect(await roles(ann, id)).toEqual({ [ann]: "owner", [bob]: "member" });
    expect((await entriesOf("member.removed", id)).length).toBe(3);
  });

  test("a role is gone with the membership", async () => {
    const { id } = await group([ann, bob]);
    await change(ann, id, bob, "admin");
    await remove(ann, id, bob);
    await add(ann, id, bob);
    expect(await roles(ann, id)).toEqual({ [ann]: "owner", [bob]: "member" });
  });

  test("is by rank", async () => {
    const { id } = await group([ann, bob, eve, zoe]);
    await change(ann, id, bob, "admin");
    await change(ann, id, eve, "admin");
    const tried = [
      remove(bob, id, ann),
      remove(bob, id, eve),
      remove(zoe, id, eve),
      as(bob, "chat.ban.add", { chatId: id, userId: eve }),
    ];
    expect(await outcomes(tried)).toEqual(times(4, () => "chat.not_allowed"));
    expect(await outcome(remove(bob, id, zoe))).toBe("done");
    await change(ann, id, bob, "owner");
    expect(await outcomes([remove(bob, id, ann), remove(bob, id, eve)])).toEqual(["done", "done"]);
  });

  test("nobody leaves a direct chat, or is removed from it", async () => {
    const { id } = await direct(ann, bob);
    expect(await outcomes([remove(ann, id, ann), remove(ann, id, bob)])).toEqual(times(2, () => "chat.groups_only"));
  });

  test("a removal takes hold of sends that are under way", async () => {
    nodes.all.forEach(({ access }) => (access.jitter = 3));
    const { id } = await group([ann, bob]);
    const sends = times(30, () => outcome(send(bob, id)));
    const [words] = await Promise.all([Promise.all(sends), remove(ann, id, bob)]);
    const entries = await allEntries(nodes, ann, id);
    const removed = entries.find(({ type }) => type === "member.removed")!.rev;
    expect(entries.filter(({ rev, by }) => by === bob && rev > removed)).toEqual([]);
    expect(entries.filter(({ by }) => by === bob).length).toBe(words.filter((word) => word === "done").length);
  });
});

describe("roles", () => {
  test("are an owner's to give, and given again no entry", async () => {
    const { id } = await group([ann, bob, eve]);
    await change(ann, id, bob, "admin");
    expect(await outcomes([change(bob, id, eve, "admin"), change(bob, id, bob, "owner"), change(eve, id, eve, "admin")])).toEqual(
      times(3, () => "chat.not_allowed"),
    );
    expect(await outcomes(times(5, () => change(ann, id, bob, "admin")))).toEqual(times(5, () => "done"));
    expect(await entriesOf("member.changed", id)).toHaveLength(1);
    expect(await outcome(change(ann, id, zoe, "admin"))).toBe("chat.member_not_found");
    expect(await outcome(change(ann, (await direct(ann, bob)).id, bob, "admin"))).toBe("chat.groups_only");
  });

  test("the last owner stays one until there is another", async () => {
    const { id } = await group([ann, bob]);
    expect(await outcome(remove(ann, id, ann))).toBe("chat.last_owner");
    expect(await outcome(change(ann, id, ann, "member"))).toBe("chat.last_owner");
    await change(ann, id, bob, "owner");
    expect(await outcome(change(ann, id, ann, "admin"))).toBe("done");
    expect(await outcome(remove(bob, id, bob))).toBe("chat.last_owner");
    expect(await outcome(remove(ann, id, ann))).toBe("done");
    // Whoever is alone may go, and has still not given the chat away.
    expect(await outcome(change(bob, id, bob, "member"))).toBe("chat.last_owner");
    expect(await outcome(remove(bob, id, bob))).toBe("done");
    expect(await outcome(as(bob, "chat.chat.get", { chatId: id }))).toBe("chat.not_found");
  });

  test("of two owners who leave at once on two nodes one stays", async () => {
    nodes.all.forEach(({ access }) => (access.jitter = 3));
    for (let round = 0; round < 10; round++) {
      const { id } = await group([ann, bob, eve]);
      await change(ann, id, bob, "owner");
      const leave = [remove, (by: string, chatId: string) => change(by, chatId, by, "member")][round % 2]!;
      const ended = await outcomes([leave(ann, id, ann), leave(bob, id, bob)]);
      expect(ended).toEqual(["chat.last_owner", "done"]);
      expect(Object.values(await roles(eve, id)).filter((role) => role === "owner")).toHaveLength(1);
    }
  });

  test("of two owners who take it from each other at once one stays", async () => {
    nodes.all.forEach(({ access }) => (access.jitter = 3));
    for (let round = 0; round < 6; round++) {
      const { id } = await group([ann, bob, eve]);
      await change(ann, id, bob, "owner");
      const ended = await outcomes([change(ann, id, bob, "member"), change(bob, id, ann, "member")]);
      expect(ended).toEqual(["chat.not_allowed", "done"]);
      expect(Object.values(await roles(eve, id)).filter((role) => role === "owner")).toHaveLength(1);
    }
  });
});

test("members are listed in the order of their joining, page by page", async () => {
  const { id } = await group([ann, bob]);
  await add(ann, id, eve, zoe);
  const seen: string[] = [];
  for (let cursor: string | null | undefined; cursor !== null;) {
    const page: { items: { userId: string }[]; nextCursor: string | null } = await as(bob, "chat.member.list", {
      chatId: id,
      limit: 1,
      ...(cursor ? { cursor } : {}),
    });
    seen.push(...page.items.map(({ userId }) => userId));
    cursor = page.nextCursor;
  }
  expect(seen).toHaveLength(4);
  expect(seen.slice(0, 2).sort()).toEqual([ann, bob].sort());
  expect(seen.slice(2).sort()).toEqual([eve, zoe].sort());
  await expect(as(bob, "chat.member.list", { chatId: id, cursor: "x" })).rejects.toMatchObject({ type: "bad_input" });
});

describe("an answer that is lost is found again", () => {
  const lost = async (act: (node: typeof nodes.one) => Promise<unknown>) => {
    const { one } = nodes;
    let cuts = 0;
    const restore = one.access.intercept("append", async (proceed) => {
      const outcomes = await proceed();
      if (cuts++ === 0) throw new Unavailable(new Error("cut after it was stored"));
      return outcomes;
    });
    const ended = await outcome(act(one));
    restore();
    expect(cuts).toBeGreaterThan(0);
    return ended;
  };

  test.each([
    ["of removing somebody", (node, chatId) => node.as(ann, "chat.member.remove", { chatId, userId: bob })],
    ["of leaving", (node, chatId) => node.as(bob, "chat.member.remove", { chatId, userId: bob })],
    ["of stepping down", (node, chatId) => node.as(zoe, "chat.member.change", { chatId, userId: zoe, role: "member" })],
    ["of banning a member", (node, chatId) => node.as(ann, "chat.ban.add", { chatId, userId: bob })],
    ["of adding", (node, chatId) => node.as(ann, "chat.member.add", { chatId, userIds: [eve] })],
    ["of deleting the chat", (node, chatId) => node.as(ann, "chat.chat.delete", { chatId })],
    [
      "of a message in slow mode",
      (node, chatId) => node.as(bob, "chat.message.send", { chatId, clientMessageId: "n", text: "a" }),
    ],
  ] as [string, (node: typeof nodes.one, chatId: string) => Promise<unknown>][])("%s", async (_name, act) => {
    const { id } = await group([ann, bob, zoe], { slowMode: 100 });
    await change(ann, id, zoe, "owner");
    const before = (await nodes.store.entriesAfter(id, 0, 100)).length;
    expect(await lost((node) => act(node, id))).toBe("done");
    expect((await nodes.store.entriesAfter(id, 0, 100)).length).toBe(before + 1);
  });
});
