import type { Result } from "@confab/contracts";
import { setTimeout as pause } from "node:timers/promises";
import { fresh } from "../testing.client.ts";
import { allEntries, later, outcome, outcomes, times, useNodes, users } from "../testing.ts";

const nodes = useNodes();
const { as, group, direct, send } = nodes;
afterEach(() => nodes.all.forEach(({ access }) => (access.jitter = 0)));

let ann: string, bob: string, eve: string;
beforeEach(() => {
  [ann, bob, eve] = users(3) as [string, string, string];
});

const types = async (chatId: string, userId = ann) => (await allEntries(nodes, userId, chatId)).map(({ type }) => type);

describe("opening", () => {
  test("a direct chat at once by both, on two nodes, is one chat", async () => {
    nodes.all.forEach(({ access }) => (access.jitter = 4));
    for (let round = 0; round < 8; round++) {
      const [one, other] = users(2) as [string, string];
      const opened = await Promise.all(times(6, (at) => (at % 3 ? direct(one, other) : direct(other, one))));
      expect(new Set(opened.map(({ id }) => id)).size).toBe(1);
      expect(await types(opened[0]!.id, one)).toEqual(["chat.created"]);
      expect((await as(one, "chat.chat.list", {})).items).toHaveLength(1);
      expect((await as(other, "chat.chat.list", {})).items).toHaveLength(1);
    }
  });

  test("a group at once under one Idempotency-Key is one group", async () => {
    nodes.all.forEach(({ access }) => (access.jitter = 4));
    const ask = () => as(ann, "chat.chat.create", { type: "group", memberIds: [bob] }, { idempotencyKey: "key" });
    const opened = await Promise.all(times(6, ask));
    expect(new Set(opened.map(({ id }) => id)).size).toBe(1);
    expect(opened.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(await types(opened[0]!.id)).toEqual(["chat.created"]);
  });

  test("a group with rules has them", async () => {
    const rules = { historyFrom: "join", posting: "admins", slowMode: 5 } as const;
    const { id } = await group([ann, bob], rules);
    expect(await as(bob, "chat.chat.get", { chatId: id })).toMatchObject(rules);
    for (const rule of Object.entries(rules)) {
      const asked = as(ann, "chat.chat.create", { type: "direct", memberIds: [bob], ...Object.fromEntries([rule]) });
      await expect(asked).rejects.toMatchObject({ type: "bad_input", data: { errors: [{ field: rule[0] }] } });
    }
  });
});

describe("changing", () => {
  test("what is named, and nothing else; to the same again is no entry", async () => {
    const { id: chatId } = await group([ann, bob], { title: "Tea", data: { a: 1 } });
    const change = (what: object) => as(ann, "chat.chat.change", { chatId, ...what });
    const now = { title: "Tea", data: { a: 1 }, historyFrom: "all", posting: "all", slowMode: 0 };
    expect(await change({ posting: "admins" })).toMatchObject({ ...now, posting: "admins", rev: 2 });
    expect(await change({ title: null, slowMode: 10 })).toMatchObject({ ...now, posting: "admins", title: null, slowMode: 10 });
    await Promise.all(times(5, () => change({ title: null, data: { a: 1 }, slowMode: 10 })));
    await change({});
    expect(await types(chatId)).toEqual(["chat.created", "chat.changed", "chat.changed"]);
  });

  test("different things at once on two nodes leaves all of them changed", async () => {
    nodes.all.forEach(({ access }) => (access.jitter = 4));
    const { id: chatId } = await group([ann, bob]);
    const changes = [{ title: "Tea" }, { data: { a: 1 } }, { posting: "admins" as const }, { slowMode: 7 }];
    await Promise.all(changes.map((change) => as(ann, "chat.chat.change", { chatId, ...change })));
    expect(await as(bob, "chat.chat.get", { chatId })).toMatchObject(Object.assign({}, ...changes) as object);
  });

  test("is for admins of groups", async () => {
    const { id: chatId } = await group([ann, bob]);
    expect(await outcome(as(bob, "chat.chat.change", { chatId, title: "Mine" }))).toBe("chat.not_allowed");
    const { id } = await direct(ann, bob);
    expect(await outcome(as(ann, "chat.chat.change", { chatId: id, title: "Ours" }))).toBe("chat.groups_only");
  });

  test("what may be posted takes hold at once, on every node", async () => {
    const { id: chatId } = await group([ann, bob]);
    for (const node of nodes.all)
      await node.as(bob, "chat.message.send", { chatId, clientMessageId: node.broker.nodeID, text: "a" });
    await nodes.one.as(ann, "chat.chat.change", { chatId, posting: "admins" });
    expect(
      await outcomes(nodes.all.map((node) => node.as(bob, "chat.message.send", { chatId, clientMessageId: "b", text: "b" }))),
    ).toEqual(times(2, () => "chat.not_allowed"));
  });
});

describe("slow mode", () => {
  test("lets one of many at once through, on one node and on two", async () => {
    nodes.all.forEach(({ access }) => (access.jitter = 3));
    const { id: chatId } = await group([ann, bob, eve], { slowMode: 60 });
    const batch = times(5, (at) => nodes.one.as(bob, "chat.message.send", { chatId, clientMessageId: `b${at}`, text: "a" }));
    expect(await outcomes(batch)).toEqual([...times(4, () => "chat.slow_mode"), "done"]);
    expect(await outcomes(times(6, () => send(eve, chatId)))).toEqual([...times(5, () => "chat.slow_mode"), "done"]);
    expect(await outcomes(times(6, () => send(ann, chatId)))).toEqual(times(6, () => "done"));
    expect((await types(chatId)).filter((type) => type === "message.sent")).toHaveLength(8);
  });

  test("of which a node has not heard yet", async () => {
    const { one, two } = nodes;
    for (let round = 0; round < 5; round++) {
      const { id: chatId } = await one.as(ann, "chat.chat.create", { type: "group", memberIds: [bob] });
      await one.as(bob, "chat.chat.get", { chatId });
      await two.as(ann, "chat.chat.change", { chatId, slowMode: 60 });
      const ended = times(3, (at) => one.as(bob, "chat.message.send", { chatId, clientMessageId: `n${at}`, text: "a" }));
      expect(await outcomes(ended)).toEqual(["chat.slow_mode", "chat.slow_mode", "done"]);
    }
  });
});

describe("deleting", () => {
  test("takes it from everybody, with all that was said; asked for again it is done", async () => {
    const { id: chatId } = await group([ann, bob, eve]);
    const { id: messageId } = await send(bob, chatId, "secret", { data: { secret: 1 } });
    await as(bob, "chat.message.edit", { chatId, messageId, text: "secret too" });
    await as(ann, "chat.pin.add", { chatId, messageId });
    await as(eve, "chat.member.remove", { chatId, userId: eve });
    const [anns, bobs] = [await fresh(nodes.one, ann), await fresh(nodes.two, bob)];
    expect(await outcome(as(bob, "chat.chat.delete", { chatId }))).toBe("chat.not_allowed");
    expect(await outcomes(times(4, () => as(ann, "chat.chat.delete", { chatId })))).toEqual(times(4, () => "done"));
    await nodes.settle();

    for (const userId of [ann, bob, eve]) {
      expect((await as(userId, "chat.chat.list", {})).items).toEqual([]);
      expect((await as(userId, "chat.sync.pull", {})).chats).toEqual([]);
      expect(await outcome(as(userId, "chat.message.list", { chatId }))).toBe("chat.not_found");
      expect((await nodes.one.service.userLog.notes(userId, [chatId])).get(chatId)?.member ?? false).toBe(false);
    }
    for (const client of [anns, bobs]) expect((await client.pull(nodes)).view().chats).toEqual([]);
    const { store } = nodes;
    const entries = await store.entriesAfter(chatId, 0, 100);
    expect(entries.map(({ type }) => type).at(-1)).toBe("chat.deleted");
    expect(entries).toHaveLength(6);
    const stored = [entries, await store.statesOf([chatId]), await store.changesAt(chatId, [1])];
    expect(JSON.stringify(stored)).not.toContain("secret");
    expect(JSON.stringify(await as(ann, "chat.entry.range", { chatId, after: 0, limit: 100 }))).not.toContain("secret");
  });

  test("and sending at once: nothing is said after the end", async () => {
    nodes.all.forEach(({ access }) => (access.jitter = 3));
    const { id: chatId } = await group([ann, bob]);
    const [ended] = await Promise.all([outcomes(times(20, () => send(bob, chatId))), as(ann, "chat.chat.delete", { chatId })]);
    const entries = await nodes.store.entriesAfter(chatId, 0, 100);
    expect(entries.at(-1)!.type).toBe("chat.deleted");
    expect(entries.length - 2).toBe(ended.filter((word) => word === "done").length);
    expect(await outcomes([as(ann, "chat.member.add", { chatId, userIds: [bob] }), send(ann, chatId)])).toEqual(
      times(2, () => "chat.not_found"),
    );
  });

  test("a direct chat has no end", async () => {
    const { id: chatId } = await direct(ann, bob);
    expect(await outcome(as(ann, "chat.chat.delete", { chatId }))).toBe("chat.groups_only");
  });
});

describe("the list", () => {
  test("shows each chat once, page by page", async () => {
    const ids = (await Promise.all(times(7, () => group([ann, bob])))).map(({ id }) => id);
    await Promise.all(ids.map((id) => send(bob, id)));
    const seen: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page: Result<"chat.chat.list"> = await as(ann, "chat.chat.list", { limit: 2, ...(cursor ? { cursor } : {}) });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    expect([...seen].sort()).toEqual([...ids].sort());
  });

  test("goes on from where it was, also where the last of a page moves meanwhile; and passes over what one is removed from", async () => {
    const { one } = nodes;
    const ids: string[] = [];
    for (let at = 0; at < 4; at++) {
      ids.unshift((await one.as(ann, "chat.chat.create", { type: "group", memberIds: [bob] })).id);
      await pause(2);
    }
    const { done, now } = later();
    const restore = one.access.intercept("userLogOf", async (proceed) => {
      restore();
      const found = await proceed();
      await done;
      return found;
    });
    const asked = one.as(bob, "chat.chat.list", { limit: 2 });
    await pause(5);
    await one.as(ann, "chat.member.remove", { chatId: ids[0]!, userId: bob });
    await one.as(ann, "chat.message.send", { chatId: ids[1]!, clientMessageId: "n", text: "hello" });
    now();
    const first = await asked;
    expect(first.items.map(({ id }) => id)).toEqual([ids[1]]);
    const second = await one.as(bob, "chat.chat.list", { limit: 5, cursor: first.nextCursor! });
    expect(second.items.map(({ id }) => id)).toEqual(ids.slice(2));
  });
});
