// Every route, asked by everybody: what each answers stands in a table that was written by hand (tests/support/matrix.ts).

import { randomUUID } from "node:crypto";
import { actionEntries, scopes, type ActionContract, type ActionName, type ProblemDocument } from "@confab/contracts";
import { TestClient } from "../support/client.ts";
import { askers, matrix, words, type Asker } from "../support/matrix.ts";
import { newName } from "../support/user.ts";
import { embeddedWorld, type World } from "../support/world.ts";

type Fields = Record<string, unknown>;
const routes = actionEntries.filter(([, { rest }]) => rest);
const emoji = "\u{1F44D}";
/** A pixel. */
const picture = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const annsAddress = `admin.${randomUUID()}@example.test`;

/** A chat with all that can be in one, and who asks about it. */
interface Scene {
  ids: Record<"owner" | "member" | "chatAdmin" | "exMember" | "stranger" | "blocked" | "banned" | "other", string>;
  owner: TestClient;
  memberName: string;
  chatId: string;
  messageId: string;
  inviteId: string;
  code: string;
  clients: Record<Asker, TestClient>;
}

test("there is a row for every route, and none for what is no route", () => {
  expect(Object.keys(matrix).sort()).toEqual(routes.map(([name]) => name).sort());
  for (const [name, row] of Object.entries(matrix)) expect([name, row.split(" ").length]).toEqual([name, askers.length]);
});

describe("the matrix", () => {
  let world: World;
  let admin: TestClient;
  let server: TestClient;
  let keys: { id: string; key: string; scope: string }[];

  beforeAll(async () => {
    world = await embeddedWorld({ env: { AUTH: "both", ADMINS: annsAddress } });
    admin = (await world.signIn(annsAddress, "Admin")).client;
    const all = await admin.call("user.serverkey.create", { name: "all", scopes: [...scopes] });
    server = new TestClient(world.doors[0]!, all.key);
    keys = await Promise.all(
      scopes.map(async (scope) => {
        const made = await admin.call("user.serverkey.create", { name: scope, scopes: [scope] });
        return { id: made.id, key: made.key, scope };
      }),
    );
  });
  afterAll(() => world?.stop());

  async function someone(name: string): Promise<{ id: string; externalId: string; client: TestClient }> {
    const externalId = `${name} ${randomUUID()}`;
    const { user, accessToken } = await server.call("user.host.vouch", { externalId, name });
    return { id: user.id, externalId, client: new TestClient(world.doors[0]!, accessToken) };
  }

  async function scene({ scope = "users" }: ActionContract): Promise<Scene> {
    const [owner, member, chatAdmin, exMember, stranger, blocked, banned, other] = (await Promise.all(
      ["owner", "member", "chatAdmin", "exMember", "stranger", "blocked", "banned", "other"].map(someone),
    )) as [Someone, Someone, Someone, Someone, Someone, Someone, Someone, Someone];
    const memberIds = [member, chatAdmin, exMember, banned, other].map(({ id }) => id);
    const { id: chatId } = await owner.client.call("chat.chat.create", { type: "group", memberIds });
    await owner.client.call("chat.member.change", { chatId, userId: chatAdmin.id, role: "admin" });
    const sent = await owner.client.call("chat.message.send", { chatId, clientMessageId: newName(), text: "of the owner" });
    const messageId = sent.message.id;
    for (const { client } of [owner, member, chatAdmin]) await client.call("chat.reaction.add", { chatId, messageId, emoji });
    await owner.client.call("chat.pin.add", { chatId, messageId });
    await owner.client.call("chat.member.remove", { chatId, userId: exMember.id });
    await owner.client.call("chat.ban.add", { chatId, userId: banned.id });
    await owner.client.call("chat.block.add", { userId: blocked.id });
    const invite = await owner.client.call("chat.invite.create", { chatId });
    const administrator = await someone("administrator");
    await admin.call("user.admin.changeRole", { userId: administrator.id, role: "admin" });
    const keyOf = (wanted: boolean) => keys.find((one) => (one.scope === scope) === wanted)!.key;
    const at = world.doors[0]!;
    return {
      ids: {
        ...{ owner: owner.id, member: member.id, chatAdmin: chatAdmin.id, exMember: exMember.id, stranger: stranger.id },
        ...{ blocked: blocked.id, banned: banned.id, other: other.id },
      },
      owner: owner.client,
      memberName: member.externalId,
      chatId,
      messageId,
      inviteId: invite.id,
      code: invite.code,
      clients: {
        nobody: new TestClient(at),
        "a key without the scope": new TestClient(at, keyOf(false)),
        "a key with the scope": new TestClient(at, keyOf(true)),
        "a stranger": stranger.client,
        "an ex-member": exMember.client,
        "a blocked person": blocked.client,
        "a member": member.client,
        "an admin of the chat": chatAdmin.client,
        "an administrator": administrator.client,
      },
    };
  }
  type Someone = Awaited<ReturnType<typeof someone>>;

  /** Params that are right in form, and good for whoever may. */
  function paramsOf(name: ActionName, { ids, chatId, messageId, inviteId, code, memberName }: Scene): Fields {
    const email = `new.${randomUUID()}@example.test`;
    const flow = { flowId: randomUUID(), code: "123456" };
    const password = "correct horse battery";
    const particular: Partial<Record<ActionName, Fields>> = {
      "user.code.request": { email },
      "user.account.register": { email, password, name: "New" },
      "user.password.forgot": { email },
      "user.code.verify": flow,
      "user.password.reset": { ...flow, password },
      "user.session.login": { email, password },
      "user.session.exchange": { token: "made up" },
      "user.session.refresh": { refreshToken: "made up" },
      "user.session.confirm": { password },
      "user.session.remove": { sessionId: randomUUID() },
      "user.session.removeAll": { others: true },
      "user.password.change": { password },
      "user.email.change": { email },
      "user.email.confirm": flow,
      "user.totp.confirm": { code: "123456" },
      "user.me.change": { name: "New" },
      "user.avatar.put": { image: picture },
      "user.profile.lookup": { userIds: [ids.owner] },
      "user.profile.find": { q: "ow" },
      "user.profile.get": { userId: ids.owner },
      "user.report.create": { chatId, messageId, reason: "other" },
      "user.report.change": { reportId: randomUUID(), state: "resolved" },
      "user.host.put": { externalId: randomUUID(), name: "New" },
      "user.host.create": { name: "Guest" },
      "user.host.erase": { externalId: randomUUID() },
      "user.host.vouch": { externalId: randomUUID(), name: "New" },
      "user.host.endSessions": { externalId: randomUUID() },
      "chat.host.put": { key: randomUUID(), owner: memberName },
      "chat.host.send": { chatId, sender: memberName, clientMessageId: newName(), text: "by the host" },
      "user.serverkey.create": { name: "new", scopes: ["users"] },
      "user.serverkey.remove": { keyId: randomUUID() },
      "user.admin.changeRole": { userId: ids.other, role: "user" },
      "mail.admin.explain": { address: email },
      "mail.admin.forgive": { address: email },
      "mail.admin.replay": { jobId: randomUUID() },
      "chat.search.find": { q: "owner", chatId },
      "chat.block.add": { userId: ids.other },
      "chat.block.remove": { userId: ids.other },
      "chat.preference.change": { presence: true },
      "chat.receipt.move": { read: { [chatId]: 1 } },
      "chat.chat.create": { type: "group", memberIds: [ids.other] },
      "chat.chat.change": { title: "New" },
      "chat.me.change": { pinned: true },
      "chat.member.add": { userIds: [ids.exMember] },
      "chat.member.change": { userId: ids.other, role: "admin" },
      "chat.ban.remove": { userId: ids.banned },
      "chat.invite.accept": { code },
      "chat.invite.revoke": { inviteId },
      "chat.message.send": { clientMessageId: newName(), text: "new" },
      "chat.message.edit": { text: "other words" },
    };
    const common: Fields = { chatId, messageId, emoji, userId: ids.other };
    const required = actionEntries.find(([other]) => other === name)![1].params.required ?? [];
    const usual = Object.fromEntries(Object.entries(common).filter(([field]) => required.includes(field)));
    return { ...usual, ...particular[name] };
  }

  test.each(routes)("%s", async (name, contract) => {
    const expected = matrix[name]!.split(" ").map((word) => words[word] ?? word);
    const seen: string[] = [];
    for (const asker of askers) {
      const here = await scene(contract);
      const { status, problem } = await here.clients[asker].ask(name, paramsOf(name, here));
      seen.push(problem?.code ?? String(status));
    }
    expect(Object.fromEntries(askers.map((asker, at) => [asker, seen[at]]))).toEqual(
      Object.fromEntries(askers.map((asker, at) => [asker, expected[at]])),
    );
  });

  test("who is blocked writes to nobody who has blocked them, and opens no chat with them", async () => {
    const here = await scene({} as ActionContract);
    const opened = await here.owner.call("chat.chat.create", { type: "direct", memberIds: [here.ids.stranger] });
    const stranger = here.clients["a stranger"];
    await here.owner.call("chat.block.add", { userId: here.ids.stranger });
    const send = { chatId: opened.id, clientMessageId: newName(), text: "hello?" };
    // A block takes hold within a second.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect((await stranger.ask("chat.message.send", send)).problem?.code).toBe("chat.blocked");
    const direct = { type: "direct" as const, memberIds: [here.ids.owner] };
    expect((await here.clients["a blocked person"].ask("chat.chat.create", direct)).problem?.code).toBe("chat.blocked");
    const { message } = await here.owner.call("chat.message.send", { ...send, clientMessageId: newName() });
    const on = { chatId: opened.id, messageId: message.id };
    expect((await stranger.ask("chat.reaction.add", { ...on, emoji })).problem?.code).toBe("chat.blocked");
    expect((await stranger.ask("chat.pin.add", on)).problem?.code).toBe("chat.blocked");
    // Reading what was said stays.
    expect((await stranger.ask("chat.message.get", on)).status).toBe(200);
  });

  /** Fields that name something which somebody else has. */
  const idFields = ["chatId", "messageId", "userId", "sessionId", "inviteId", "keyId", "reportId", "externalId"];
  /** About whom one can block nothing is hidden: that they exist. */
  const tells = ["chat.block.add", "chat.block.remove"];
  const withIds = routes.filter(
    ([name, { params }]) => !tells.includes(name) && idFields.some((field) => field in params.properties),
  );

  test.each(withIds)(
    "%s answers a stranger alike, whether what it names is somebody else's or nobody's",
    async (name, contract) => {
      // About whom one can be in touch with, or block, nothing is hidden: that they exist.
      if (["chat.block.add", "chat.block.remove"].includes(name)) return;
      const here = await scene(contract);
      const stranger = here.clients["a stranger"];
      const sessions = await here.owner.call("user.session.list", {});
      const foreign: Fields = { ...paramsOf(name, here) };
      if ("sessionId" in foreign) foreign["sessionId"] = sessions.items[0]!.id;
      if ("keyId" in foreign) foreign["keyId"] = keys[0]!.id;
      if ("externalId" in foreign) foreign["externalId"] = here.memberName;
      const named = idFields.filter((field) => field in foreign);
      const unknown = { ...foreign, ...Object.fromEntries(named.map((field) => [field, randomUUID()])) };
      const [one, other] = [await stranger.ask(name, foreign), await stranger.ask(name, unknown)];
      expect(plain(one)).toEqual(plain(other));
    },
  );
});

/** An answer without what differs each time. */
function plain(answer: { status: number; headers: Headers; problem?: ProblemDocument; data?: unknown }): unknown {
  const { status, headers, problem, data } = answer;
  const { requestId: _, ...document } = problem ?? { requestId: "", data };
  const own = ["x-request-id", "date", "etag", "ratelimit", "content-length"];
  return { status, document, headers: [...headers].filter(([name]) => !own.includes(name)) };
}
