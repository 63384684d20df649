import { Memberships } from "./memberships.ts";
import { later, useNodes, users } from "./testing.ts";

const nodes = useNodes();
let ann: string, bob: string;
beforeEach(() => {
  [ann, bob] = users(2) as [string, string];
});

test("a list is read once, and again only when there are more", async () => {
  const lists = new Map([[ann, ["a", "b"]]]);
  const counts = { list: 0, count: 0 };
  const memberships = new Memberships({
    chatsPerhapsOf: (userId) => (counts.list++, Promise.resolve(lists.get(userId) ?? [])),
    membershipsOf: (userId, limit) => (counts.count++, Promise.resolve(Math.min(limit, lists.get(userId)?.length ?? 0))),
  });
  const read = (userId: string) => memberships.read(userId, (chatIds) => Promise.resolve(chatIds));
  expect(await read(ann)).toEqual(["a", "b"]);
  expect(await read(ann)).toEqual(["a", "b"]);
  expect(counts).toEqual({ list: 1, count: 1 });
  lists.set(ann, ["a", "b", "c"]);
  expect(await read(ann)).toEqual(["a", "b", "c"]);
  expect(await read(ann)).toEqual(["a", "b", "c"]);
  expect(counts).toEqual({ list: 2, count: 3 });
  // Of an account that is being erased.
  lists.set(ann, []);
  expect(await read(ann)).toEqual([]);
  expect(await read(bob)).toEqual([]);
});

test("lists are let go of by their length", async () => {
  let reads = 0;
  const ids = Array.from({ length: 40 }, (_, at) => `chat ${at}`);
  const store = { chatsPerhapsOf: () => (reads++, Promise.resolve(ids)), membershipsOf: () => Promise.resolve(40) };
  const memberships = new Memberships(store, 100);
  for (const userId of ["ann", "bob", "carl", "carl", "ann"]) await memberships.read(userId, () => Promise.resolve());
  expect(reads).toBe(4);
});

test("G2: a member who was added through another node while the list is counted sees the chat once they were told", async () => {
  const { one, two } = nodes;
  await one.as(ann, "chat.chat.create", { type: "group", memberIds: [bob] });
  expect((await two.as(bob, "chat.chat.list", {})).items).toHaveLength(1);
  // The count of an earlier request is on its way.
  const counted = later();
  const goOn = later();
  const restore = two.access.intercept("membershipsOf", async (proceed) => {
    restore();
    const count = await proceed();
    counted.now();
    await goOn.done;
    return count;
  });
  const early = two.as(bob, "chat.chat.list", {});
  await counted.done;
  const { id } = await one.as(ann, "chat.chat.create", { type: "group", memberIds: [bob] });
  const [list, sync] = await Promise.all([two.as(bob, "chat.chat.list", {}), two.as(bob, "chat.sync.pull", {})]);
  goOn.now();
  await early;
  expect(list.items.map((chat) => chat.id)).toContain(id);
  expect(sync.chats.map(({ chatId }) => chatId)).toContain(id);
});
