import type { ActionName, Entry, Params, Result } from "@confab/contracts";
import { ProblemRegenerator } from "@confab/mixins/problem.ts";
import { ContractValidator } from "@confab/mixins/validator.ts";
import { setTimeout as pause } from "node:timers/promises";
import { ServiceBroker } from "moleculer";
import { v7 as uuid } from "uuid";
import { maxBytes } from "./budget.ts";
import chatService from "./chat.service.ts";

const broker = new ServiceBroker({
  logger: false,
  validator: new ContractValidator(),
  errorRegenerator: new ProblemRegenerator(),
});
const emitted: Entry[] = [];
const batches: Entry[][] = [];
const strangers = new Set<string>();

broker.createService(chatService({ DATA_DIR: "memory", MAX_TEXT: "20", MAX_MEMBERS: "3" }));
broker.createService({
  name: "user",
  actions: {
    "profile.known": (ctx: { params: { userIds: string[] } }) => ({
      userIds: ctx.params.userIds.filter((id) => !strangers.has(id)),
    }),
  },
});
broker.createService({
  name: "listener",
  events: {
    "chat.entry.appended": (ctx: { params: { entries: Entry[] } }) => {
      emitted.push(...ctx.params.entries);
      batches.push(ctx.params.entries);
    },
  },
});
beforeAll(() => broker.start());
afterAll(() => broker.stop());

async function as<N extends ActionName>(
  userId: string,
  name: N,
  params: Params<N>,
): Promise<Result<N> & { status: number | undefined }> {
  const meta: { userId: string; $statusCode?: number } = { userId };
  const result = await broker.call<Result<N> & object, Params<N>>(name, params, { meta });
  return { ...result, status: meta.$statusCode };
}
const send = (userId: string, chatId: string, text = "hello", clientMessageId: string = uuid()) =>
  as(userId, "chat.message.send", { chatId, clientMessageId, text });
const group = (...members: string[]) => as(members[0]!, "chat.chat.create", { type: "group", memberIds: members.slice(1) });

let ann: string, bob: string, eve: string;
beforeEach(() => {
  [ann, bob, eve] = [uuid(), uuid(), uuid()];
});

describe("opening a chat", () => {
  test("a direct chat of the same two people is the same chat, whoever asks and when", async () => {
    const asked = await Promise.all([
      as(ann, "chat.chat.create", { type: "direct", memberIds: [bob] }),
      as(bob, "chat.chat.create", { type: "direct", memberIds: [ann] }),
    ]);
    asked.push(await as(bob, "chat.chat.create", { type: "direct", memberIds: [ann] }));
    expect(new Set(asked.map(({ id }) => id)).size).toBe(1);
    expect(asked.map(({ status }) => status).sort()).toEqual([200, 200, 201]);
    expect(asked[0]).toMatchObject({ peerId: bob, memberCount: 2, rev: 1, lastSeq: 0 });
    expect(asked[1]).toMatchObject({ peerId: ann });
  });

  test("a group has who opened it as its owner", async () => {
    const chat = await as(ann, "chat.chat.create", {
      type: "group",
      memberIds: [bob, ann],
      title: "Tea",
      data: { "a.b": { $set: 1 } },
    });
    expect(chat).toMatchObject({
      status: 201,
      title: "Tea",
      memberCount: 2,
      peerId: null,
      data: { "a.b": { $set: 1 } },
      me: { role: "owner" },
    });
  });

  test("a group asked for again under the same Idempotency-Key is the same group", async () => {
    const ask = async (userId: string, idempotencyKey: string) =>
      (
        await broker.call<{ id: string }, object>(
          "chat.chat.create",
          { type: "group", memberIds: [] },
          { meta: { userId, idempotencyKey } },
        )
      ).id;
    const ids = await Promise.all([ask(ann, "k"), ask(ann, "k"), ask(ann, "k")]);
    expect(new Set([...ids, await ask(ann, "k")]).size).toBe(1);
    expect(await ask(ann, "other")).not.toBe(ids[0]);
    expect(await ask(bob, "k")).not.toBe(ids[0]);
  });

  test.each([
    ["a direct chat with nobody", { type: "direct", memberIds: [] }, "memberIds"],
    ["a direct chat with a title", { type: "direct", memberIds: [uuid()], title: "x" }, "title"],
    ["data that is too large", { type: "group", memberIds: [], data: { x: "y".repeat(9000) } }, "data"],
  ] as const)("%s is refused by the field", async (_name, params, field) => {
    await expect(as(ann, "chat.chat.create", params as never)).rejects.toMatchObject({
      type: "bad_input",
      data: { errors: [{ field }] },
    });
  });

  test("too many members, or some that do not exist, change nothing", async () => {
    await expect(group(ann, bob, eve, uuid())).rejects.toMatchObject({ type: "chat.too_many_members" });
    strangers.add(eve);
    await expect(group(ann, eve)).rejects.toMatchObject({ type: "chat.unknown_user" });
    expect((await as(ann, "chat.chat.list", {})).items).toEqual([]);
  });
});

describe("messages", () => {
  test("take the next rev and seq, and are told once", async () => {
    const { id } = await group(ann, bob);
    const sent = [await send(ann, id, "one"), await send(bob, id, "two")];
    expect(sent.map(({ message: { rev, seq } }) => [rev, seq])).toEqual([
      [2, 1],
      [3, 2],
    ]);
    expect(emitted.filter(({ chatId }) => chatId === id).map(({ rev, type }) => `${rev} ${type}`)).toEqual([
      "1 chat.created",
      "2 message.sent",
      "3 message.sent",
    ]);
  });

  test("G3: sent again they are the same message, also with other words", async () => {
    const { id } = await group(ann, bob);
    const first = await send(ann, id, "one", "name");
    const again = await send(ann, id, "two", "name");
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.message).toEqual(first.message);
    // The name is the sender's own.
    expect((await send(bob, id, "three", "name")).status).toBe(201);
  });

  test("a stranger meets a chat that is not there", async () => {
    const { id } = await group(ann, bob);
    for (const chatId of [id, uuid()]) {
      await expect(send(eve, chatId)).rejects.toMatchObject({ type: "chat.not_found" });
      await expect(as(eve, "chat.message.list", { chatId })).rejects.toMatchObject({ type: "chat.not_found" });
      await expect(as(eve, "chat.entry.list", { chatId })).rejects.toMatchObject({ type: "chat.not_found" });
      await expect(as(eve, "chat.chat.get", { chatId })).rejects.toMatchObject({ type: "chat.not_found" });
    }
  });

  test("the longest text is counted in characters", async () => {
    const { id } = await group(ann);
    expect((await send(ann, id, "👍".repeat(20))).status).toBe(201);
    await expect(send(ann, id, "x".repeat(21))).rejects.toMatchObject({ data: { errors: [{ field: "text" }] } });
  });

  test("pages go up and down without hole or repeat", async () => {
    const { id } = await group(ann);
    await Promise.all(Array.from({ length: 23 }, () => send(ann, id)));
    const up: number[] = [];
    for (let before: number | null | undefined = undefined; before !== null;) {
      const page: Result<"chat.message.list"> = await as(ann, "chat.message.list", {
        chatId: id,
        limit: 5,
        ...(before ? { before } : {}),
      });
      up.unshift(...page.items.map(({ seq }) => seq));
      before = page.before;
    }
    expect(up).toEqual(Array.from({ length: 23 }, (_, i) => i + 1));
    await expect(as(ann, "chat.message.list", { chatId: id, before: 3, after: 1 })).rejects.toMatchObject({
      data: { errors: [{ field: "after" }] },
    });
  });
});

describe("lists", () => {
  test("show the most recently active first, page by page, with what is unread", async () => {
    const chats: string[] = [];
    for (let i = 0; i < 5; i++) chats.unshift((await group(ann, bob)).id);
    // Chats of the same millisecond are in no particular order.
    await pause(2);
    await send(bob, chats[4]!, "news");
    const first = await as(ann, "chat.chat.list", { limit: 3 });
    expect(first.items[0]).toMatchObject({ id: chats[4], unreadCount: 1, lastMessage: { text: "news" } });
    const second = await as(ann, "chat.chat.list", { limit: 3, cursor: first.nextCursor! });
    expect([...first.items, ...second.items].map(({ id }) => id).sort()).toEqual([...chats].sort());
    expect(second.nextCursor).toBeNull();
    expect((await as(bob, "chat.chat.list", {})).items[0]!.unreadCount).toBe(0);
  });

  test("a cursor that is not ours is refused", async () => {
    await expect(as(ann, "chat.chat.list", { cursor: "nonsense" })).rejects.toMatchObject({
      data: { errors: [{ field: "cursor" }] },
    });
  });
});

describe("sync", () => {
  /** A client that asks until there is no more. */
  async function pull(userId: string, known: Record<string, number>, extra: Partial<Params<"chat.sync.pull">> = {}) {
    const chats = { ...known };
    const got: string[] = [];
    const parts: Result<"chat.sync.pull">["chats"] = [];
    for (let more = true; more;) {
      const answer = await as(userId, "chat.sync.pull", { ...extra, chats });
      for (const part of answer.chats) {
        chats[part.chatId] = part.rev;
        got.push(...part.entries.map(({ rev }) => `${part.chatId}:${rev}`));
        parts.push(part);
      }
      more = answer.more && extra.epoch === undefined;
    }
    return { chats, got, parts };
  }

  test("G4: gives all that was missed and nothing else, in pages", async () => {
    const [one, two] = [(await group(ann, bob)).id, (await group(ann, bob)).id];
    for (let i = 0; i < 7; i++) await send(ann, one);
    const { chats, got, parts } = await pull(bob, { [one]: 2, [two]: 1 }, { limit: 3 });
    expect(got).toEqual([3, 4, 5, 6, 7, 8].map((rev) => `${one}:${rev}`));
    expect(parts.some(({ chat }) => chat)).toBe(false);
    expect((await pull(bob, chats)).parts).toEqual([]);
  });

  test("a chat that the client has never seen comes as it is, with its newest messages; one that it knows from nothing with its whole log", async () => {
    const { id } = await group(ann, bob);
    await send(ann, id);
    const { parts } = await pull(bob, {});
    expect(parts).toEqual([
      expect.objectContaining({ chatId: id, rev: 2, reset: true, chat: expect.objectContaining({ id }) as unknown }),
    ]);
    expect(parts[0]!.entries.map(({ rev }) => rev)).toEqual([2]);
    expect((await pull(bob, { [id]: 0 })).got).toEqual([1, 2].map((rev) => `${id}:${rev}`));
  });

  test("whoever is far behind, ahead of the log, or of another store starts over", async () => {
    const { id } = await group(ann, bob);
    await Promise.all(Array.from({ length: 1001 }, () => send(ann, id)));
    const [far] = (await pull(bob, { [id]: 1 })).parts;
    expect(far).toMatchObject({ reset: true, rev: 1002, chat: { id, lastSeq: 1001 } });
    expect(far!.entries.map(({ rev }) => rev)).toEqual(Array.from({ length: 50 }, (_, i) => 953 + i));
    expect((await pull(bob, { [id]: 1003 })).parts[0]).toMatchObject({ reset: true });
    expect((await pull(bob, { [id]: 1002 }, { epoch: "another" })).parts[0]).toMatchObject({
      chatId: id,
      reset: true,
      rev: 1002,
    });
  });

  test("G7: no answer and no event outgrows what a broker carries, and paging goes on all the same", async () => {
    const { id } = await group(ann, bob);
    const long = "\u0001".repeat(20);
    const data = { filler: "\u00e9".repeat(4000) };
    const count = 120;
    await Promise.all(
      Array.from({ length: count }, () =>
        as(ann, "chat.message.send", { chatId: id, clientMessageId: uuid(), text: long, data }),
      ),
    );
    const all = Array.from({ length: count + 1 }, (_, i) => i + 1);
    const bytes = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

    let chats: Record<string, number> = { [id]: 0 };
    const synced: number[] = [];
    for (let more = true; more;) {
      const answer = await as(bob, "chat.sync.pull", { chats, limit: 1000 });
      expect(bytes(answer)).toBeLessThan(maxBytes * 1.2);
      for (const part of answer.chats) {
        chats = { ...chats, [part.chatId]: part.rev };
        synced.push(...part.entries.map(({ rev }) => rev));
      }
      more = answer.more;
    }
    expect(synced).toEqual(all);

    const listed: number[] = [];
    for (let end = 0; listed.length < end || end === 0;) {
      const page = await as(bob, "chat.entry.list", { chatId: id, after: listed.at(-1) ?? 0 });
      expect(bytes(page)).toBeLessThan(maxBytes * 1.2);
      listed.push(...page.items.map(({ rev }) => rev));
      end = page.rev;
    }
    expect(listed).toEqual(all);

    for (const way of ["before", "after"] as const) {
      const seqs: number[] = [];
      for (let from: number | null | undefined = way === "after" ? 0 : undefined; from !== null;) {
        const page: Result<"chat.message.list"> = await as(bob, "chat.message.list", {
          chatId: id,
          limit: 100,
          ...(from === undefined ? {} : { [way]: from }),
        });
        expect(bytes(page)).toBeLessThan(maxBytes * 1.2);
        seqs.push(...page.items.map(({ seq }) => seq));
        from = page[way];
      }
      expect(seqs.sort((a, b) => a - b)).toEqual(all.slice(0, -1));
    }
    const told = batches.filter((batch) => batch.some(({ chatId }) => chatId === id));
    expect(told.flat().map(({ rev }) => rev)).toEqual(all);
    for (const batch of told) expect(bytes(batch)).toBeLessThan(maxBytes * 1.2);
    expect(told.length).toBeGreaterThan(2);
  });

  test("an outsider is told of nothing", async () => {
    const { id } = await group(ann, bob);
    expect((await pull(eve, { [id]: 0 })).parts).toEqual([]);
  });
});

test("an action for signed-in users refuses whoever is not", async () => {
  await expect(broker.call("chat.chat.list", {})).rejects.toMatchObject({ type: "unauthenticated" });
});
