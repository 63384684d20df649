// Whatever string is accepted comes back as it was sent: at once, after kill -9 and after a graceful restart, on both stores.
// The fields are those of the contracts: a new one is tested by itself, a new action has to say here where it is read.

import { createHmac, randomUUID } from "node:crypto";
import { request } from "node:http";
import { actionEntries, scopes, type ActionName, type Params, type Result } from "@confab/contracts";
import { stringPlaces } from "@confab/contracts/strings.testing.ts";
import { compileSchema } from "@confab/mixins/validator.ts";
import fc from "fast-check";
import { TestClient } from "../support/client.ts";
import { contractOf } from "../support/contract.ts";
import { findRefused } from "../support/strict.ts";
import { allOfUnicode, dataOf, reserved, stringsOf } from "../support/strings.ts";
import { newName, type TestUser } from "../support/user.ts";
import { eventually } from "../support/wait.ts";
import { describeWorlds, type World } from "../support/world.ts";

type Fields = Record<string, unknown>;
type Read = () => Promise<Fields[]>;

const seed = Number(process.env["TEST_SEED"] ?? Date.now() % 1_000_000_007);
/** Samples of each action. */
const runs = 15;
const boss = `boss.${randomUUID()}@example.test`;
const secret = randomUUID() + randomUUID();

/** Strings that are compared, checked or used up, and not answered again; what is made of time or of ASCII alone. */
const unread: Partial<Record<ActionName, string[]>> = {
  "user.code.request": ["email"],
  "user.account.register": ["email", "password"],
  "user.code.verify": ["code", "totp"],
  "user.session.login": ["email", "password", "totp"],
  "user.session.exchange": ["token", "totp"],
  "user.session.confirm": ["password", "totp"],
  "user.session.refresh": ["refreshToken"],
  "user.password.forgot": ["email"],
  "user.password.reset": ["code", "password", "totp"],
  "user.password.change": ["password", "current"],
  "user.email.change": ["email"],
  "user.email.confirm": ["code"],
  "user.totp.confirm": ["code"],
  "user.avatar.put": ["image"],
  "user.serverkey.create": ["expiresAt"],
  "user.admin.ban": ["until"],
  "chat.me.change": ["mutedUntil"],
  "chat.invite.create": ["email"],
  "chat.invite.accept": ["code"],
  "chat.receipt.move": ["read", "delivered"],
  "chat.sync.pull": ["epoch", "chats"],
  "io.session.refresh": ["token"],
  "mail.admin.replayDead": ["address", "template"],
};

/** The fields of an action that hold strings other than ids and fixed words. */
function stringFields(name: ActionName): string[] {
  const places = stringPlaces(contractOf(name).params).filter(
    ({ schema }) => schema?.["format"] !== "uuid" && schema?.["const"] === undefined,
  );
  return [...new Set(places.map(({ path }) => String(path[0])))].filter((field) => !unread[name]?.includes(field));
}

/** An action that stores strings: how it is asked, and how what it stored is read. */
interface Recipe {
  /** Fields whose values the schema does not tell. */
  particular?: Record<string, fc.Arbitrary<unknown>>;
  write: (sent: never) => Promise<Read>;
}

/** Users' names are kept without the blanks around them. */
const kept = (field: string, value: unknown) => (field === "name" ? (value as string).trim() : value);

function expectHeld(name: ActionName, sent: Fields, seen: Fields[]): void {
  for (const field of stringFields(name)) {
    if (!Object.hasOwn(sent, field)) continue;
    const found = seen.filter((one) => Object.hasOwn(one, field));
    expect([name, field, found.length > 0]).toEqual([name, field, true]);
    // As text: Jest's comparison passes over a key such as __proto__.
    for (const one of found)
      expect([name, field, JSON.stringify(one[field])]).toEqual([name, field, JSON.stringify(kept(field, sent[field]))]);
  }
}

describeWorlds(
  "every string that is accepted",
  {
    env: { AUTH: "both", ADMINS: boss, HOST_JWT_SECRET: secret, HOST_JWT_AUDIENCE: "confab" },
    size: { chat: 2, io: 2 },
  },
  (open) => {
    let world: World;
    let admin: TestClient;
    let server: TestClient;
    let ann: TestUser;
    let bob: TestUser;
    let chatId: string;
    /** The host's users behind chats by key, named awkwardly. */
    let owner: string;
    const held: { name: ActionName; sent: Fields; read: Read }[] = [];

    beforeAll(async () => {
      console.log(`TEST_SEED=${seed}`);
      world = await open();
      admin = (await world.signIn(boss, "Boss")).client;
      const { key } = await admin.call("user.serverkey.create", { name: "all", scopes: [...scopes] });
      server = new TestClient(world.doors[0]!, key);
      [ann, bob] = [await world.user("Ann"), await world.user("Bob")];
      chatId = (await ann.group([bob])).id;
      owner = `\u2028\u{10ffff} __proto__ ${randomUUID()}`;
      const { id } = await server.call("user.host.put", { externalId: owner });
      await ann.call("chat.member.add", { chatId, userIds: [id] });
    });
    afterAll(() => world?.stop());

    const guest = async () => (await server.call("user.host.create", { name: "Guest" })).id;
    const me =
      (client: TestClient): Read =>
      async () => [await client.call("user.me.get", {})];
    const as = (token: string) => new TestClient(world.doors[0]!, token);
    const hosted =
      (externalId: string): Read =>
      async () => [await server.call("user.host.put", { externalId })];
    const report =
      (id: string, rename: (found: Result<"user.report.list">["items"][number]) => Fields): Read =>
      async () => {
        const { items } = await admin.call("user.report.list", { limit: 100 });
        return items.filter((one) => one.id === id).map(rename);
      };

    async function readMessage(messageId: string, edited = false): Promise<Fields[]> {
      const { message } = await bob.call("chat.message.get", { chatId, messageId });
      const around = { chatId, around: message.seq, limit: 3 };
      const page = (await bob.at(1).call("chat.message.list", around)).items;
      const { items } = await bob.call("chat.entry.list", { chatId, after: message.rev - 1, limit: 1 });
      const entry = items.map(({ data }) => ("message" in data ? data.message : data) as Fields);
      const history = (await bob.call("chat.message.history", { chatId, messageId })).items.at(-1)!;
      return [message, ...page.filter(({ id }) => id === messageId), ...entry, ...(edited ? [history] : [])];
    }

    async function readChat(id: string): Promise<Fields[]> {
      const chat = await ann.call("chat.chat.get", { chatId: id });
      const entries = (await ann.entries(chat)).map(({ data }) => data as Fields);
      const { chats } = await ann.call("chat.sync.pull", { chats: {}, limit: 1000 });
      return [chat, entries.at(-1)!, ...chats.flatMap((one) => (one.chat && one.chatId === id ? [one.chat] : []))];
    }

    /** Signs in by a token of the host's, with a User-Agent. */
    async function exchange(claims: Fields, userAgent?: string): Promise<TestClient> {
      const parts = [{ alg: "HS256" }, { aud: "confab", exp: Math.floor(Date.now() / 1000) + 600, ...claims }].map((part) =>
        Buffer.from(JSON.stringify(part)).toString("base64url"),
      );
      const token = [...parts, createHmac("sha256", secret).update(parts.join(".")).digest("base64url")].join(".");
      const { accessToken } = JSON.parse(await post("/auth/exchange", JSON.stringify({ token }), userAgent)) as {
        accessToken: string;
      };
      return as(accessToken);
    }

    /** Without what `fetch` does to headers. */
    function post(path: string, body: string, userAgent = "test"): Promise<string> {
      return new Promise((resolve, reject) => {
        const headers = { "Content-Type": "application/json", "User-Agent": userAgent };
        request(`${world.doors[0]!.api}/api/v1${path}`, { method: "POST", headers }, (res) => {
          const chunks: Buffer[] = [];
          res.on("data", (chunk: Buffer) => chunks.push(chunk)).on("end", () => resolve(Buffer.concat(chunks).toString()));
        })
          .on("error", reject)
          .end(Buffer.from(body)); // As text Node would send the headers in UTF-8 too.
      });
    }

    const recipes: { [N in ActionName]?: Recipe } = {
      "user.me.change": {
        async write(sent: Params<"user.me.change">) {
          const { accessToken, user } = await server.call("user.host.vouch", { externalId: randomUUID() });
          await ann.call("chat.member.add", { chatId, userIds: [user.id] });
          await as(accessToken).call("user.me.change", sent);
          return async () => [
            await as(accessToken).call("user.me.get", {}),
            await ann.call("user.profile.get", { userId: user.id }),
            ...(await ann.call("user.profile.lookup", { userIds: [user.id] })).items,
          ];
        },
      },
      "user.account.register": {
        async write({ name }: Params<"user.account.register">) {
          const email = `new.${randomUUID()}@example.test`;
          const client = new TestClient(world.doors[0]!);
          const { flowId } = await client.call("user.account.register", { email, password: "correct horse battery", name });
          const code = await world.mailedCode(email);
          return me(as((await client.call("user.code.verify", { flowId, code })).accessToken));
        },
      },
      "user.code.verify": {
        async write({ name }: Params<"user.code.verify">) {
          return me((await world.signIn(`new.${randomUUID()}@example.test`, name!)).client);
        },
      },
      "user.host.put": {
        particular: { externalId: unique("user.host.put", "externalId") },
        async write(sent: Params<"user.host.put">) {
          await server.call("user.host.put", sent);
          return hosted(sent.externalId);
        },
      },
      "user.host.create": {
        async write(sent: Params<"user.host.create">) {
          return hosted((await server.call("user.host.create", sent)).externalId!);
        },
      },
      "user.host.vouch": {
        particular: { externalId: unique("user.host.vouch", "externalId") },
        async write(sent: Params<"user.host.vouch">) {
          const client = as((await server.call("user.host.vouch", sent)).accessToken);
          return async () => [
            ...(await me(client)()),
            ...(await client.call("user.session.list", {})).items
              .filter(({ current }) => current)
              .map(({ device }) => ({ device })),
          ];
        },
      },
      "chat.host.put": {
        particular: {
          key: unique("chat.host.put", "key"),
          owner: fc.constant(null).map(() => owner),
          members: fc.constant(null).map(() => [owner]),
        },
        async write(sent: Params<"chat.host.put">) {
          await server.call("chat.host.put", sent);
          const read = { key: sent.key, owner };
          return async () => {
            const { members, ...chat } = await server.call("chat.host.put", read);
            expect(members).toHaveLength(1);
            return [chat, { owner, members: [owner] }];
          };
        },
      },
      "chat.host.send": {
        particular: { sender: fc.constant(null).map(() => owner), clientMessageId: unique("chat.host.send", "clientMessageId") },
        async write(sent: Params<"chat.host.send">) {
          const { message } = await server.call("chat.host.send", { ...sent, chatId });
          // Asked again under its name, it is the same one (G3).
          const again = async () => (await server.call("chat.host.send", { ...sent, chatId })).message;
          return async () => [...(await readMessage(message.id)), await again(), { sender: owner }];
        },
      },
      "user.serverkey.create": {
        async write({ name }: Params<"user.serverkey.create">) {
          const { id } = await admin.call("user.serverkey.create", { name, scopes: ["users"] });
          return async () => (await admin.call("user.serverkey.list", {})).items.filter((one) => one.id === id);
        },
      },
      "user.admin.ban": {
        async write({ reason }: Params<"user.admin.ban">) {
          const userId = await guest();
          await admin.call("user.admin.ban", { userId, reason: reason! });
          return async () => [
            (await admin.call("user.admin.get", { userId })).ban!,
            ...(await admin.call("user.audit.list", { target: userId })).items
              .filter(({ action }) => action === "user.admin.ban")
              .map(({ details }) => details),
          ];
        },
      },
      "user.report.create": {
        async write({ text }: Params<"user.report.create">) {
          const message = await bob.send({ id: chatId }, `quoted ${text}`);
          const { id } = await ann.call("user.report.create", { chatId, messageId: message.id, reason: "spam", text: text! });
          return async () => {
            const found = await report(id, (one) => ({ text: one.text, quote: one.quote }))();
            expect(found.map(({ quote }) => quote)).toEqual([`quoted ${text}`]);
            return found;
          };
        },
      },
      "user.report.change": {
        async write({ note }: Params<"user.report.change">) {
          const message = await bob.send({ id: chatId }, "quoted");
          const { id } = await ann.call("user.report.create", { chatId, messageId: message.id, reason: "spam" });
          await admin.call("user.report.change", { reportId: id, state: "resolved", note: note! });
          return report(id, (one) => ({ note: one.note }));
        },
      },
      "chat.chat.create": {
        async write(sent: Params<"chat.chat.create">) {
          const { id } = await ann.call("chat.chat.create", { ...sent, type: "group", memberIds: [bob.id] });
          return () => readChat(id);
        },
      },
      "chat.chat.change": {
        async write(sent: Params<"chat.chat.change">) {
          const { id } = await ann.group([bob]);
          await ann.call("chat.chat.change", { ...sent, chatId: id });
          return () => readChat(id);
        },
      },
      "chat.message.send": {
        particular: { clientMessageId: unique("chat.message.send", "clientMessageId") },
        async write(sent: Params<"chat.message.send">) {
          // Heard through another node of the cluster than the one that is asked.
          const [speaker, listener] = [await ann.socket(), await bob.at(1).socket()];
          const { message } = await speaker.call("chat.message.send", { ...sent, chatId });
          const entry = await listener.waitFor("chat:entry", (one) => one.rev === message.rev && one.chatId === chatId);
          expectHeld("chat.message.send", sent, [(entry.data as { message: Fields }).message, message]);
          speaker.close();
          listener.close();
          return () => readMessage(message.id);
        },
      },
      "chat.message.edit": {
        async write(sent: Params<"chat.message.edit">) {
          const { id: messageId } = await ann.send({ id: chatId }, "before");
          await ann.call("chat.message.edit", { ...sent, chatId, messageId });
          return () => readMessage(messageId, true);
        },
      },
      "chat.reaction.add": {
        particular: { emoji: fc.constantFrom("👍", "👩‍👩‍👧‍👦", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "❤️", "🇩🇪", "#️⃣", "👋🏿") },
        async write({ emoji }: Params<"chat.reaction.add">) {
          const { id: messageId } = await ann.send({ id: chatId }, "reacted to");
          await ann.call("chat.reaction.add", { chatId, messageId, emoji });
          return async () => [
            ...(await bob.call("chat.message.get", { chatId, messageId })).message.reactions,
            ...(await bob.call("chat.reaction.list", { chatId, messageId })).items,
          ];
        },
      },
      "chat.preference.change": {
        particular: {
          timeZone: fc.constantFrom("Europe/Berlin", "Etc/GMT+5", "America/Argentina/Buenos_Aires"),
          quietHours: fc.constant({ from: "22:30", to: "06:00" }),
        },
        async write(sent: Params<"chat.preference.change">) {
          const client = as((await server.call("user.host.vouch", { externalId: randomUUID() })).accessToken);
          await client.call("chat.preference.change", sent);
          return async () => [await client.call("chat.preference.get", {})];
        },
      },
    };

    const storing = actionEntries
      .filter(([, { rest, socket }]) => (rest !== undefined && !/^(GET|DELETE) /.test(rest)) || socket !== undefined)
      .map(([name]) => name)
      .filter((name) => !name.endsWith(".remove") && !name.endsWith(".endSessions") && stringFields(name).length > 0);

    test("every action that takes strings says where they are read, or that they are not", () => {
      expect(storing.filter((name) => !recipes[name])).toEqual([]);
    });

    const samplesOf = (name: ActionName): Fields[] => {
      const { properties } = contractOf(name).params;
      const arbitraries = Object.fromEntries(
        stringFields(name).map((field) => {
          const schema = (properties[field]!["anyOf"] as Fields[] | undefined)?.[0] ?? properties[field]!;
          const isData = schema["type"] === "object" && schema["patternProperties"] !== undefined;
          return [field, recipes[name]!.particular?.[field] ?? (isData ? dataOf() : stringsOf(schema))];
        }),
      );
      return fc.sample(fc.record(arbitraries), { seed, numRuns: name === "user.account.register" ? 3 : runs });
    };

    test.each(storing)("is read as it was sent: %s", async (name) => {
      for (const sent of samplesOf(name)) {
        const read = await recipes[name]!.write(sent as never);
        expectHeld(name, sent, await read());
        held.push({ name, sent, read });
      }
    });

    test("a User-Agent of all bytes that a header may have is kept", async () => {
      const bytes = Array.from({ length: 256 }, (_, at) => at).filter((at) => at === 9 || (at > 31 && at !== 127));
      for (const some of [bytes.slice(0, 120), bytes.slice(100)]) {
        const device = Buffer.from([88, ...some, 88]).toString("latin1");
        const client = await exchange({ sub: randomUUID() }, device);
        const read = async () =>
          (await client.call("user.session.list", {})).items.map((session) => ({ device: session.device }));
        expectHeld("user.host.vouch", { device }, await read());
        held.push({ name: "user.host.vouch", sent: { device }, read });
      }
    });

    test("the claims of the host's token are kept", async () => {
      for (const { externalId, name } of samplesOf("user.host.vouch")) {
        const sent = { name, externalId: `${externalId as string}!` };
        const read = me(await exchange({ sub: sent.externalId, name }));
        expectHeld("user.host.vouch", sent, await read());
        held.push({ name: "user.host.vouch", sent, read });
      }
    });

    // A path cannot end in a dot or two: clients resolve them.
    test.each(reserved.filter((word) => !/^\.+$/.test(word)))(
      "%s is a name as any other, of a message, a user and a chat of the host's",
      async (word) => {
        const allows = (name: ActionName, field: string) =>
          compileSchema(contractOf(name).params.properties[field]!)(word).length === 0;
        const { id: userId } = await server.call("user.host.put", { externalId: word, data: { [word]: word } });
        await ann.call("chat.member.add", { chatId, userIds: [userId] });
        const chat = await server.call("chat.host.put", { key: word, owner: word, title: word });
        const name = allows("chat.message.send", "clientMessageId") ? word : newName();
        const sent = { chatId, sender: word, clientMessageId: name, text: word, data: { [word]: { [word]: word } } };
        const { message } = await server.call("chat.host.send", sent);
        held.push(
          {
            name: "user.host.put",
            sent: { externalId: word, data: { [word]: word } },
            async read() {
              const user = await server.call("user.host.put", { externalId: word });
              expect(user.id).toBe(userId);
              return [user];
            },
          },
          {
            name: "chat.host.put",
            sent: { key: word, title: word },
            async read() {
              const found = await server.call("chat.host.put", { key: word, owner: word });
              expect(found.id).toBe(chat.id);
              return [found];
            },
          },
          {
            name: "chat.host.send",
            sent: { text: word, data: sent.data, clientMessageId: name },
            async read() {
              const again = await server.call("chat.host.send", sent);
              expect(again.message.id).toBe(message.id);
              return [again.message, ...(await readMessage(message.id))];
            },
          },
        );
        for (const { name: action, sent: fields, read } of held.slice(-3)) expectHeld(action, fields, await read());
      },
    );

    test("every code point of Unicode, in a text, a name of a field and a value of data", async () => {
      const socket = await ann.socket();
      const { id } = await ann.group([bob]);
      const sent: Fields[] = [];
      for (const lot of allOfUnicode(1900)) {
        const points = [...lot];
        const [key, value] = [points.slice(0, 950).join(""), points.slice(950).join("")];
        const one = { text: `.${lot}`, data: { [key]: value } };
        await socket.call("chat.message.send", { chatId: id, clientMessageId: newName(), ...one });
        sent.push(one);
      }
      const read = async () => {
        const history = await bob.history({ id });
        expect(history.map(({ text }) => text)).toEqual(sent.map(({ text }) => text));
        expect(history.map(({ data }) => JSON.stringify(data))).toEqual(sent.map(({ data }) => JSON.stringify(data)));
        return [];
      };
      await read();
      held.push({ name: "chat.message.send", sent: {}, read });
    });

    test("what cannot be kept is refused by its field, whatever is between the gateway and the service", async () => {
      const deep = `{"data":${"[".repeat(20_000)}${"]".repeat(20_000)}}`;
      const bodies: [string, string, string][] = [
        ['{"data":{"a":[{"\\ud800":1}]}}', "data.a.0.\ufffd", "malformed"],
        ['{"data":{"n":1e999}}', "data.n", "not_finite"],
        [deep, `data${".0".repeat(32)}`, "too_deep"],
      ];
      const socket = await ann.at(1).socket();
      for (const [body, field, code] of bodies) {
        const wrong = { code: "bad_input", errors: expect.arrayContaining([expect.objectContaining({ field, code })]) as object };
        const { problem } = await ann.client.send("user.me.change", "PATCH", "/users/me", body);
        expect(problem).toMatchObject(wrong);
        // A client of ours can neither write such a number nor walk so deep.
        if (code !== "malformed") continue;
        const refused = socket.call("chat.message.send", JSON.parse(body) as Fields);
        await expect(refused).rejects.toMatchObject({ problem: wrong });
      }
      const name = { key: randomUUID(), owner: "\u0000" };
      expect((await server.ask("chat.host.put", name)).problem).toMatchObject({
        code: "bad_input",
        errors: [{ field: "owner" }],
      });
    });

    test("all of it is strict JSON to Python and jq, in answers, refusals and events", async () => {
      const texts: Buffer[] = [];
      async function note(token: string, method: string, path: string, body?: string): Promise<void> {
        const headers = {
          Authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        };
        const init = { method, headers, ...(body === undefined ? {} : { body }) };
        const response = await fetch(`${world.doors[0]!.api}/api/v1${path}`, init);
        texts.push(Buffer.from(await response.arrayBuffer()));
      }
      const [mine, boss] = [ann.client.token!, admin.token!];
      for (const { id, rev } of await ann.chats()) {
        for (let after = 0; after < rev; after += 100) await note(mine, "GET", `/chats/${id}/entries?after=${after}`);
        await note(mine, "GET", `/chats/${id}/messages`);
      }
      await note(mine, "GET", "/chats");
      for (const list of ["users", "reports", "audit", "keys", "mail"]) await note(boss, "GET", `/admin/${list}`);
      // What a client sends comes back in the refusal.
      await note(mine, "PATCH", "/users/me", '{"\\ud800":1,"data":{"\\udc00":{"a":"\\ud800"}}}');
      await note(mine, "PATCH", "/users/me", '{"data":{"n":1e999}}');

      const frames = await rawFrames(ann.at(1), async () => {
        for (const data of fc.sample(dataOf(), { seed, numRuns: 20 }))
          await bob.call("chat.message.send", { chatId, clientMessageId: newName(), text: "\u2028\u0000\uffff", data });
      });
      expect(frames.length).toBeGreaterThan(20);
      expect(findRefused([...texts, ...frames])).toEqual([]);
    });

    /** The JSON of what a socket is sent, as it is on the wire: by a sync, and by events meanwhile. */
    async function rawFrames(user: TestUser, act: () => Promise<void>): Promise<Buffer[]> {
      const socket = new WebSocket(`${user.client.at.io.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`);
      const frames: string[] = [];
      socket.addEventListener("message", ({ data }) => {
        if (data === "2") socket.send("3");
        else frames.push(data as string);
      });
      const has = (start: string) => eventually(`a frame ${start}`, () => frames.some((frame) => frame.startsWith(start)));
      try {
        await has("0{");
        socket.send(`40${JSON.stringify({ token: user.client.token })}`);
        await has('42["ready"');
        await act();
        socket.send('420["sync",{"chats":{},"limit":1000}]');
        socket.send('421["message:send",{"\\ud800":1}]');
        await Promise.all([has("430"), has("431")]);
      } finally {
        socket.close();
      }
      return frames.map((frame) => Buffer.from(frame.replace(/^\d+/, ""))).filter(({ length }) => length > 0);
    }

    const readAll = async () => {
      for (const { name, sent, read } of held) {
        const seen = await eventually(`${name} is read`, read, { limit: 20_000, every: 200 });
        expectHeld(name, sent, seen);
      }
    };

    test.each(["SIGKILL", "SIGTERM"] as const)("is there after a start that follows %s", async (signal) => {
      await world.restart(signal);
      await readAll();
    });
  },
);

/** Strings of a field's schema that no other run has. */
function unique(name: ActionName, field: string): fc.Arbitrary<string> {
  const schema = contractOf(name).params.properties[field]! as Fields;
  const most = Number(schema["maxLength"]);
  return stringsOf({ ...schema, maxLength: most - 13 }).map((text) => `${text}${randomUUID().slice(0, 12)}`);
}
