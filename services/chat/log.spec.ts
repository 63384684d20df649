import { setTimeout as pause } from "node:timers/promises";
import { openTestStore } from "@confab/mixins/store/testing.ts";
import { Unavailable, type Outcome } from "@confab/mixins/store/collection.ts";
import { problem } from "@confab/mixins/problem.ts";
import { newRules } from "./actions/chats.ts";
import { ChatLog, type Intent } from "./log.ts";
import { Projector } from "./projector.ts";
import { ChatStore } from "./store/chat.store.ts";
import type { StoredEntry } from "./store/documents.ts";
import { UserLog } from "./userlog.ts";
import { WarmChats } from "./warm.ts";

const chatId = "chat";
let names = 0;

/** Two nodes on one store are two logs on one ChatStore that says it is shared. */
async function openShared(): Promise<ChatStore> {
  const store = await ChatStore.open(openTestStore());
  return Object.assign(store, { shared: true });
}

const projector = (store: ChatStore) => new Projector(store, new UserLog(store, () => {}));

function node(store: ChatStore) {
  const told: StoredEntry[] = [];
  const onError = (err: unknown) => {
    throw err as Error;
  };
  const chats = new WarmChats(store, projector(store), { onError, onRebuild: onError });
  const log = new ChatLog(store, chats, (entries) => told.push(...entries));
  return { log, chats, told };
}

const create = (members = ["ann", "bob"]): Intent<"chat.created"> => ({
  chatId,
  type: "chat.created",
  by: "ann",
  key: "chat.created",
  body: { type: "group", title: null, data: "{}", ...newRules, members: members.map((userId) => ({ userId, role: "member" })) },
  decide: () => {},
});

const message = (by: string, name = `n${++names}`): Intent<"message.sent"> => ({
  chatId,
  type: "message.sent",
  by,
  key: `m:${by}:${name}`,
  aside: name,
  body: { id: `${by}-${name}-${++names}`, clientMessageId: name, text: "hello", data: "{}" },
  decide: (state) => {
    if (!state.members.has(by)) throw problem("chat.not_found");
  },
});

const revs = (entries: StoredEntry[]) => entries.map(({ rev }) => rev);
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

test("what waits together shares a write and takes neighbouring places", async () => {
  const { log } = node(await openShared());
  await log.append(create());
  const before = log.counts.writes;
  const appended = await Promise.all(Array.from({ length: 100 }, () => log.append(message("ann"))));
  expect(revs(appended.map(({ entry }) => entry))).toEqual(upTo(101).slice(1));
  expect(appended.map(({ entry }) => entry.seq)).toEqual(upTo(100));
  expect(log.counts.writes - before).toBeLessThan(5);
});

test("two nodes that append at once take every place once", async () => {
  const store = await openShared();
  const [one, two] = [node(store), node(store)];
  await one.log.append(create());
  await Promise.all(Array.from({ length: 200 }, (_, i) => [one, two][i % 2]!.log.append(message(i % 3 ? "ann" : "bob"))));
  const entries = await store.entriesAfter(chatId, 0, 1000);
  expect(revs(entries)).toEqual(upTo(201));
  expect(entries.filter(({ seqKey }) => seqKey).map(({ seq }) => seq)).toEqual(upTo(200));
  expect(one.log.counts.conflicts + two.log.counts.conflicts).toBeGreaterThan(0);
  expect([...revs(one.told), ...revs(two.told)].sort((a, b) => a - b)).toEqual(upTo(201));
});

test("one name is one message, in one batch, in the next and through another node", async () => {
  const store = await openShared();
  const [one, two] = [node(store), node(store)];
  await one.log.append(create());
  const sent = await Promise.all(Array.from({ length: 50 }, (_, i) => [one, two][i % 2]!.log.append(message("ann", "same"))));
  sent.push(await two.log.append(message("ann", "same")));
  expect(new Set(sent.map(({ entry }) => (entry.body as { id: string }).id)).size).toBe(1);
  expect(sent.filter(({ isNew }) => isNew)).toHaveLength(1);
  expect((await store.entriesAfter(chatId, 0, 10)).length).toBe(2);
});

test("a refusal counts only on a state that was read after the asking", async () => {
  const store = await openShared();
  const [one, two] = [node(store), node(store)];
  // Two has looked at the chat while it was empty.
  await two.chats.warm(chatId);
  await one.log.append(create());
  await expect(two.log.append(message("bob"))).resolves.toMatchObject({ isNew: true });
  await expect(two.log.append(message("eve"))).rejects.toMatchObject({ type: "chat.not_found" });
});

test("where n+1 is refused, n+2 is not stored", async () => {
  const store = await openShared();
  const { log } = node(store);
  await log.append(create());
  const names = ["a", "b", "c", "d"];
  await log.append(message("ann", "b"));
  await Promise.all(names.map((name) => log.append(message("ann", name))));
  const entries = await store.entriesAfter(chatId, 0, 100);
  expect(revs(entries)).toEqual(upTo(5));
});

test("a write whose answer is lost is neither lost nor doubled", async () => {
  const store = await openShared();
  const { log } = node(store);
  await log.append(create());
  const append = store.append.bind(store);
  let cut = 0;
  store.append = async (entries, ordered): Promise<Outcome[]> => {
    const outcomes = await append(entries, ordered);
    if (cut++ === 0) throw new Unavailable(new Error("cut after it was stored"));
    return outcomes;
  };
  const sent = await Promise.all(["a", "b", "c"].map((name) => log.append(message("ann", name))));
  expect(cut).toBeGreaterThan(1);
  expect(sent.map(({ isNew }) => isNew)).toEqual([true, true, true]);
  expect(revs(await store.entriesAfter(chatId, 0, 100))).toEqual(upTo(4));
});

test("what was stored by a write whose answer is lost is told all the same", async () => {
  const store = await openShared();
  const { log, told } = node(store);
  const append = store.append.bind(store);
  let cut = 0;
  store.append = async (entries, ordered): Promise<Outcome[]> => {
    const outcomes = await append(entries, ordered);
    if (cut++ % 2 === 0) throw new Unavailable(new Error("cut after it was stored"));
    return outcomes;
  };
  await log.append(create());
  await log.append(message("ann"));
  expect(new Set(revs(told))).toEqual(new Set([1, 2]));
});

test("what waits behind a write that hangs does not happen after its sender was told no", async () => {
  const store = await openShared();
  const { log } = node(store);
  await log.append(create());
  const append = store.append.bind(store);
  let release = () => {};
  store.append = async (entries, ordered) => {
    await new Promise<void>((resolve) => (release = resolve));
    return append(entries, ordered);
  };
  const first = log.append(message("ann", "first"));
  await pause(50);
  const second = log.append(message("ann", "second"));
  const now = jest.spyOn(Date, "now").mockReturnValue(Date.now() + 20_000);
  release();
  await expect(first).resolves.toMatchObject({ isNew: true });
  await expect(second).rejects.toMatchObject({ type: "unavailable" });
  now.mockRestore();
  expect(revs(await store.entriesAfter(chatId, 0, 100))).toEqual([1, 2]);
});

test("an unreachable store ends in a 503 that is safe to repeat", async () => {
  const store = await openShared();
  const { log } = node(store);
  await log.append(create());
  const append = store.append;
  store.append = () => Promise.reject(new Unavailable(new Error("gone")));
  await expect(log.append(message("ann", "late"))).rejects.toMatchObject({ type: "unavailable" });
  store.append = append;
  await expect(log.append(message("ann", "late"))).resolves.toMatchObject({ isNew: true });
});

test("a chat that cools down while its message waits is read again", async () => {
  const store = await openShared();
  const ignore = () => {};
  const chats = new WarmChats(store, projector(store), { onError: ignore, onRebuild: ignore }, 1000);
  const log = new ChatLog(store, chats, () => {});
  await log.append(create());
  await log.append({ ...create(), chatId: "other" });
  await Promise.all(Array.from({ length: 20 }, (_, i) => log.append({ ...message("ann"), chatId: i % 2 ? chatId : "other" })));
  expect(revs(await store.entriesAfter(chatId, 0, 100))).toEqual(upTo(11));
  expect(revs(await store.entriesAfter("other", 0, 100))).toEqual(upTo(11));
});

test("in a chat no entry is of a time before the one before it, unless a clock was far ahead", async () => {
  const store = await openShared();
  const [one, two] = [node(store), node(store)];
  await one.log.append(create());
  const now = Date.now();
  const clock = jest.spyOn(Date, "now");
  clock.mockReturnValue(now + 20_000);
  await one.log.append(message("ann"));
  clock.mockReturnValue(now);
  const [late, same] = await Promise.all([two.log.append(message("bob")), two.log.append(message("bob"))]);
  expect([late.entry.at, same.entry.at]).toEqual([now + 20_000, now + 20_000]);
  clock.mockReturnValue(now + 86_400_000);
  await one.log.append(message("ann"));
  clock.mockReturnValue(now + 21_000);
  expect((await two.log.append(message("bob"))).entry.at).toBe(now + 21_000);
  clock.mockRestore();
});
