import type { ActionName, Params, Result } from "@confab/contracts";
import { ProblemRegenerator } from "@confab/mixins/problem.ts";
import { ContractValidator } from "@confab/mixins/validator.ts";
import { ServiceBroker } from "moleculer";
import { v7 as uuid } from "uuid";
import chatService from "../chat.service.ts";
import type { ChatService } from "../service.ts";

const broker = new ServiceBroker({
  logger: false,
  validator: new ContractValidator(),
  errorRegenerator: new ProblemRegenerator(),
});
broker.createService(chatService({ DATA_DIR: "memory" }));
broker.createService({
  name: "user",
  actions: { "profile.known": (ctx: { params: { userIds: string[] } }) => ({ userIds: ctx.params.userIds }) },
});
beforeAll(() => broker.start());
afterAll(() => broker.stop());
afterEach(() => jest.restoreAllMocks());

const as = <N extends ActionName>(userId: string, name: N, params: Params<N>): Promise<Result<N>> =>
  broker.call<Result<N> & object, Params<N>>(name, params, { meta: { userId } });
const group = async (owner: string, ...memberIds: string[]) =>
  (await as(owner, "chat.chat.create", { type: "group", memberIds })).id;
const send = async (userId: string, chatId: string, text: string) =>
  (await as(userId, "chat.message.send", { chatId, clientMessageId: uuid(), text })).message;
const find = (userId: string, params: Params<"chat.search.find">) => as(userId, "chat.search.find", params);
const texts = async (userId: string, q: string, more: Partial<Params<"chat.search.find">> = {}) =>
  (await find(userId, { q, ...more })).items.map(({ message }) => message.text);
const service = () => broker.getLocalService("chat") as unknown as ChatService;

let ann: string, bob: string, eve: string, chatId: string;
beforeEach(async () => {
  [ann, bob, eve] = [uuid(), uuid(), uuid()];
  chatId = await group(ann, bob);
});

test("what was just said is found, with its words marked", async () => {
  const message = await send(ann, chatId, "Der Zug nach Zürich, Zugabteil 7");
  const { items, nextCursor } = await find(bob, { q: "zurich zug" });
  expect(items).toEqual([
    {
      message,
      marks: [
        { start: 4, end: 7 },
        { start: 13, end: 19 },
        { start: 21, end: 30 },
      ],
    },
  ]);
  expect(nextCursor).toBeNull();
});

test("only in one's own chats, and in those that are asked for", async () => {
  const other = await group(ann, eve);
  await send(ann, chatId, "one secret");
  await send(ann, other, "two secrets");
  expect(await texts(ann, "secret")).toEqual(["two secrets", "one secret"]);
  expect(await texts(bob, "secret")).toEqual(["one secret"]);
  expect(await texts(ann, "secret", { chatId })).toEqual(["one secret"]);
  expect(await texts(uuid(), "secret")).toEqual([]);
  await expect(find(eve, { q: "secret", chatId })).rejects.toMatchObject({ type: "chat.not_found" });
});

test("what was deleted or edited away is found no more, and what it was edited to is", async () => {
  const gone = await send(ann, chatId, "forget this");
  const changed = await send(ann, chatId, "forget that");
  expect(await texts(bob, "forget")).toEqual(["forget that", "forget this"]);
  await as(ann, "chat.message.delete", { chatId, messageId: gone.id });
  await as(ann, "chat.message.edit", { chatId, messageId: changed.id, text: "remember that" });
  expect(await texts(bob, "forget")).toEqual([]);
  expect(await texts(bob, "remember")).toEqual(["remember that"]);
});

test("a hit that the index has wrong is not shown", async () => {
  const gone = await send(ann, chatId, "old words");
  const changed = await send(ann, chatId, "old words too");
  await as(ann, "chat.message.delete", { chatId, messageId: gone.id });
  await as(ann, "chat.message.edit", { chatId, messageId: changed.id, text: "new words" });
  const hits = [gone, changed].map(({ seq, createdAt }) => ({ chatId, seq, at: Date.parse(createdAt) }));
  jest.spyOn(service().store.search, "find").mockResolvedValue({ hits: [...hits, { chatId, seq: 99, at: 1 }] });
  expect(await texts(bob, "old")).toEqual([]);
  expect(await texts(bob, "words")).toEqual(["new words"]);
});

test("whoever came later or was away finds what may be seen, and nothing else", async () => {
  const later = (await as(ann, "chat.chat.create", { type: "group", memberIds: [bob], historyFrom: "join" })).id;
  await send(ann, later, "word one");
  await as(ann, "chat.member.add", { chatId: later, userIds: [eve] });
  await send(ann, later, "word two");
  expect(await texts(eve, "word")).toEqual(["word two"]);
  await as(ann, "chat.member.remove", { chatId: later, userId: eve });
  await send(ann, later, "word three");
  expect(await texts(eve, "word")).toEqual([]);
  await as(ann, "chat.member.add", { chatId: later, userIds: [eve] });
  await send(ann, later, "word four");
  expect(await texts(eve, "word")).toEqual(["word four", "word two"]);
  // What may not be seen is not even counted.
  expect(await texts(eve, "word", { limit: 2 })).toEqual(["word four", "word two"]);
  expect(await texts(bob, "word")).toHaveLength(4);
});

test("by sender and by time", async () => {
  const clock = jest.spyOn(Date, "now");
  const at = (text: string) => Date.parse(text);
  const start = Date.now() + 60_000;
  for (const [past, who] of [ann, bob, ann].entries()) {
    clock.mockReturnValue(start + past * 1000);
    await send(who, chatId, `word ${past}`);
  }
  clock.mockRestore();
  const time = (past: number) => new Date(start + past * 1000).toISOString();
  expect(at(time(0))).toBe(start);
  expect(await texts(ann, "word", { from: ann })).toEqual(["word 2", "word 0"]);
  expect(await texts(ann, "word", { before: time(2) })).toEqual(["word 1", "word 0"]);
  expect(await texts(ann, "word", { after: time(0), before: time(2) })).toEqual(["word 1"]);
  expect(await texts(ann, "word", { after: time(0), from: ann })).toEqual(["word 2"]);
});

test("pages go on where the last one ended, while more is said", async () => {
  const other = await group(ann, bob);
  for (let at = 0; at < 11; at++) await send(ann, at % 3 ? chatId : other, `word ${at}`);
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await find(bob, { q: "word", limit: 4, cursor });
    found.push(...page.items.map(({ message }) => message.text));
    cursor = page.nextCursor ?? undefined;
    await send(ann, chatId, "word of the later");
  } while (cursor !== undefined);
  expect(found.toSorted()).toEqual(Array.from({ length: 11 }, (_, at) => `word ${at}`).toSorted());
});

test("an answer is held to what a broker carries, and the rest is on the next page", async () => {
  for (let at = 0; at < 30; at++) await send(ann, chatId, `word ${at} ${"\u0001".repeat(7900)}`);
  const first = await find(bob, { q: "word", limit: 100 });
  expect(first.items.length).toBeLessThan(30);
  const rest = await find(bob, { q: "word", limit: 100, cursor: first.nextCursor! });
  expect([...first.items, ...rest.items].map(({ message }) => message.seq)).toEqual(
    Array.from({ length: 30 }, (_, at) => 30 - at),
  );
});

test.each([
  ["a q without a word", { q: "?! 👍" }, { field: "q", code: "no_words" }],
  [
    "a cursor of one's own making",
    { q: "a", cursor: Buffer.from("1.2.$ne").toString("base64url") },
    { field: "cursor", code: "cursor" },
  ],
  [
    "a cursor with more behind it",
    { q: "a", cursor: Buffer.from("1.2..").toString("base64url") },
    { field: "cursor", code: "cursor" },
  ],
  ["a second that no clock here has", { q: "a", before: "2016-12-31T23:59:60Z" }, { field: "before", code: "time" }],
])("%s is refused", async (_what, params, error) => {
  await expect(find(ann, params)).rejects.toMatchObject({
    type: "bad_input",
    data: { errors: [expect.objectContaining(error)] },
  });
});
