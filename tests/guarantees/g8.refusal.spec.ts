import { randomUUID } from "node:crypto";
import { actionEntries, scopes, type ActionContract, type ActionName, type ProblemDocument } from "@confab/contracts";
import { compileSchema } from "@confab/mixins/validator.ts";
import { TestClient } from "../support/client.ts";
import type { Refused } from "../support/refusal.ts";
import type { TestSocket } from "../support/socket.ts";
import type { TestUser } from "../support/user.ts";
import { eventually } from "../support/wait.ts";
import { embeddedWorld, type World } from "../support/world.ts";

const annsAddress = `ann.${randomUUID()}@example.test`;
const password = "correct horse battery";
const externalId = "dan of the host's";
/** A pixel. */
const picture = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

type Fields = Record<string, unknown>;
interface Schema {
  type?: string;
  format?: string;
  anyOf?: Schema[];
  items?: Schema;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  patternProperties?: Record<string, Schema>;
}

const routes = actionEntries.filter(([, { rest }]) => rest);
const sockets = actionEntries.filter(([, { socket }]) => socket);
const methodOf = ({ rest }: ActionContract) => rest!.split(" ")[0]!;
const inPath = ({ rest }: ActionContract, field: string) => rest!.split("/").includes(`:${field}`);
const inQuery = (contract: ActionContract) => ["GET", "DELETE"].includes(methodOf(contract));
const fieldsOf = ({ params }: ActionContract) => Object.entries(params.properties as Record<string, Schema>);

const anything = [
  ...[null, true, 7, -1, 1.5, 1e20],
  ...["", " ", "text", "true", "null", "7", "1.5", "1e3x", "-1"],
  ...[{}, { $ne: "" }, { 0: "x" }, [], ["text"], [7], [null], [[]]],
];

/** A family of seven code points: one emoji. */
const family = "\u{1F469}\u200D\u{1F469}\u200D\u{1F467}\u200D\u{1F466}";
/** A time by the letter of ISO 8601, and none that a clock here shows. */
const leapSecond = "2016-12-31T23:59:60Z";
/** What no schema can say. */
const moreWrong: Partial<Record<ActionName, Fields[]>> = {
  "chat.chat.create": [
    { data: { filler: "x".repeat(8192) } },
    { type: "direct", memberIds: [] },
    { type: "direct", title: "Two" },
  ],
  "chat.chat.change": [{ data: { filler: "x".repeat(8192) } }],
  "chat.message.send": [
    { text: "x".repeat(8001) },
    { text: "half \ud83d" },
    { data: { filler: "x".repeat(8192) } },
    { mentions: [randomUUID()] },
    { replyTo: randomUUID() },
  ],
  "chat.message.edit": [
    { text: "x".repeat(8001) },
    { text: "half \ud83d" },
    { data: { filler: "x".repeat(8192) } },
    { mentions: [randomUUID()] },
  ],
  "chat.reaction.add": ["x", "7", "\u{1F44D}\u{1F44D}", "\u{1F44D} ", "\u{1F1E9}", "\u200D", ":+1:"].map((emoji) => ({ emoji })),
  "chat.reaction.remove": ["x", "\u{1F44D}\u{1F44D}"].map((emoji) => ({ emoji })),
  "chat.chat.list": [{ cursor: "made up" }],
  "chat.member.list": [{ cursor: "made up" }],
  "chat.me.change": [{ mutedUntil: leapSecond }],
  "user.account.register": [{ password: "password1" }, { password: "half \ud83d of a pair" }],
  "user.password.change": [{ password: "password1" }, { password: "half \ud83d of a pair" }],
  "user.me.change": [{ data: { filler: "x".repeat(8192) } }],
  "user.host.put": [{ data: { filler: "x".repeat(8192) } }],
  "user.host.create": [{ data: { filler: "x".repeat(8192) } }],
  "user.host.vouch": [{ data: { filler: "x".repeat(8192) } }],
  "user.avatar.put": [{ image: Buffer.from("no picture").toString("base64") }, { image: "" }],
  "user.profile.find": [{ cursor: "made up" }],
  "user.admin.find": [{ cursor: "made up" }],
  "user.report.list": [{ cursor: "made up" }],
  "user.audit.list": [{ cursor: "made up" }],
  "mail.admin.list": [{ cursor: "made up" }],
  "mail.admin.dead": [{ cursor: "made up" }],
  "user.admin.ban": [{ until: leapSecond }],
  "user.serverkey.create": [{ expiresAt: leapSecond }],
  "chat.host.put": [{ data: { filler: "x".repeat(8192) } }],
  "chat.host.send": [{ text: "x".repeat(8001) }, { text: "half \ud83d" }, { data: { filler: "x".repeat(8192) } }],
  "chat.search.find": [{ q: "?!" }, { cursor: "made up" }, { after: leapSecond }, { before: leapSecond }],
};

describe("G8: bad input is refused by name", () => {
  let world: World;
  let ann: TestUser;
  let bob: TestUser;
  let cy: TestUser;
  let socket: TestSocket;
  let server: TestClient;
  let keyId: string;
  let reportId: string;
  let chatId: string;
  let messageId: string;
  let inviteId: string;
  let code: string;
  let before: unknown;

  beforeAll(async () => {
    world = await embeddedWorld({ env: { AUTH: "both", ADMINS: annsAddress } });
    [ann, bob, cy] = [await world.signIn(annsAddress, "ann"), await world.user("bob"), await world.user("cy")];
    await ann.call("user.password.change", { password });
    const key = await ann.call("user.serverkey.create", { name: "backend", scopes: [...scopes] });
    keyId = key.id;
    server = new TestClient(world.doors[0]!, key.key);
    await server.call("user.host.put", { externalId, name: "Dan" });
    const chat = await ann.call("chat.chat.create", { type: "group", memberIds: [bob.id], title: "The two of us" });
    chatId = chat.id;
    messageId = (await ann.send(chat, "the only message")).id;
    await bob.react(chat, { id: messageId }, family);
    await ann.pin(chat, { id: messageId });
    await ann.call("chat.ban.add", { chatId, userId: cy.id });
    ({ id: inviteId, code } = await ann.invite(chat));
    ({ id: reportId } = await bob.call("user.report.create", { userId: ann.id, reason: "spam" }));
    await ann.call("chat.block.add", { userId: cy.id });
    await ann.call("chat.preference.change", { presence: false });
    await ann.read(chat, 1);
    socket = await ann.socket();
    // Who was added learns of it in a log of their own, a moment later.
    await eventually("bob's own log has the chat", async () => (await bob.sync()).user.length > 0);
    before = await everything();
  });
  afterAll(() => world?.stop());

  /** All that a client could find changed. */
  async function everything(): Promise<unknown> {
    const chat = { id: chatId };
    return [
      await ann.call("user.me.get", {}),
      await ann.chats(),
      await bob.chats(),
      await ann.history(chat),
      await ann.entries(chat),
      await ann.sync(),
      await bob.sync(),
      await ann.call("chat.receipt.list", { chatId }),
      await ann.call("chat.invite.list", { chatId }),
      await ann.call("chat.block.list", {}),
      await ann.call("chat.preference.get", {}),
      await ann.call("user.session.list", {}),
      await ann.call("user.export.get", {}),
      await ann.call("user.serverkey.list", {}).then(({ items }) => items.map(({ lastUsedAt: _, ...key }) => key)),
      await ann.call("user.report.list", {}),
      // Not the audit log: to have looked at somebody is in it too.
      (await ann.call("user.admin.find", {})).items,
    ];
  }

  /** Params with which the action would do its work. */
  function good(name: ActionName): Fields {
    const known: Partial<Record<ActionName, Fields>> = {
      "user.code.request": { email: `new.${randomUUID()}@example.test` },
      "user.code.verify": { flowId: randomUUID(), code: "123456" },
      "user.account.register": { email: `new.${randomUUID()}@example.test`, password, name: "New" },
      "user.session.login": { email: annsAddress, password },
      "user.session.exchange": { token: "made up" },
      "user.session.confirm": { password },
      "user.session.refresh": { refreshToken: ann.refreshToken },
      "user.session.remove": { sessionId: randomUUID() },
      "user.session.removeAll": { others: true },
      "user.password.forgot": { email: `new.${randomUUID()}@example.test` },
      "user.password.reset": { flowId: randomUUID(), code: "123456", password },
      "user.password.change": { password: "another horse battery", current: password },
      "user.email.change": { email: `new.${randomUUID()}@example.test` },
      "user.email.confirm": { flowId: randomUUID(), code: "123456" },
      "user.totp.confirm": { code: "123456" },
      "user.me.change": { name: "Other Ann" },
      "user.avatar.put": { image: picture },
      "user.profile.get": { userId: bob.id },
      "user.profile.lookup": { userIds: [bob.id] },
      "user.host.put": { externalId, name: "Other Dan" },
      "user.host.create": { name: "Guest" },
      "user.host.erase": { externalId },
      "user.host.vouch": { externalId },
      "user.host.endSessions": { externalId },
      "chat.host.put": { key: "order:1", owner: externalId, members: [externalId] },
      "chat.host.send": { sender: externalId, clientMessageId: "by-the-host", text: "hello" },
      "user.serverkey.create": { name: "another", scopes: ["users"] },
      "user.serverkey.remove": { keyId },
      "user.admin.get": { userId: bob.id },
      "user.admin.ban": { userId: cy.id },
      "user.admin.unban": { userId: cy.id },
      "user.admin.endSessions": { userId: cy.id },
      "user.admin.verify": { userId: cy.id },
      "user.admin.changeRole": { userId: cy.id, role: "user" },
      "user.report.create": { userId: bob.id, reason: "abuse" },
      "user.report.change": { reportId, state: "resolved" },
      "user.profile.find": { q: bob.email },
      "chat.chat.create": { type: "group", memberIds: [bob.id] },
      "chat.chat.change": { title: null, slowMode: 10 },
      "chat.me.change": { mutedUntil: new Date(Date.now() + 60_000).toISOString(), pinned: true },
      "chat.member.add": { userIds: [bob.id] },
      "chat.member.change": { userId: bob.id, role: "admin" },
      "chat.member.remove": { userId: bob.id },
      "chat.ban.add": { userId: cy.id },
      "chat.ban.remove": { userId: cy.id },
      "chat.invite.create": { expiresIn: 60, maxUses: 1 },
      "chat.invite.revoke": { inviteId },
      "chat.invite.accept": { code },
      "chat.message.send": { clientMessageId: "another", text: "another message" },
      "chat.message.edit": { text: "other words" },
      "chat.reaction.add": { emoji: "\u{1F1E9}\u{1F1EA}" },
      "chat.reaction.remove": { emoji: family },
      "chat.receipt.move": { read: { [chatId]: 1 } },
      "chat.search.find": { q: "the only", chatId },
      "chat.block.add": { userId: bob.id },
      "chat.block.remove": { userId: cy.id },
      "chat.preference.change": { readReceipts: false },
      "mail.admin.explain": { address: bob.email },
      "mail.admin.forgive": { address: bob.email },
      "mail.admin.replay": { jobId: randomUUID() },
      "io.typing.tell": { typing: true },
      "io.presence.watch": { userIds: [bob.id] },
      "io.session.refresh": { token: ann.client.token },
    };
    const required = actionEntries.find(([other]) => other === name)![1].params.required ?? [];
    const usual = Object.entries({ chatId, messageId }).filter(([field]) => required.includes(field));
    return { ...Object.fromEntries(usual), ...known[name] };
  }

  /** Who may ask for it, to whom nothing but what is wrong is refused. */
  const askerOf = ({ audience }: ActionContract) => (audience === "server" ? server : ann.client);

  function pathOf(name: ActionName, contract: ActionContract): string {
    const params = good(name);
    return contract.rest!.split(" ")[1]!.replace(/:(\w+)/g, (_, field: string) => encodeURIComponent(String(params[field])));
  }

  describe("and changes nothing", () => {
    afterEach(async () => expect(await everything()).toEqual(before));

    describe.each(routes)("%s by REST", (name, contract) => {
      const required = (contract.params.required ?? []).filter((field) => !inPath(contract, field));
      const wrong = fieldsOf(contract).map(([field, schema]) => ({
        field,
        values: wrongValues(schema, inPath(contract, field) ? "path" : inQuery(contract) ? "query" : "body"),
      }));
      const ask = async (params: Fields) => (await askerOf(contract).ask(name, params)).problem;

      if (wrong.length > 0) {
        test.each(wrong)("a wrong $field", async ({ field, values }) => {
          expect(values.length).toBeGreaterThan(0);
          for (const value of values) expectNamed(await ask({ ...good(name), [field]: value }), [field], value);
        });
        test("all wrong fields are named at once", async () => {
          const all = Object.fromEntries(wrong.map(({ field, values }) => [field, values.at(-1)]));
          expectNamed(await ask({ ...good(name), ...all }), Object.keys(all), all);
        });
      }
      if (moreWrong[name])
        test.each(moreWrong[name].map((fields) => [Object.keys(fields).at(-1)!, fields]))("%s: %j", async (field, fields) => {
          expectNamed(await ask({ ...good(name), ...fields }), [field], fields);
        });
      if (required.length > 0) {
        test.each(required)("without %s", async (field) => {
          const { [field]: _, ...params } = good(name);
          expectNamed(await ask(params), [field], undefined);
        });
      }
      test("an unknown field", async () => {
        expectNamed(await ask({ ...good(name), colour: "red" }), ["colour"], "red");
      });
      if (!inQuery(contract)) {
        test("a body that cannot be read, is no object, of another type or too large", async () => {
          const path = pathOf(name, contract);
          const send = async (body: string, type?: string) =>
            (await askerOf(contract).send(name, methodOf(contract), path, body, type)).problem;
          for (const body of ["{", '{"email": "a', "\u0000", "[1,]", " "])
            expect([body, await send(body)]).toMatchObject([body, { status: 400, code: "bad_json" }]);
          for (const body of ["[]", "null", "7", '"text"'])
            expect([body, await send(body)]).toMatchObject([body, { status: 422 }]);
          expect(await send(JSON.stringify(good(name)), "text/plain")).toMatchObject({ status: 415 });
          const large = JSON.stringify({ ...good(name), data: { filler: "x".repeat(70_000) } });
          if (contract.maxBody === undefined) expect(await send(large)).toMatchObject({ status: 413 });
        });
      }
    });

    describe.each(sockets)("%s by socket", (name, contract) => {
      const ask = (params: unknown) =>
        socket.call(name, params as Fields).then(
          () => undefined,
          (error: Refused) => error.problem ?? Promise.reject(error),
        );

      test.each(fieldsOf(contract).map(([field, schema]) => ({ field, values: wrongValues(schema, "body") })))(
        "a wrong $field",
        async ({ field, values }) => {
          expect(values.length).toBeGreaterThan(0);
          for (const value of values) expectNamed(await ask({ ...good(name), [field]: value }), [field], value);
        },
      );
      if (moreWrong[name])
        test.each(moreWrong[name].map((fields) => [Object.keys(fields).at(-1)!, fields]))("%s: %j", async (field, fields) => {
          expectNamed(await ask({ ...good(name), ...fields }), [field], fields);
        });
      test("a missing field, an unknown one, and no object", async () => {
        for (const field of contract.params.required ?? []) {
          const { [field]: _, ...params } = good(name);
          expectNamed(await ask(params), [field], undefined);
        }
        expectNamed(await ask({ ...good(name), colour: "red" }), ["colour"], "red");
        for (const payload of [null, 7, "text", []]) expectNamed(await ask(payload), ["payload"], payload);
      });
    });

    test("more than one place to page from", async () => {
      const { problem } = await ann.client.ask("chat.message.list", { chatId, before: 3, after: 1 });
      expectNamed(problem, ["after"], 1);
    });

    test("without a token, or with a bad one, whoever must be signed in is refused", async () => {
      const signedIn = routes.filter(([, { audience }]) => audience !== "anyone");
      for (const token of [undefined, "", "x.y.z", `${ann.client.token}x`]) {
        const stranger = ann.at(0).client;
        stranger.token = token;
        for (const [name] of signedIn)
          expect([name, (await stranger.ask(name, good(name))).problem]).toMatchObject([
            name,
            { status: 401, code: "unauthenticated" },
          ]);
      }
    });

    test("an address that no contract names is a 404, another method a 405, an unreadable address a 400", async () => {
      expect((await ann.client.send(undefined, "GET", "/nothing/here")).problem).toMatchObject({ status: 404 });
      expect((await ann.client.send(undefined, "DELETE", "/chats")).problem).toMatchObject({ status: 405 });
      expect((await ann.client.send(undefined, "GET", "/chats/%E0%A4%A")).problem).toMatchObject({ status: 400 });
      const reaction = `/chats/${chatId}/messages/${messageId}/reactions`;
      expect((await ann.client.send(undefined, "PUT", `${reaction}/%F0%9F%91`)).problem).toMatchObject({ status: 400 });
    });
  });

  test("what these tests call good is good", async () => {
    // What takes the message, the chat or the session away from who asks comes last.
    const last: ActionName[] = [
      ...(["user.host.erase", "user.serverkey.remove", "chat.message.delete", "chat.chat.delete"] as const),
      ...(["user.totp.remove", "user.session.refresh", "user.session.removeAll", "user.me.erase"] as const),
    ];
    // Signing out is tried by whoever signs in for it, and so is nothing more after it.
    const names = [...routes, ...sockets].map(([name]) => name).filter((name) => name !== "user.session.end");
    const ordered = [...new Set([...names.filter((name) => !last.includes(name)), ...last])];
    /** What is right in form, and refused all the same. */
    const refused: Partial<Record<ActionName, string>> = {
      "user.code.verify": "user.wrong_code",
      "user.password.reset": "user.wrong_code",
      "user.email.confirm": "user.wrong_code",
      "user.session.exchange": "user.bad_host_token",
      "user.session.remove": "user.session_not_found",
      "user.totp.confirm": "user.wrong_totp",
      "mail.admin.replay": "mail.job_not_found",
      // The host's user is in no chat of ann's.
      "chat.host.send": "chat.not_found",
    };
    for (const name of ordered) {
      const contract = actionEntries.find(([other]) => other === name)![1];
      const asked = contract.rest ? askerOf(contract).ask(name, good(name)) : socket.call(name, good(name));
      const code = ((await asked) as { problem?: ProblemDocument } | null)?.problem?.code;
      expect([name, code]).toEqual([name, refused[name]]);
    }
    const other = await world.signIn(`new.${randomUUID()}@example.test`, "new");
    expect((await other.client.ask("user.session.end", {})).status).toBe(204);
  });
});

/** These fields are wrong, and no others. */
function expectNamed(problem: ProblemDocument | undefined, fields: string[], value: unknown): void {
  expect([value, problem?.status, problem?.code]).toEqual([value, 422, "bad_input"]);
  const wrong = problem!.errors!.map((error) => fields.find((one) => error.field === one || error.field.startsWith(`${one}.`)));
  expect([value, problem!.errors, new Set(wrong)]).toEqual([value, problem!.errors, new Set(fields)]);
}

/** Values that a field's schema refuses. In a path or query everything is text, and a number or truth value is what reads as one. */
function wrongValues(schema: Schema, place: "path" | "query" | "body"): unknown[] {
  const check = compileSchema({ type: "object", properties: { it: schema }, required: ["it"] });
  const read = (text: string) => {
    if (schema.type === "boolean" && /^(true|false)$/.test(text)) return text === "true";
    return schema.type === "integer" && /^-?\d+$/.test(text) ? Number(text) : text;
  };
  return [...anything, ...edges(schema)]
    .map((value) => (place !== "body" && typeof value === "number" ? String(value) : value))
    .filter((value) => place === "body" || typeof value === "string")
    .filter((value) => place !== "path" || value !== "")
    .filter((value) => check({ it: structuredClone(place === "body" ? value : read(value as string)) }).length > 0);
}

/** Values just outside of what a schema allows, or near to it. */
function edges(schema: Schema): unknown[] {
  const { format, minLength, maxLength, minimum, maximum, minItems, maxItems, uniqueItems, items, patternProperties } = schema;
  const values = (schema.anyOf ?? []).flatMap(edges);
  if (format) values.push("00000000-0000-0000-0000-00000000000g", "2026-02-30T00:00:00Z", "2026-01-01", "a@b@c");
  if (minLength) values.push("x".repeat(minLength - 1));
  if (maxLength !== undefined && maxLength < 10_000)
    values.push("x".repeat(maxLength + 1), family.repeat(Math.ceil((maxLength + 1) / 7)));
  if (minimum !== undefined) values.push(minimum - 1);
  if (maximum !== undefined) values.push(maximum + 1);
  const ids = (count: number) => Array.from({ length: count }, () => randomUUID());
  if (minItems) values.push(ids(minItems - 1));
  if (maxItems !== undefined) values.push(ids(maxItems + 1));
  if (uniqueItems) values.push([ids(1)[0], ids(1)[0]].fill(randomUUID()));
  if (items) values.push(...[...anything, ...edges(items)].map((item) => [randomUUID(), item]));
  for (const inside of Object.values(patternProperties ?? {}))
    if (inside.type) values.push(...[...anything, ...edges(inside)].map((value) => ({ [randomUUID()]: value })), { "no id": 1 });
  return values;
}
