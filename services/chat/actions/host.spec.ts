import type { Params } from "@confab/contracts";
import type { Meta } from "@confab/mixins/define.ts";
import { v7 as uuid } from "uuid";
import { allEntries, outcome, passTime, times, useNodes, users } from "../testing.ts";

/* The host's names of people are their ids here. */
const nodes = useNodes();
const small = useNodes({ MAX_MEMBERS: "3" }, 1);
const { as, direct } = nodes;
afterEach(() => {
  jest.restoreAllMocks();
  nodes.all.forEach(({ access }) => (access.jitter = 0));
});

let ann: string, bob: string, eve: string, key: string;
beforeEach(() => {
  [ann, bob, eve] = users(3) as [string, string, string];
  key = uuid();
});

const server = (): Meta => ({ keyId: uuid(), scopes: ["chats", "messages"] });
async function put(params: Omit<Params<"chat.host.put">, "key">, among = nodes) {
  const meta = server();
  const chat = await among.next().broker.call<HostAnswer, object>("chat.host.put", { key, ...params }, { meta });
  return { ...chat, status: meta.$statusCode };
}
type HostAnswer = { id: string; rev: number; title: string | null; data: object; members: { userId: string; role: string }[] };
async function send(params: Omit<Params<"chat.host.send">, "clientMessageId"> & { clientMessageId?: string }) {
  const meta = server();
  const asked = nodes
    .next()
    .broker.call<{ message: { id: string; text: string; senderId: string } }, object>(
      "chat.host.send",
      { clientMessageId: uuid(), ...params },
      { meta },
    );
  return { ...(await asked).message, status: meta.$statusCode };
}
const entries = (chatId: string, userId = ann) => allEntries(nodes, userId, chatId);
const types = async (chatId: string) => (await entries(chatId)).map(({ type }) => type);

describe("the chat of a key", () => {
  test("is made where it is new, and belongs to whom the host names", async () => {
    const chat = await put({ owner: ann, members: [bob, ann], title: "Order 7", data: { order: 7 } });
    expect(chat).toMatchObject({ key, rev: 1, lastSeq: 0, title: "Order 7", data: { order: 7 }, status: 201 });
    expect(chat.members).toEqual([
      { userId: ann, role: "owner" },
      { userId: bob, role: "member" },
    ]);
    expect(await as(bob, "chat.chat.get", { chatId: chat.id })).toMatchObject({
      type: "group",
      title: "Order 7",
      createdBy: ann,
    });
    expect((await as(bob, "chat.chat.list", {})).items).toHaveLength(1);
    key = uuid();
    expect((await put({ owner: ann })).id).not.toBe(chat.id);
  });

  test("is one, however often it is asked for at once, on two nodes", async () => {
    nodes.all.forEach(({ access }) => (access.jitter = 4));
    const opened = await Promise.all(times(50, () => put({ owner: ann, members: [bob], title: "Tea" })));
    expect(new Set(opened.map(({ id }) => id)).size).toBe(1);
    expect(opened.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(await types(opened[0]!.id)).toEqual(["chat.created"]);
  });

  test("is brought into step by entries of its owner, also by fifty at once; to the same again is no entry", async () => {
    const { id } = await put({ owner: ann, members: [bob], title: "Tea", data: { a: 1 } });
    nodes.all.forEach(({ access }) => (access.jitter = 4));
    const asked = await Promise.all(times(50, () => put({ owner: ann, members: [eve], title: "Coffee" })));
    expect(new Set(asked.map(({ status }) => status))).toEqual(new Set([200]));
    const now = await put({ owner: ann, members: [bob] });
    expect(now).toMatchObject({ id, rev: 3, title: "Coffee", data: { a: 1 } });
    expect(now.members.map(({ userId }) => userId)).toEqual([ann, bob, eve]);
    const [, added, changed] = await entries(id);
    expect([added!.type, added!.by, changed!.type, changed!.by]).toEqual(["member.added", ann, "chat.changed", ann]);
    expect((await as(eve, "chat.chat.list", {})).items).toHaveLength(1);

    expect(await put({ owner: ann, title: null, data: {} })).toMatchObject({ rev: 4, title: null, data: {} });
  });

  test("has its owner, also where the host names another one later, or everybody left", async () => {
    const { id } = await put({ owner: ann, members: [bob] });
    const later = await put({ owner: eve, title: "Tea" });
    expect(later.members).toContainEqual({ userId: eve, role: "member" });
    expect((await entries(id)).map(({ by }) => by)).toEqual([ann, ann, ann]);

    for (const who of [bob, eve, ann]) await as(who, "chat.member.remove", { chatId: id, userId: who });
    const anew = await put({ owner: eve, members: [bob] });
    expect(anew.members.sort((a, b) => (a.role > b.role ? -1 : 1))).toEqual([
      { userId: eve, role: "owner" },
      { userId: bob, role: "member" },
    ]);
  });

  test("names unknown people by their fields, and changes nothing", async () => {
    const nobody = nodes.stranger();
    const asked = put({ owner: nobody, members: [ann, nobody, bob] });
    const errors = [{ field: "owner" }, { field: "members.1" }].map((at) => ({ ...at, code: "unknown_user" }));
    await expect(asked).rejects.toMatchObject({ type: "chat.unknown_user", data: { errors } });
    const { id } = await put({ owner: ann });
    await expect(put({ owner: ann, members: [bob, nobody], title: "Tea" })).rejects.toMatchObject({ type: "chat.unknown_user" });
    expect(await put({ owner: ann })).toMatchObject({ id, rev: 1, title: null });
  });

  test("stays closed to who is kept out of it, and then nothing else changes either", async () => {
    const { id } = await put({ owner: ann, members: [bob] });
    await as(ann, "chat.ban.add", { chatId: id, userId: eve });
    expect(await outcome(put({ owner: ann, members: [eve], title: "Tea" }))).toBe("chat.banned");
    expect(await put({ owner: ann })).toMatchObject({ rev: 2, title: null });
  });

  test("has as many members as any chat", async () => {
    const people = users(3);
    expect(await outcome(put({ owner: ann, members: people }, small))).toBe("chat.too_many_members");
    expect((await put({ owner: ann, members: people.slice(1) }, small)).members).toHaveLength(3);
    expect(await outcome(put({ owner: ann, members: people.slice(0, 1) }, small))).toBe("chat.too_many_members");
  });

  test("is not made anew once it is deleted", async () => {
    const { id } = await put({ owner: ann });
    await as(ann, "chat.chat.delete", { chatId: id });
    expect(await outcome(put({ owner: ann, members: [bob] }))).toBe("chat.not_found");
  });

  test("is nobody's by an Idempotency-Key that reads alike", async () => {
    const mine = await as(ann, "chat.chat.create", { type: "group", memberIds: [] }, { idempotencyKey: "k" });
    key = `${ann}:k`;
    expect((await put({ owner: bob })).id).not.toBe(mine.id);
  });
});

describe("sending in somebody's name", () => {
  test("is a message of a member, once under its name, as the member's own is", async () => {
    const { id: chatId } = await put({ owner: ann, members: [bob] });
    const given = { chatId, sender: bob, clientMessageId: "shipped", text: "Your order is on its way", data: { a: 1 } };
    const sent = await Promise.all(times(20, () => send(given)));
    expect(new Set(sent.map(({ id }) => id)).size).toBe(1);
    expect(sent.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(sent[0]).toMatchObject({ senderId: bob, text: given.text, data: { a: 1 }, seq: 1 });
    const { clientMessageId, text } = given;
    const own = await as(bob, "chat.message.send", { chatId, clientMessageId, text });
    expect([own.message.id, own.status]).toEqual([sent[0]!.id, 200]);
  });

  test("is for members, by the rules of the chat", async () => {
    const { id: chatId } = await put({ owner: ann, members: [bob] });
    expect(await outcome(send({ chatId, sender: eve, text: "hello" }))).toBe("chat.not_found");
    expect(await outcome(send({ chatId: uuid(), sender: ann, text: "hello" }))).toBe("chat.not_found");
    const asked = send({ chatId, sender: nodes.stranger(), text: "hello" });
    await expect(asked).rejects.toMatchObject({ type: "chat.unknown_user", data: { errors: [{ field: "sender" }] } });
    await as(ann, "chat.chat.change", { chatId, posting: "admins" });
    expect(await outcome(send({ chatId, sender: bob, text: "hello" }))).toBe("chat.not_allowed");
    expect((await send({ chatId, sender: ann, text: "hello" })).status).toBe(201);

    const pair = await direct(ann, bob);
    await as(bob, "chat.block.add", { userId: ann });
    // A node believes what it knew for a moment.
    passTime(3);
    expect(await outcome(send({ chatId: pair.id, sender: ann, text: "hello" }))).toBe("chat.blocked");
  });
});

test("each wants its scope, and a signed-in user has none", async () => {
  const asked = [
    ["chat.host.put", "chats", { key, owner: ann }],
    ["chat.host.send", "messages", { chatId: uuid(), sender: ann, clientMessageId: "m", text: "hello" }],
  ] as const;
  for (const [name, wanted, params] of asked) {
    const ask = (meta: Meta) => outcome(nodes.one.broker.call(name, params, { meta }));
    const others = (["users", "tokens", "sessions", "chats", "messages"] as const).filter((scope) => scope !== wanted);
    expect(await ask({ keyId: uuid(), scopes: others })).toBe("user.missing_scope");
    expect(await ask({ userId: ann, role: "admin" })).toBe("unauthenticated");
  }
});
