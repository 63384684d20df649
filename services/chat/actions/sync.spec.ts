import type { EntryType, Params, UserEntryType } from "@confab/contracts";
import { Entry, UserEntry } from "@confab/contracts/chat.ts";
import { Unavailable } from "@confab/mixins/store/collection.ts";
import fc from "fast-check";
import { setTimeout as pause } from "node:timers/promises";
import { v7 as uuid } from "uuid";
import { outcome, times, useNodes, users, type TestNode } from "../testing.ts";
import { place, type StoredEntry } from "../store/documents.ts";
import { catchesUp, Client, fresh } from "../testing.client.ts";

const nodes = useNodes({ MAX_MEMBERS: "20" });
const { as, group, send, direct } = nodes;

let ann: string, bob: string, eve: string, zoe: string;
beforeEach(() => {
  [ann, bob, eve, zoe] = users(4) as [string, string, string, string];
});

/** A group of ann, bob and eve in which something was said, and bob's device that knows all of it. */
async function scene() {
  const { id: chatId } = await group([ann, bob, eve], { title: "Tea" });
  const messages = [await send(ann, chatId, "one"), await send(bob, chatId, "two"), await send(eve, chatId, "three")];
  await as(eve, "chat.reaction.add", { chatId, messageId: messages[0]!.id, emoji: "👍" });
  await as(ann, "chat.pin.add", { chatId, messageId: messages[1]!.id });
  await as(ann, "chat.ban.add", { chatId, userId: zoe });
  await nodes.settle();
  const bobs = await fresh(nodes.two, bob);
  const [first, second, third] = messages.map(({ id }) => id) as [string, string, string];
  return { chatId, first, second, third, bobs };
}
type Scene = Awaited<ReturnType<typeof scene>>;

const types = (union: { anyOf: { properties: { type: { const: string } } }[] }) =>
  union.anyOf.map(({ properties }) => properties.type.const).sort();

/** Every kind of change of a chat, as others make it and as oneself makes it on another device. */
const changes: Record<EntryType, ((scene: Scene) => Promise<unknown>)[]> = {
  "chat.created": [() => group([ann, bob]), () => group([bob]), () => direct(ann, bob)],
  "chat.changed": [
    ({ chatId }) =>
      as(ann, "chat.chat.change", { chatId, title: null, data: { a: 1 }, posting: "admins", slowMode: 5, historyFrom: "join" }),
  ],
  "chat.deleted": [({ chatId }) => as(ann, "chat.chat.delete", { chatId })],
  "message.sent": [
    ({ chatId, first }) => send(ann, chatId, "more", { replyTo: first, mentions: [bob], data: { b: 2 } }),
    ({ chatId }) => send(bob, chatId, "mine", { mentions: "all" }),
    ({ chatId }) => Promise.all(times(60, (at) => send(at % 2 ? ann : eve, chatId, `${at}`, { mentions: "all" }))),
  ],
  "message.edited": [
    ({ chatId, first }) =>
      as(ann, "chat.message.edit", { chatId, messageId: first, text: "ONE", mentions: [bob], data: { c: 3 } }),
    ({ chatId, second }) => as(bob, "chat.message.edit", { chatId, messageId: second, text: "TWO" }),
  ],
  "message.deleted": [
    ({ chatId, first }) => as(ann, "chat.message.delete", { chatId, messageId: first }),
    ({ chatId, second }) => as(ann, "chat.message.delete", { chatId, messageId: second }),
    ({ chatId, third }) => as(ann, "chat.message.delete", { chatId, messageId: third }),
    async ({ chatId, third }) => {
      await as(eve, "chat.message.edit", { chatId, messageId: third, text: "THREE", mentions: [bob] });
      await as(bob, "chat.reaction.add", { chatId, messageId: third, emoji: "❤️" });
      await as(ann, "chat.pin.add", { chatId, messageId: third });
      await as(eve, "chat.message.delete", { chatId, messageId: third });
    },
  ],
  "reaction.added": [
    ({ chatId, first }) => as(bob, "chat.reaction.add", { chatId, messageId: first, emoji: "👍" }),
    ({ chatId, third }) => as(ann, "chat.reaction.add", { chatId, messageId: third, emoji: "🎉" }),
  ],
  "reaction.removed": [
    ({ chatId, first }) => as(eve, "chat.reaction.remove", { chatId, messageId: first, emoji: "👍" }),
    async ({ chatId, first }) => {
      await as(bob, "chat.reaction.add", { chatId, messageId: first, emoji: "👍" });
      await as(bob, "chat.reaction.remove", { chatId, messageId: first, emoji: "👍" });
    },
  ],
  "pin.added": [({ chatId, first }) => as(ann, "chat.pin.add", { chatId, messageId: first })],
  "pin.removed": [({ chatId, second }) => as(ann, "chat.pin.remove", { chatId, messageId: second })],
  "member.added": [
    ({ chatId }) => as(ann, "chat.member.add", { chatId, userIds: users(2) }),
    async ({ chatId }) => {
      const { code } = await as(ann, "chat.invite.create", { chatId });
      await as(uuid(), "chat.invite.accept", { code });
    },
  ],
  "member.removed": [
    ({ chatId }) => as(eve, "chat.member.remove", { chatId, userId: eve }),
    ({ chatId }) => as(ann, "chat.member.remove", { chatId, userId: bob }),
    ({ chatId }) => as(bob, "chat.member.remove", { chatId, userId: bob }),
    ({ chatId }) => as(ann, "chat.ban.add", { chatId, userId: bob }),
    ({ chatId }) => as(ann, "chat.ban.add", { chatId, userId: eve }),
  ],
  "member.changed": [
    ({ chatId }) => as(ann, "chat.member.change", { chatId, userId: bob, role: "admin" }),
    ({ chatId }) => as(ann, "chat.member.change", { chatId, userId: eve, role: "owner" }),
  ],
  "ban.added": [({ chatId }) => as(ann, "chat.ban.add", { chatId, userId: uuid() })],
  "ban.removed": [({ chatId }) => as(ann, "chat.ban.remove", { chatId, userId: zoe })],
};

const noted = (change: Omit<Params<"chat.me.change">, "chatId">) => async (scene: Scene) =>
  as(bob, "chat.me.change", { chatId: scene.chatId, ...change });

/** Every kind of change of what is one's own, made on another device. */
const ownChanges: Record<UserEntryType, ((scene: Scene) => Promise<unknown>)[]> = {
  "chat.noted": [
    noted({ mutedUntil: "2030-01-01T00:00:00.000Z" }),
    noted({ pinned: true }),
    noted({ archived: true }),
    noted({ markedUnread: true }),
    async (scene) => {
      await noted({ mutedUntil: "2030-01-01T00:00:00.000Z", pinned: true, archived: true, markedUnread: true })(scene);
      await noted({ mutedUntil: null, pinned: false, archived: false, markedUnread: false })(scene);
    },
    ({ chatId }) => as(bob, "chat.receipt.move", { delivered: { [chatId]: 3 } }),
    ({ chatId }) => as(bob, "chat.receipt.move", { read: { [chatId]: 3 } }),
  ],
  "block.changed": [
    () => as(bob, "chat.block.add", { userId: eve }),
    async () => {
      await as(bob, "chat.block.add", { userId: eve });
      await as(bob, "chat.block.add", { userId: zoe });
      await as(bob, "chat.block.remove", { userId: eve });
    },
  ],
  "preferences.changed": [() => as(bob, "chat.preference.change", { readReceipts: false, presence: false })],
  "profile.changed": [() => as(bob, "chat.profile.note", { userId: bob, name: "Bob", avatar: null, version: 1 })],
};

describe("G4: what a client knew and what sync tells it is what there is", () => {
  test("of every kind of change there is one here", () => {
    expect(Object.keys(changes).sort()).toEqual(types(Entry));
    expect(Object.keys(ownChanges).sort()).toEqual(types(UserEntry));
  });

  const rows = Object.entries(changes).flatMap(([type, all]) => all.map((change, at) => [type, at + 1, change] as const));
  test.each(rows)("after %s (%i)", async (type, _at, change) => {
    const here = await scene();
    const { resets } = here.bobs;
    const told = await catchesUp(nodes, here.bobs, () => change(here));
    if (type === "chat.created" || type === "chat.deleted") expect(here.bobs.resets).toBe(resets + 1);
    else {
      expect(told).toContain(type);
      expect(here.bobs.resets).toBe(resets);
    }
    // There is nothing more to be told.
    expect(await catchesUp(nodes, here.bobs, () => Promise.resolve())).toEqual([]);
  });

  const ownRows = Object.entries(ownChanges).flatMap(([type, all]) => all.map((change, at) => [type, at + 1, change] as const));
  test.each(ownRows)("after %s on another device (%i)", async (type, _at, change) => {
    const here = await scene();
    expect(await catchesUp(nodes, here.bobs, () => change(here))).toEqual(expect.arrayContaining([type]));
  });

  test("after a week in which all of it happened", async () => {
    const here = await scene();
    await catchesUp(nodes, here.bobs, async () => {
      const all = [...Object.values(changes).flat(), ...Object.values(ownChanges).flat()];
      for (const change of all) await outcome(change(here));
      const again = await scene();
      for (const change of all.filter((one) => !changes["chat.deleted"].includes(one))) await outcome(change(again));
    });
  });

  test("after being let in by others, and by a link", async () => {
    const { id: chatId } = await group([ann], { historyFrom: "join" });
    await send(ann, chatId, "before");
    const bobs = await fresh(nodes.one, bob);
    await catchesUp(nodes, bobs, () => as(ann, "chat.member.add", { chatId, userIds: [bob] }));
    const { code } = await as(ann, "chat.invite.create", { chatId });
    const eves = await fresh(nodes.one, eve);
    await catchesUp(nodes, eves, () => as(eve, "chat.invite.accept", { code }));
    expect(eves.known.chats.get(chatId)!.messages.size).toBe(0);
    await catchesUp(nodes, eves, () => send(ann, chatId, "after", { mentions: "all" }));
    expect(eves.view().chats[0]![1].chat).toMatchObject({ unreadCount: 1, unreadMentions: 1 });
  });

  test("after what happens to a message from before one's time", async () => {
    const { id: chatId } = await group([ann], { historyFrom: "join" });
    const { id: messageId } = await send(ann, chatId, "before");
    await as(ann, "chat.member.add", { chatId, userIds: [bob] });
    const bobs = await fresh(nodes.one, bob);
    await catchesUp(nodes, bobs, () => as(ann, "chat.pin.add", { chatId, messageId }));
    await catchesUp(nodes, bobs, () => as(ann, "chat.reaction.add", { chatId, messageId, emoji: "👍" }));
    await catchesUp(nodes, bobs, () => as(ann, "chat.message.edit", { chatId, messageId, text: "BEFORE", mentions: "all" }));
    await catchesUp(nodes, bobs, () => as(ann, "chat.message.delete", { chatId, messageId }));
  });

  test("after going and coming back, seen in one go or step by step", async () => {
    const here = await scene();
    const { chatId } = here;
    const steps = [
      () => as(ann, "chat.member.remove", { chatId, userId: bob }),
      () => send(ann, chatId, "behind bob's back"),
      () => as(ann, "chat.member.add", { chatId, userIds: [bob] }),
      () => send(ann, chatId, "welcome back"),
    ];
    const other = here.bobs.clone();
    for (const step of steps) await catchesUp(nodes, here.bobs, step);
    expect((await other.pull(nodes)).view()).toEqual(here.bobs.view());
    expect(here.bobs.view().chats[0]![1].messages.map(({ text }) => text)).toEqual(["one", "two", "three", "welcome back"]);
  });

  test("after going and coming back with nothing between", async () => {
    const here = await scene();
    const { chatId } = here;
    await catchesUp(nodes, here.bobs, async () => {
      await as(bob, "chat.member.remove", { chatId, userId: bob });
      await as(ann, "chat.member.add", { chatId, userIds: [bob] });
    });
  });

  test("with a rev that one left with, too", async () => {
    const here = await scene();
    const { chatId } = here;
    await as(ann, "chat.member.remove", { chatId, userId: bob });
    const left = (await nodes.one.service.chats.latest(chatId)).rev;
    await as(ann, "chat.member.add", { chatId, userIds: [bob] });
    const answer = await as(bob, "chat.sync.pull", { chats: { [chatId]: left } });
    const [part] = answer.chats;
    // Whether by its steps or anew: from there on all of it, the coming back with it.
    expect(part!.rev).toBe(left + 1);
    if (!part!.reset) expect(part!.entries.map(({ rev }) => rev)).toEqual([left + 1]);
  });

  test("when the store is another one", async () => {
    const here = await scene();
    here.bobs.known.epoch = "another";
    await here.bobs.pull(nodes, 2);
    expect(here.bobs.view()).toEqual((await fresh(nodes.one, bob)).view());
  });

  test("in the middle of pages: what the store answers for another epoch is not mixed with what was known", async () => {
    const here = await scene();
    await group([ann, bob]);
    const other = here.bobs.clone();
    other.known.epoch = "another";
    for (const known of other.known.chats.values()) known.rev = 1;
    other.known.userRev = 1;
    await other.pull(nodes, 1);
    expect(other.view()).toEqual((await fresh(nodes.one, bob)).view());
  });
});

test("whoever is far behind starts over with the newest page, also while it is written to", async () => {
  const here = await scene();
  const { chatId, first } = here;
  const near = here.bobs.clone();
  await Promise.all(times(997, (at) => send(at % 2 ? ann : eve, chatId, `${at}`)));
  await as(ann, "chat.message.edit", { chatId, messageId: first, text: "ONE" });
  const resets = near.resets;
  await Promise.all([near.pull(nodes.one), send(ann, chatId, "meanwhile"), send(eve, chatId, "meanwhile")]);
  // A thousand steps are told step by step, also if two of them come while it is answered; more are not.
  expect(near.resets).toBe(resets);
  await send(ann, chatId, "one too many");
  const far = here.bobs.clone();
  await far.page(nodes);
  expect(far.resets).toBe(1);
  expect(far.known.chats.get(chatId)!.messages.size).toBe(50);
  await Promise.all([far.pull(nodes), near.pull(nodes)]);
  await Promise.all([far.pull(nodes), near.pull(nodes)]);
  const now = (await fresh(nodes.one, bob)).view();
  expect(near.view()).toEqual(now);
  expect(far.view()).toEqual(now);
  // Also where it is the end that is so far away, and where one has come back since.
  const [gone, back] = [here.bobs.clone(), here.bobs.clone()];
  await as(ann, "chat.member.remove", { chatId, userId: bob });
  expect((await gone.pull(nodes)).view().chats).toEqual([]);
  expect((await far.pull(nodes)).view().chats).toEqual([]);
  await as(ann, "chat.member.add", { chatId, userIds: [bob] });
  expect((await back.pull(nodes)).view().chats).toEqual((await fresh(nodes.one, bob)).view().chats);
});

test("more of one's own log than an answer holds comes in pages, and no chat is left out for it", async () => {
  const { chatId } = await scene();
  await nodes.one.service.userLog.append(
    bob,
    times(2000, (at) => ({
      subject: `block:${at}`,
      type: "block.changed" as const,
      decide: () => ({ userId: `${at}`, blocked: true }),
    })),
  );
  const now = (await fresh(nodes.two, bob)).view();
  expect(now.blocked).toHaveLength(2000);
  expect(now.chats.map(([id]) => id)).toEqual([chatId]);
  const device = new Client(bob);
  let pages = 1;
  while (await device.page(nodes, 1000)) pages++;
  expect(pages).toBeGreaterThan(2);
  expect((await device.pull(nodes)).view()).toEqual(now);
  // Whoever hands it on gets it in pages too.
  const revs: number[] = [];
  for (let after = 0; after < now.userRev;) {
    const { userRev, items } = await as("", "chat.user.range", { userId: bob, after });
    expect(JSON.stringify(items).length).toBeLessThan(1_000_000);
    revs.push(...items.map((entry) => entry.userRev));
    after = userRev;
  }
  expect(revs).toHaveLength(2001);
  expect(revs.at(-1)).toBe(now.userRev);
});

test("what has gone on is told of chats and users, and nothing else", async () => {
  const { chatId } = await scene();
  const other = (await group([ann, bob])).id;
  await nodes.settle();
  const { userRev } = await as(bob, "chat.sync.pull", {});
  const ask = (rev: number, of: number) =>
    as("", "chat.head.list", { chats: { [chatId]: rev, [other]: 1, [uuid()]: 0 }, users: { [bob]: of, [uuid()]: 0 } });
  expect(await ask(7, userRev)).toMatchObject({ chats: [], users: [] });
  expect(await ask(6, userRev)).toMatchObject({ chats: [chatId], users: [] });
  expect(await ask(2, userRev - 1)).toMatchObject({ chats: [chatId], users: [bob] });
  expect((await as("", "chat.entry.range", { chatId, after: 5, limit: 10 })).items.map(({ rev }) => rev)).toEqual([6, 7]);
});

test("G9: an entry of a later version has its place, and everything goes on around it", async () => {
  const { chatId, bobs } = await scene();
  const { rev, lastSeq } = await nodes.one.service.chats.latest(chatId);
  const later = { chatId, rev: rev + 1, seq: lastSeq, key: "poll", type: "poll.opened", by: ann, at: Date.now(), body: { x: 1 } };
  await nodes.store.append([{ _id: place(chatId, rev + 1), ...later } as unknown as StoredEntry], false);
  await send(ann, chatId, "after");
  await nodes.settle();
  await catchesUp(nodes, bobs, () => as(ann, "chat.chat.change", { chatId, title: "Later" }));
  expect(bobs.told.slice(-3)).toEqual(["poll.opened", "message.sent", "chat.changed"]);
  await nodes.two.restart();
  expect(await nodes.two.as(bob, "chat.chat.get", { chatId })).toMatchObject({ rev: rev + 3, lastSeq: lastSeq + 1 });
});

/** The next entries that this node stores are there, and it does not hear of it. */
function loseAnswer({ access }: TestNode): void {
  const restore = access.intercept("append", async (proceed) => {
    restore();
    await proceed();
    throw new Unavailable(new Error("cut after it was stored"));
  });
}

const embedded = useNodes({ MAX_MEMBERS: "20" }, 1);

describe.each([
  ["on two nodes", nodes],
  ["on one by itself", embedded],
])("whatever happens, in whatever order, %s", (_name, cluster) => {
  const people = 4;
  const pick = fc.nat({ max: 1000 });
  const step = fc.record({ who: pick, what: pick, where: pick, whom: pick, node: pick });
  type Step = { who: number; what: number; where: number; whom: number; node: number };
  const round = fc.record({
    together: fc.array(step, { minLength: 1, maxLength: 4 }),
    pages: fc.array(fc.record({ who: pick, node: pick, limit: fc.integer({ min: 1, max: 3 }) }), { maxLength: 2 }),
    settles: fc.boolean(),
    fault: fc.nat({ max: 9 }).map((die) => (["restart", "lost answer"] as const)[die]),
  });

  afterAll(() => cluster.all.forEach(({ access }) => (access.jitter = 0)));

  test("each client ends with what there is", async () => {
    cluster.all.forEach(({ access }, at) => (access.jitter = 3 + 3 * at));
    await fc.assert(
      fc.asyncProperty(fc.array(round, { minLength: 3, maxLength: 14 }), async (rounds) => {
        const everybody = users(people);
        const chats = [
          (await cluster.group(everybody)).id,
          (await cluster.group(everybody.slice(0, 3), { historyFrom: "join" })).id,
          (await cluster.direct(everybody[0]!, everybody[1]!)).id,
        ];
        const said = chats.map((): string[] => []);
        const clients = everybody.map((userId) => new Client(userId));

        const act = async ({ who, what, where, whom, node }: Step): Promise<unknown> => {
          const via: TestNode = cluster.all[node % cluster.all.length]!;
          const [by, userId] = [everybody[who % people]!, everybody[whom % people]!];
          const chatAt = where % chats.length;
          const chatId = chats[chatAt]!;
          const known = said[chatAt]!;
          const messageId = known[whom % Math.max(1, known.length)] ?? uuid();
          const emoji = ["👍", "❤️", "🎉"][whom % 3]!;
          const sends = async () => {
            const mentions = whom % 3 === 0 ? "all" : whom % 3 === 1 ? [userId] : [];
            const { message } = await via.as(by, "chat.message.send", { chatId, clientMessageId: uuid(), text: "a", mentions });
            known.push(message.id);
          };
          const acts: (() => Promise<unknown>)[] = [
            sends,
            sends,
            sends,
            () => via.as(by, "chat.message.edit", { chatId, messageId, text: `b${whom}` }),
            () => via.as(by, "chat.message.delete", { chatId, messageId }),
            () => via.as(by, "chat.reaction.add", { chatId, messageId, emoji }),
            () => via.as(by, "chat.reaction.add", { chatId, messageId, emoji }),
            () => via.as(by, "chat.reaction.remove", { chatId, messageId, emoji }),
            () => via.as(by, "chat.pin.add", { chatId, messageId }),
            () => via.as(by, "chat.pin.remove", { chatId, messageId }),
            () => via.as(by, "chat.member.add", { chatId, userIds: [userId] }),
            () => via.as(by, "chat.member.remove", { chatId, userId }),
            () => via.as(by, "chat.member.remove", { chatId, userId: by }),
            () => via.as(by, "chat.member.change", { chatId, userId, role: (["owner", "admin", "member"] as const)[what % 3]! }),
            () => via.as(by, "chat.ban.add", { chatId, userId }),
            () => via.as(by, "chat.ban.remove", { chatId, userId }),
            () =>
              via.as(by, "chat.chat.change", {
                chatId,
                title: `t${whom}`,
                historyFrom: whom % 2 ? "all" : "join",
                posting: whom % 5 === 0 ? "admins" : "all",
              }),
            () => via.as(by, "chat.receipt.move", { read: { [chatId]: whom % 9 }, delivered: { [chatId]: where % 9 } }),
            () => via.as(by, "chat.me.change", { chatId, pinned: whom % 2 === 0, markedUnread: where % 2 === 0 }),
            () => via.as(by, whom % 3 ? "chat.block.add" : "chat.block.remove", { userId }),
            () => via.as(by, "chat.preference.change", { presence: whom % 2 === 0 }),
            () => via.as(by, "chat.chat.list", { limit: 2 }),
            () => via.as(by, "chat.receipt.list", { chatId }),
            () => via.as(by, "chat.entry.list", { chatId }),
          ];
          return outcome(acts[what % acts.length]!());
        };
        /** Whether what a node was asked that went down meanwhile was done is what the log says. */
        const unlessKilled = (asked: Promise<unknown>) =>
          asked.catch((err: Error) => {
            if (err.message !== "this node was killed") throw err;
          });
        const readPages = async (pages: { who: number; node: number; limit: number }[]) => {
          for (const { who, node, limit } of pages)
            await clients[who % people]!.page(cluster.all[node % cluster.all.length]!, limit);
        };
        for (const { together, pages, settles, fault } of rounds) {
          if (fault === "lost answer") loseAnswer(cluster.next());
          // Some read while others write, and a node may go down.
          const under = [...together.map(act), readPages(pages)].map(unlessKilled);
          if (fault === "restart") under.push(pause(1).then(() => cluster.next().restart()));
          await Promise.all(under);
          if (settles) await cluster.next().settle();
        }
        // Whoever looks at a chat sees to it that what is derived from it is stored.
        for (const client of clients) await client.page(cluster);
        await cluster.settle();
        for (const client of clients) {
          await client.pull(cluster, 3);
          const now = (await fresh(cluster, client.userId)).view();
          expect(client.view()).toEqual(now);
          // What one's own log says of a chat is whether one is in it.
          const noted = now.notes.filter(([, { member }]) => member).map(([chatId]) => chatId);
          expect(noted).toEqual(now.chats.map(([chatId]) => chatId));
        }
      }),
      { numRuns: 25 },
    );
  });
});
