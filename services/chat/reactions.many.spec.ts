import fc from "fast-check";
import { allMessages, times, useNodes, users } from "./testing.ts";

const nodes = useNodes();
const { as, group, send } = nodes;
afterEach(() => nodes.all.forEach(({ access }) => (access.jitter = 0)));

const emojis = ["👍", "🎉", "❤️"];

async function scene(count: number) {
  const people = users(count);
  const [ann] = people as [string];
  const { id: chatId } = await group(people);
  const { id: messageId } = await send(ann, chatId);
  return { people, ann, chatId, messageId };
}

test("of many reactions each is counted once, and their authors are known and in order, whichever nodes store them when", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(2), { minLength: 20, maxLength: 20 }), fc.nat(3), async (choices, jitter) => {
      const { people, chatId, messageId } = await scene(30);
      nodes.all.forEach(({ access }) => (access.jitter = jitter));
      const expected = new Map<string, string[]>();
      for (const [round, choice] of choices.entries()) {
        const emoji = emojis[choice]!;
        const acts = people.filter((_, at) => (at + round) % 3 === 0 || round < 2);
        await Promise.all([
          ...acts.map((by) => {
            const has = expected.get(emoji)?.includes(by) ?? false;
            // Some take it back.
            const isTaken = has && round % 2 === 1;
            const others = (expected.get(emoji) ?? []).filter((id) => id !== by);
            expected.set(emoji, isTaken ? others : has ? expected.get(emoji)! : [...others, by]);
            return as(by, isTaken ? "chat.reaction.remove" : "chat.reaction.add", { chatId, messageId, emoji });
          }),
          ...(round % 4 === 1 ? [nodes.settle()] : []),
        ]);
      }
      const counts = [...expected].filter(([, who]) => who.length > 0).map(([emoji, who]) => [emoji, new Set(who)] as const);
      const check = async () => {
        for (const viewer of people.slice(0, 5)) {
          const { message } = await as(viewer, "chat.message.get", { chatId, messageId });
          const shown = message.reactions.map(({ emoji, count, mine }) => [emoji, { count, mine }] as const);
          expect(new Map(shown)).toEqual(
            new Map(counts.map(([emoji, who]) => [emoji, { count: who.size, mine: who.has(viewer) }])),
          );
          expect(await allMessages(nodes.next(), viewer, chatId)).toEqual([message]);
          expect((await as(viewer, "chat.chat.get", { chatId })).lastMessage).toEqual(message);
        }
        const { items } = await as(people[0]!, "chat.reaction.list", { chatId, messageId });
        expect(new Map(items.map(({ emoji, userIds }) => [emoji, new Set(userIds)]))).toEqual(new Map(counts));
        // As the log has them: none twice, the first first.
        const entries = await nodes.store.entriesAfter(chatId, 0, 1000);
        for (const { emoji, userIds } of items) {
          const revs = userIds.map(
            (by) => entries.findLast((one) => one.type === "reaction.added" && one.by === by && one.body.emoji === emoji)!.rev,
          );
          expect(revs).toEqual([...revs].sort((a, b) => a - b));
        }
      };
      await check();
      nodes.all.forEach(({ access }) => (access.jitter = 0));
      await nodes.settle();
      await check();
      for (const node of nodes.all) await node.restart();
      await check();
    }),
    { numRuns: 5 },
  );
});

test("their number makes what is stored with the message no larger, and what it says is all there", async () => {
  const { people, ann, chatId, messageId } = await scene(100);
  const text = "long ".repeat(1000);
  await as(ann, "chat.message.edit", { chatId, messageId, text, data: { a: "b".repeat(4000) } });
  for (const by of people) await as(by, "chat.reaction.add", { chatId, messageId, emoji: "👍" });
  await nodes.settle();
  const { message } = await as(people[50]!, "chat.message.get", { chatId, messageId });
  expect(message).toMatchObject({ text, reactions: [{ emoji: "👍", count: 100, mine: true }] });
  const exported = await as("", "chat.person.export", { userId: people[50]!, cursor: "reactions::0" });
  expect(exported.records).toEqual([{ file: "reactions", record: { chatId, seq: 1, emoji: "👍" } }]);
  const { items } = await as(ann, "chat.reaction.list", { chatId, messageId });
  expect(items).toEqual([{ emoji: "👍", userIds: people }]);
});

test("who takes back a reaction among many, and gives it again, is the last", async () => {
  const { people, ann, chatId, messageId } = await scene(40);
  const on = { chatId, messageId, emoji: "👍" };
  for (const by of people) await as(by, "chat.reaction.add", on);
  await nodes.settle();
  await as(people[3]!, "chat.reaction.remove", on);
  await nodes.settle();
  expect((await as(people[3]!, "chat.message.get", { chatId, messageId })).message.reactions).toEqual([
    { emoji: "👍", count: 39, mine: false },
  ]);
  await as(people[3]!, "chat.reaction.add", on);
  await nodes.settle();
  const { items } = await as(ann, "chat.reaction.list", { chatId, messageId });
  expect(items[0]!.userIds).toEqual([...people.filter((_, at) => at !== 3), people[3]]);
});

test("a deleted message leaves nobody who reacted to it", async () => {
  const { people, ann, chatId, messageId } = await scene(40);
  await Promise.all(people.map((by) => as(by, "chat.reaction.add", { chatId, messageId, emoji: "👍" })));
  await nodes.settle();
  expect(await nodes.store.reactorsAt(chatId, 1)).toHaveLength(40);
  await as(ann, "chat.message.delete", { chatId, messageId });
  await nodes.settle();
  expect(await nodes.store.reactorsAt(chatId, 1)).toEqual([]);
  expect((await as(ann, "chat.message.get", { chatId, messageId })).message.reactions).toEqual([]);
});

test("a state is stored when the log has grown by a part of its weight, and not for every entry", async () => {
  const people = users(200);
  const { id: chatId } = await group(people);
  await nodes.settle();
  const kept = async () => (await nodes.store.statesOf([chatId]))[0]!.rev;
  expect(await kept()).toBe(1);
  await send(people[0]!, chatId);
  await nodes.settle();
  expect(await kept()).toBe(1);
  // Whoever begins there finds everything.
  await nodes.one.restart();
  expect(await nodes.one.as(people[1]!, "chat.chat.get", { chatId })).toMatchObject({ rev: 2, lastMessage: { text: "hello" } });
  await Promise.all(times(40, () => send(people[0]!, chatId)));
  await nodes.settle();
  expect(await kept()).toBeGreaterThan(30);
});
