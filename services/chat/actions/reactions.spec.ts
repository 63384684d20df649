import { allEntries, outcome, outcomes, times, useNodes, users } from "../testing.ts";

const nodes = useNodes({ MAX_REACTIONS: "5" });
const { as, group, send } = nodes;
afterEach(() => nodes.all.forEach(({ access }) => (access.jitter = 0)));

let ann: string, bob: string;
let chatId: string, messageId: string;
beforeEach(async () => {
  [ann, bob] = users(2) as [string, string];
  chatId = (await group([ann, bob])).id;
  messageId = (await send(ann, chatId)).id;
});

const add = (userId: string, emoji: string) => as(userId, "chat.reaction.add", { chatId, messageId, emoji });
const remove = (userId: string, emoji: string) => as(userId, "chat.reaction.remove", { chatId, messageId, emoji });
const reactions = async (userId = ann) => (await as(userId, "chat.message.get", { chatId, messageId })).message.reactions;

test.each([
  ["a face", "😀"],
  ["a skin tone", "👍🏽"],
  ["a family, joined by invisible characters", "👨‍👩‍👧‍👦"],
  ["a flag of two letters", "🇨🇭"],
  ["a flag of tags", "🏴󠁧󠁢󠁳󠁣󠁴󠁿"],
  ["a keycap", "1️⃣"],
  ["a person, a tone and a thing", "👩🏿‍🚀"],
  ["a heart as a picture", "❤️"],
])("one may react with %s", async (_name, emoji) => {
  expect((await add(ann, emoji)).message.reactions).toEqual([{ emoji, count: 1, mine: true }]);
  expect((await remove(ann, emoji)).message.reactions).toEqual([]);
});

test.each([
  ["a letter", "a"],
  ["a digit", "1"],
  ["two emoji", "👍👍"],
  ["an emoji and a space", "👍 "],
  ["a joiner alone", "\u200d"],
  ["three letters of flags", "🇨🇭🇨"],
  ["a name", ":thumbsup:"],
])("not with %s", async (_name, emoji) => {
  for (const act of [add, remove])
    await expect(act(ann, emoji)).rejects.toMatchObject({ type: "bad_input", data: { errors: [{ field: "emoji" }] } });
});

test("not with half of an emoji, which the contract refuses before", async () => {
  for (const act of [add, remove])
    await expect(act(ann, "\ud83d")).rejects.toMatchObject({ data: [{ field: "emoji", code: "malformed" }] });
});

test("a heart is the same heart, whether as a picture or as text", async () => {
  await add(ann, "\u2764");
  expect(await reactions()).toEqual([{ emoji: "\u2764\ufe0f", count: 1, mine: true }]);
  await add(bob, "\u2764\ufe0f");
  expect(await reactions()).toEqual([{ emoji: "\u2764\ufe0f", count: 2, mine: true }]);
  await remove(ann, "\u2764");
  expect(await reactions()).toEqual([{ emoji: "\u2764\ufe0f", count: 1, mine: false }]);
});

test("they are counted by emoji in the order of the first, and told apart by who looks", async () => {
  await add(ann, "👍");
  await add(bob, "🎉");
  await add(bob, "👍");
  expect(await reactions(ann)).toEqual([
    { emoji: "👍", count: 2, mine: true },
    { emoji: "🎉", count: 1, mine: false },
  ]);
  expect((await reactions(bob)).map(({ mine }) => mine)).toEqual([true, true]);
  expect((await as(ann, "chat.reaction.list", { chatId, messageId })).items).toEqual([
    { emoji: "👍", userIds: [ann, bob] },
    { emoji: "🎉", userIds: [bob] },
  ]);
});

test("one for each person and emoji, under fifty at once on two nodes; and taken back as often", async () => {
  nodes.all.forEach(({ access }) => (access.jitter = 3));
  const added = await Promise.all(times(50, (at) => add(at % 4 < 2 ? ann : bob, "👍")));
  expect(added.every(({ message }) => message.reactions[0]!.mine)).toBe(true);
  expect(await reactions()).toEqual([{ emoji: "👍", count: 2, mine: true }]);
  const added2 = (await allEntries(nodes, ann, chatId)).filter(({ type }) => type === "reaction.added");
  expect(added2.map(({ by }) => by).sort()).toEqual([ann, bob].sort());
  await Promise.all(times(20, () => remove(ann, "👍")));
  expect(await reactions()).toEqual([{ emoji: "👍", count: 1, mine: false }]);
  expect((await allEntries(nodes, ann, chatId)).filter(({ type }) => type === "reaction.removed")).toHaveLength(1);
});

test("adding and taking back at once ends as the log says", async () => {
  nodes.all.forEach(({ access }) => (access.jitter = 3));
  await Promise.all(times(30, (at) => (at % 3 ? add : remove)(ann, "👍")));
  const said = (await allEntries(nodes, ann, chatId)).map(({ type }) => type).filter((type) => type.startsWith("reaction"));
  // Never twice the same in a row.
  expect(said.every((type, at) => type !== said[at - 1])).toBe(true);
  expect((await reactions()).length).toBe(said.at(-1) === "reaction.added" ? 1 : 0);
});

test("so many different ones and no more; those that are there may be joined", async () => {
  for (const emoji of ["1️⃣", "2️⃣", "3️⃣", "4️⃣", "5️⃣"]) await add(ann, emoji);
  expect(await outcome(add(bob, "6️⃣"))).toBe("chat.too_many_reactions");
  expect(await outcome(add(bob, "5️⃣"))).toBe("done");
  await remove(ann, "1️⃣");
  expect(await outcome(add(bob, "6️⃣"))).toBe("done");
});

test("of a message that is not there there is nothing to react to", async () => {
  const [other] = users(1) as [string];
  const ended = [
    as(ann, "chat.reaction.add", { chatId, messageId: other, emoji: "👍" }),
    as(ann, "chat.reaction.remove", { chatId, messageId: other, emoji: "👍" }),
    as(ann, "chat.reaction.list", { chatId, messageId: other }),
  ];
  expect(await outcomes(ended)).toEqual(times(3, () => "chat.message_not_found"));
});
