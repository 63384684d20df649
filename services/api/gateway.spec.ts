import { randomUUID } from "node:crypto";
import { problem } from "@confab/mixins/problem.ts";
import { badTokens, goodToken } from "@confab/mixins/sessions.testing.ts";
import { signer, startApi, type Started } from "./testing.ts";

const { key, token, end, handlers, ...pair } = signer();
const chatId = randomUUID();
let asked: { params: unknown; meta: Record<string, unknown> }[] = [];
const note = (ctx: { params: unknown; meta: Record<string, unknown> }) =>
  void asked.push({ params: ctx.params, meta: { ...ctx.meta } });

let api: Started;
let statusWanted: number | undefined;
beforeAll(async () => {
  api = await startApi({
    ...handlers,
    "user.me.get": (ctx) => (note(ctx), { id: ctx.meta.userId, name: "Ann", email: null, createdAt: new Date().toISOString() }),
    "user.me.change": () => Promise.reject(new Error("secret words of a driver")),
    "user.code.request": (ctx) => (note(ctx), { flowId: chatId, expiresIn: 600 }),
    "user.session.end": (ctx) => (note(ctx), null),
    "chat.chat.create": (ctx) => (note(ctx), (ctx.meta.$statusCode = statusWanted), { id: chatId }),
    "chat.message.send": (ctx) => (note(ctx), (ctx.meta.$statusCode = statusWanted), { message: {} }),
    "chat.message.list": (ctx) => (note(ctx), { items: [], before: null, after: null }),
    // Longer than the broker waits.
    "chat.chat.get": () => new Promise((resolve) => setTimeout(resolve, 600)),
    "chat.sync.pull": (ctx) => ctx.call("chat.entry.range", { chatId: "no id" }),
    "chat.entry.range": () => ({ items: [] }),
  });
});
afterAll(() => api.stop());
beforeEach(() => {
  asked = [];
  statusWanted = undefined;
});

const expectProblem = (answer: Awaited<ReturnType<Started["ask"]>>, status: number, code: string) => {
  expect([answer.status, answer.json?.code]).toEqual([status, code]);
  expect(answer.headers["content-type"]).toMatch(/^application\/problem\+json/);
  expect(answer.json).toMatchObject({ status, requestId: answer.headers["x-request-id"], type: `urn:confab:problem:${code}` });
};

describe("params", () => {
  const messages = `/api/v1/chats/${chatId}/messages`;

  test("come from path and query, with numbers where the contract asks for them", async () => {
    await api.ask(`${messages}?before=7&limit=20`, { token: token() });
    expect(asked[0]!.params).toEqual({ chatId, before: 7, limit: 20 });
  });

  test("come from path and body, as they are", async () => {
    const body = { clientMessageId: "a", text: "hello", data: { before: "7" } };
    await api.ask(messages, { method: "POST", token: token(), body });
    expect(asked[0]!.params).toEqual({ chatId, ...body });
  });

  test.each(["1.0", "1e3", "", " 7", "0x10", "abc", "7,8"])("a query text that is no number is refused: %j", async (text) => {
    const answer = await api.ask(`${messages}?before=${encodeURIComponent(text)}`, { token: token() });
    expectProblem(answer, 422, "bad_input");
    expect(answer.json.errors).toMatchObject([{ field: "before", code: "type" }]);
  });

  test("a key given twice is refused by its name", async () => {
    const answer = await api.ask(`${messages}?limit=1&limit=2`, { token: token() });
    expectProblem(answer, 422, "bad_input");
    expect(answer.json.errors).toMatchObject([{ field: "limit" }]);
  });

  test("a field of the body or query that is named like one of the path is unknown, and told with the other faults", async () => {
    const posted = await api.ask(messages, { method: "POST", token: token(), body: { chatId: randomUUID(), text: "" } });
    expectProblem(posted, 422, "bad_input");
    expect(posted.json.errors.map(({ field, code }: { field: string; code: string }) => `${field} ${code}`)).toEqual(
      expect.arrayContaining(["chatId unknown", "clientMessageId required", "text minLength"]),
    );
    const read = await api.ask(`${messages}?chatId=${randomUUID()}`, { token: token() });
    expect(read.json.errors).toMatchObject([{ field: "chatId", code: "unknown" }]);
    expect(asked).toEqual([]);
  });

  test("a query on a POST is refused", async () => {
    const answer = await api.ask("/api/v1/auth/code?email=ann%40example.org", {
      method: "POST",
      body: { email: "ann@example.org" },
    });
    expect(answer.json.errors).toMatchObject([{ field: "email", code: "unknown" }]);
  });

  test.each(["__proto__", "constructor", "$req", "$res", "meta"])("a field %s is unknown", async (name) => {
    const posted = await api.ask("/api/v1/auth/code", {
      method: "POST",
      body: `{"email":"ann@example.org",${JSON.stringify(name)}:{"a":1}}`,
    });
    expect(posted.json.errors).toMatchObject([{ field: name, code: "unknown" }]);
    const read = await api.ask(`/api/v1/users/me?${name}=1`, { token: token() });
    expect(read.json.errors).toMatchObject([{ field: name, code: "unknown" }]);
  });

  test("no body is an empty one", async () => {
    expect((await api.ask("/api/v1/auth/logout", { method: "POST", token: token() })).status).toBe(204);
    expect((await api.ask("/api/v1/auth/logout", { method: "POST", token: token(), body: {} })).status).toBe(204);
  });
});

describe("an Idempotency-Key", () => {
  const create = (key: string, body: unknown = { type: "group", memberIds: [] }) =>
    api.ask("/api/v1/chats", { method: "POST", token: token(), body, headers: { "idempotency-key": key } });

  test("reaches the action of a POST", async () => {
    const key = "~!job-7,a".padEnd(200, "x");
    expect((await create(key)).status).toBe(201);
    expect(asked[0]!.meta).toMatchObject({ idempotencyKey: key });
    await api.ask("/api/v1/users/me", { token: token(), headers: { "idempotency-key": "a b" } });
    expect(asked[1]!.meta).not.toHaveProperty("idempotencyKey");
  });

  test.each([
    ["empty", ""],
    ["too long", "x".repeat(201)],
    ["with a space", "a b"],
    ["not ASCII", "\u00e9"],
  ])("%s is refused by its name, with every other fault", async (_what, key) => {
    const answer = await create(key, { type: "group", memberIds: "nobody" });
    expectProblem(answer, 422, "bad_input");
    expect(answer.json.errors).toMatchObject([{ field: "Idempotency-Key" }, { field: "memberIds" }]);
    expect(asked).toEqual([]);
  });
});

describe("answers", () => {
  test("the status is the contract's first, or another of it that the action picks", async () => {
    const create = () => api.ask("/api/v1/chats", { method: "POST", token: token(), body: { type: "group", memberIds: [] } });
    const made = await create();
    expect([made.status, made.headers.location]).toEqual([201, `/api/v1/chats/${chatId}`]);
    statusWanted = 200;
    const found = await create();
    expect([found.status, found.headers.location]).toEqual([200, undefined]);
    statusWanted = 418;
    expect((await create()).status).toBe(201);
  });

  test("202 and 204, the latter without a body", async () => {
    expect((await api.ask("/api/v1/auth/code", { method: "POST", body: { email: "ann@example.org" } })).status).toBe(202);
    const out = await api.ask("/api/v1/auth/logout", { method: "POST", token: token() });
    expect([out.status, out.text, out.headers["content-type"]]).toEqual([204, "", undefined]);
  });

  test("are never stored, and carry a strict policy and a request id", async () => {
    const { headers } = await api.ask("/api/v1/users/me", { token: token() });
    expect(headers["cache-control"]).toBe("no-store");
    expect(headers["content-security-policy"]).toContain("frame-ancestors 'none'");
    expect(headers["content-security-policy"]).not.toContain("unsafe");
    expect(headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers["x-powered-by"]).toBeUndefined();
  });

  test("the asker's request id is kept where it is a plain word", async () => {
    const ask = async (id: string) =>
      (await api.ask("/api/v1/users/me", { token: token(), headers: { "x-request-id": id, "x-correlation-id": "other" } }))
        .headers["x-request-id"];
    expect(await ask("job-7.a_b")).toBe("job-7.a_b");
    expect(await ask("a b")).toMatch(/^[0-9a-f-]{36}$/);
    expect(await ask("x".repeat(65))).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("HEAD is a GET without the body", async () => {
    const head = await api.ask("/api/v1/users/me", { method: "HEAD", token: token() });
    expect([head.status, head.text]).toEqual([200, ""]);
    expect(Number(head.headers["content-length"])).toBeGreaterThan(2);
  });
});

describe("who asks", () => {
  test("is told to the action, with device and address, and nothing of it comes from the asker", async () => {
    const [userId, sessionId] = [randomUUID(), randomUUID()];
    await api.ask("/api/v1/users/me", {
      token: token({ userId, sessionId }),
      headers: { "user-agent": "x".repeat(300), "x-user-id": "eve", "x-forwarded-for": "1.2.3.4" },
    });
    expect(asked[0]!.meta).toMatchObject({ userId, sessionId, device: "x".repeat(200), address: "127.0.0.1" });
    expect(asked[0]!.meta).not.toHaveProperty("language");
  });

  test("is told with the language of theirs that mails are written in", async () => {
    await api.ask("/api/v1/users/me", { token: token(), headers: { "accept-language": "fr, de-AT;q=0.9, en;q=0.8" } });
    expect(asked[0]!.meta).toMatchObject({ language: "de" });
  });

  test.each<[string, () => Record<string, string>]>([
    ["no token", () => ({})],
    ["no bearer", () => ({ authorization: "Basic YTpi" })],
    ["nonsense", () => ({ authorization: "Bearer x.y.z" })],
    [
      "a readable head with an unreadable rest",
      () => ({ authorization: `Bearer ${Buffer.from('{"alg":"ES256","typ":"JWT","kid":"k1"}').toString("base64url")}.e2E.eA` }),
    ],
    ["another's key", () => ({ authorization: `Bearer ${signer().token()}` })],
    ["an old token", () => ({ authorization: `Bearer ${token({ expiresIn: -1 })}` })],
    ["another audience", () => ({ authorization: `Bearer ${token({ audience: "other" })}` })],
  ])("%s is 401 with a challenge", async (_what, headers) => {
    const answer = await api.ask("/api/v1/users/me", { headers: headers() });
    expectProblem(answer, 401, "unauthenticated");
    expect(answer.headers["www-authenticate"]).toMatch(/^Bearer /);
    expect(asked).toEqual([]);
  });

  test.each(Object.entries(badTokens))("refused: %s", async (_what, make) => {
    const whose = { userId: randomUUID(), sessionId: randomUUID() };
    const ask = (given: string) => api.ask("/api/v1/users/me", { headers: { authorization: `Bearer ${given}` } });
    expectProblem(await ask(make(pair, whose)), 401, "unauthenticated");
    expect(asked).toEqual([]);
    expect((await ask(goodToken(pair, whose))).status).toBe(200);
  });

  test("a token is not read where anyone may ask", async () => {
    const answer = await api.ask("/api/v1/auth/code", { method: "POST", token: "nonsense", body: { email: "ann@example.org" } });
    expect(answer.status).toBe(202);
    expect(asked[0]!.meta["userId"]).toBeUndefined();
  });

  test("a session that ended is refused at once where the event arrives", async () => {
    const sessionId = randomUUID();
    const good = token({ sessionId });
    expect((await api.ask("/api/v1/users/me", { token: good })).status).toBe(200);
    end(sessionId);
    await api.broker.broadcast("user.session.ended", { userId: randomUUID(), sessionId });
    expectProblem(await api.ask("/api/v1/users/me", { token: good }), 401, "unauthenticated");
  });
});

describe("administrators and the host's backend", () => {
  const roles: Record<string, "admin" | "user"> = {};
  const keys: Record<string, string[]> = { ck_all: ["users", "tokens"], ck_other: ["chats"] };
  const seen: Record<string, unknown>[] = [];
  let checks = 0;
  let both: Started;
  beforeAll(async () => {
    const stubs: Parameters<typeof startApi>[0] = {
      ...handlers,
      "user.role.get": ({ params }) => ({ role: roles[(params as { userId: string }).userId] ?? "user" }),
      "user.serverkey.check": ({ params }) => {
        checks++;
        const scopes = keys[(params as { key: string }).key];
        return scopes ? { keyId: chatId, scopes } : null;
      },
      "user.serverkey.list": ({ meta }) => (seen.push({ ...meta }), { items: [] }),
      "user.host.put": ({ meta }) => (seen.push({ ...meta }), { id: chatId }),
    };
    both = await startApi(stubs, { env: { AUTH: "both" } });
  });
  afterAll(() => both.stop());
  beforeEach(() => void (seen.length = 0));
  /** The actions that the gateway asks meanwhile: it refuses by itself, whatever the action would say. */
  const askedIn = async (work: () => Promise<unknown>) => {
    const calls = jest.spyOn(both.broker, "call");
    await work();
    // The framework calls by the endpoint that it found.
    const names = (calls.mock.calls as unknown as [string | { action: { name: string } }][]).map(([asked]) =>
      typeof asked === "string" ? asked : asked.action.name,
    );
    calls.mockRestore();
    return names;
  };
  const asAdmin = (given?: string) => both.ask("/api/v1/admin/keys", given === undefined ? {} : { token: given });
  const asHost = (given?: string) =>
    both.ask("/api/v1/server/users/7", {
      ...{ method: "PUT", body: {}, headers: { "accept-language": "de" } },
      ...(given === undefined ? {} : { token: given }),
    });

  test("an administrator is one for as long as they are, asked each time", async () => {
    const userId = randomUUID();
    const hers = token({ userId });
    const names = await askedIn(async () => expectProblem(await asAdmin(hers), 403, "forbidden"));
    expect(names).toContain("user.role.get");
    expect(names).not.toContain("user.serverkey.list");
    roles[userId] = "admin";
    expect((await asAdmin(hers)).status).toBe(200);
    expect(seen).toMatchObject([{ userId, role: "admin" }]);
    roles[userId] = "user";
    expectProblem(await asAdmin(hers), 403, "forbidden");
    expect(seen).toHaveLength(1);
  });

  test("a server key tells the action which it is and what it is good for", async () => {
    expect((await asHost("ck_all")).status).toBe(200);
    expect(seen).toMatchObject([{ keyId: chatId, scopes: ["users", "tokens"] }]);
    expect(seen[0]!["userId"]).toBeUndefined();
    // The language of a machine is nobody's.
    expect(seen[0]!["language"]).toBeUndefined();
  });

  test("one without the scope is 403, and calls nothing", async () => {
    const names = await askedIn(async () => expectProblem(await asHost("ck_other"), 403, "user.missing_scope"));
    expect(names).toContain("user.serverkey.check");
    expect(names).not.toContain("user.host.put");
  });

  test("a key where a user belongs is 401, and so is a user where a key belongs, and one that is unknown, once asked", async () => {
    for (const given of ["ck_all", undefined]) expectProblem(await asAdmin(given), 401, "unauthenticated");
    for (const given of [token(), "ck_unknown", undefined]) expectProblem(await asHost(given), 401, "unauthenticated");
    const before = checks;
    for (let at = 0; at < 5; at++) expectProblem(await asHost("ck_unknown"), 401, "unauthenticated");
    expect(checks - before).toBeLessThanOrEqual(1);
    expect(seen).toEqual([]);
  });
});

describe("what is not offered", () => {
  test.each([
    [{ AUTH: "host" }, "POST /auth/login", "POST /auth/exchange"],
    [{ AUTH: "own" }, "POST /auth/exchange", "POST /auth/login"],
    [{ AUTH: "own" }, "PUT /server/users/7", "POST /auth/login"],
    [{ AUTH_CODE: "off" }, "POST /auth/code", "POST /auth/login"],
  ])("with %j %s is as any unknown address, and %s is there", async (env, absent, there) => {
    const some = await startApi(handlers, { env: env as unknown as Record<string, string> });
    const ask = (route: string) => {
      const [method, path] = route.split(" ") as [string, string];
      return some.ask(`/api/v1${path}`, { method, body: {} });
    };
    try {
      expectProblem(await ask(absent), 404, "not_found");
      expectProblem(await ask(`OPTIONS ${absent.split(" ")[1]!}`), 404, "not_found");
      // Nobody answers here, but somebody would be asked.
      expectProblem(await ask(there), 503, "unavailable");
      const { json } = await some.ask("/api/v1/openapi.json");
      expect(json.paths[absent.split(" ")[1]!.replace("7", "{externalId}")]).toBeUndefined();
    } finally {
      await some.stop();
    }
  });
});

describe("rates", () => {
  const opened: Started[] = [];
  const open = async (env: Record<string, string>) => {
    const one = await startApi(
      {
        ...handlers,
        "user.me.get": ({ meta }) => (seen.push(meta["address"]), { id: chatId }),
        "user.code.request": () => ({ flowId: chatId, expiresIn: 600 }),
        "user.serverkey.check": () => ({ keyId: chatId, scopes: ["users"] }),
        "user.host.put": () => ({ id: chatId }),
        "chat.message.send": ({ params }) => {
          if ((params as { text: string }).text === "no") throw problem("chat.not_found");
          return { message: {} };
        },
      },
      { env },
    );
    opened.push(one);
    return one;
  };
  const seen: unknown[] = [];
  afterAll(() => Promise.all(opened.map((one) => one.stop())));
  const expectOver = (answer: Awaited<ReturnType<Started["ask"]>>, name: string) => {
    expectProblem(answer, 429, "too_many_requests");
    expect(answer.headers["retry-after"]).toBe(String(answer.json.retryAfter));
    expect(answer.headers["ratelimit"]).toMatch(new RegExp(`"${name}";r=0;t=${answer.json.retryAfter}$`));
  };

  test("are told on every answer, a refusal too, and let through to pages of other origins", async () => {
    const one = await open({ RATE_USER: "2", RATE_ADDRESS: "9", CORS_ORIGINS: "https://app.example.com" });
    const mine = { token: token(), headers: { origin: "https://app.example.com" } };
    const { headers } = await one.ask("/api/v1/users/me", mine);
    expect(headers["ratelimit-policy"]).toBe('"user";q=2;w=60');
    expect(headers["ratelimit"]).toMatch(/^"user";r=1;t=\d+$/);
    expect(headers["access-control-expose-headers"]).toContain("RateLimit, RateLimit-Policy");
    await one.ask("/api/v1/users/me", mine);
    expectOver(await one.ask("/api/v1/users/me", mine), "user");
    expect((await one.ask("/api/v1/users/me", { token: token() })).status).toBe(200);
    expectProblem(await one.ask("/api/v1/users/me"), 401, "unauthenticated");
    expect((await one.ask("/api/v1/users/me")).headers["ratelimit"]).toMatch(/^"address";r=7;t=\d+$/);
  });

  test("of an address hold for whoever is not known; then nobody there is asked who they are", async () => {
    const one = await open({ RATE_ADDRESS: "6" });
    for (const given of ["x", "x.y.z", "ck_x", token({ expiresIn: -1 })]) await one.ask("/api/v1/users/me", { token: given });
    for (let at = 0; at < 10; at++) expect((await one.ask("/api/v1/users/me", { token: token() })).status).toBe(200);
    await one.ask("/avatars/x");
    await one.ask("/exports/x?token=x");
    expectOver(await one.ask("/api/v1/users/me", { token: token() }), "address");
    expectOver(await one.ask("/avatars/x"), "address");
    expectOver(await one.ask("/exports/x?token=x"), "address");
    // Whoever wants to know what this is may read it.
    expect((await one.ask("/docs")).status).toBe(200);
  });

  test("a forged X-Forwarded-For changes nothing, unless a proxy is trusted", async () => {
    const ask = (of: Started, forwarded: string, path = "/api/v1/meta") =>
      of.ask(path, {
        token: token(),
        headers: { "x-forwarded-for": forwarded, forwarded: `for=${forwarded}`, "x-real-ip": forwarded },
      });
    const seenBy = async (of: Started, forwarded: string) => {
      await ask(of, forwarded, "/api/v1/users/me");
      return seen.at(-1);
    };
    const plain = await open({ RATE_ADDRESS: "3" });
    expect(await seenBy(plain, "192.0.2.9")).toBe("127.0.0.1");
    for (const at of [1, 2, 3]) expect((await ask(plain, `192.0.2.${at}`)).status).toBe(200);
    expectOver(await ask(plain, "192.0.2.4"), "address");
    const behind = await open({ RATE_ADDRESS: "3", TRUST_PROXY: "loopback" });
    expect(await seenBy(behind, "192.0.2.9")).toBe("192.0.2.9");
    for (const at of [1, 2, 3]) expect((await ask(behind, `198.51.100.${at}, 192.0.2.7`)).status).toBe(200);
    expectOver(await ask(behind, "198.51.100.4, 192.0.2.7"), "address");
    expect((await ask(behind, "192.0.2.8")).status).toBe(200);
  });

  test("a server key has its own in place of its address's", async () => {
    const one = await open({ AUTH: "both", RATE_ADDRESS: "4", RATE_KEY: "8" });
    const put = () => one.ask("/api/v1/server/users/7", { method: "PUT", token: "ck_x", body: {} });
    for (let at = 0; at < 8; at++) expect((await put()).headers["ratelimit"]).toMatch(new RegExp(`^"key";r=${7 - at};t=\\d+$`));
    expectOver(await put(), "key");
  });

  test("guesses have one for each address", async () => {
    const one = await open({ RATE_SIGN_IN: "2" });
    const code = (email: string) => one.ask("/api/v1/auth/code", { method: "POST", body: { email } });
    for (const name of ["ann", "bob"]) expect((await code(`${name}@example.org`)).status).toBe(202);
    expectOver(await code("cy@example.org"), "sign-in");
    expect((await one.ask("/api/v1/users/me", { token: token() })).status).toBe(200);
  });

  test("a chat has one for all that is written into it, which those who may not write there cannot use up", async () => {
    const one = await open({ RATE_CHAT: "2" });
    const send = (text: string, chat = chatId) =>
      one.ask(`/api/v1/chats/${chat}/messages`, { method: "POST", token: token(), body: { clientMessageId: "a", text } });
    for (let at = 0; at < 5; at++) expectProblem(await send("no"), 404, "chat.not_found");
    for (let at = 0; at < 2; at++) expect((await send("hello")).status).toBe(201);
    expectOver(await send("hello"), "chat");
    expect((await send("hello", randomUUID())).status).toBe(201);
  });
});

describe("problems", () => {
  const code = "/api/v1/auth/code";
  const post = (body: unknown, headers: Record<string, string> = {}) => api.ask(code, { method: "POST", body, headers });

  test.each([
    "/api/v1/nowhere",
    "/api/v1",
    "/api/v1/USERS/me",
    "/api/v1/user/me/get",
    "/api/v1/~node/list",
    "/api/v1/$node/list",
    "/api/v1/user.key.list",
    "/api/v1/list-aliases",
    "/nowhere",
    "/API/v1/users/me",
  ])("404 at %s", async (path) => expectProblem(await api.ask(path, { token: token() }), 404, "not_found"));

  test("404 is said before the body is looked at", async () => {
    expectProblem(
      await api.ask("/api/v1/nowhere", { method: "POST", body: "{", headers: { "content-type": "text/plain" } }),
      404,
      "not_found",
    );
  });

  test("405 names what the address knows", async () => {
    const answer = await api.ask("/api/v1/users/me", { method: "PUT", token: token() });
    expectProblem(answer, 405, "method_not_allowed");
    expect(answer.headers.allow!.split(", ").sort()).toEqual(["DELETE", "GET", "HEAD", "PATCH"]);
    expectProblem(await api.ask("/.well-known/jwks.json", { method: "POST" }), 405, "method_not_allowed");
  });

  test("400 where the JSON is not readable", async () => expectProblem(await post('{"email":'), 400, "bad_json"));

  test.each(['"text"', "7", "null", "[]", "true"])("422 where the body is no object: %s", async (body) => {
    const answer = await post(body);
    expectProblem(answer, 422, "bad_input");
    expect(answer.json.errors).toMatchObject([{ field: "body" }]);
  });

  test.each(["%", "%zz", "%C3%28"])("400 where the address is not readable: %s", async (part) => {
    expectProblem(await api.ask(`/api/v1/users/${part}`, { token: token() }), 400, "bad_request");
    expectProblem(await api.ask(`/api/v1/users?q=${part}`, { token: token() }), 400, "bad_request");
  });

  test("400 where a GET has a body", async () => {
    expectProblem(await api.ask("/api/v1/users/me", { token: token(), body: {} }), 400, "bad_request");
  });

  test("413 where the body is larger than MAX_BODY", async () => {
    expectProblem(await post({ email: "x".repeat(70_000) }), 413, "too_large");
  });

  test.each<Record<string, string>>([
    { "content-type": "text/plain" },
    { "content-type": "application/x-www-form-urlencoded" },
    { "content-type": "application/json; charset=latin1" },
    { "content-encoding": "gzip" },
  ])("415 with %j", async (headers) => expectProblem(await post("{}", headers), 415, "unsupported_media_type"));

  test("503 with Retry-After where nobody is there", async () => {
    const answer = await api.ask("/api/v1/users?q=ann", { token: token() });
    expectProblem(answer, 503, "unavailable");
    expect(answer.headers["retry-after"]).toBe("1");
  });

  test("503 where a service is silent", async () => {
    const answer = await api.ask(`/api/v1/chats/${chatId}`, { token: token() });
    expectProblem(answer, 503, "unavailable");
    expect(answer.headers["retry-after"]).toBe("1");
  });

  test("503, not 401, where nobody can tell who asks", async () => {
    const alone = await startApi({ "chat.chat.list": () => ({ items: [], nextCursor: null }) });
    try {
      expectProblem(await alone.ask("/api/v1/chats", { token: token() }), 503, "unavailable");
    } finally {
      await alone.stop();
    }
  });

  test("the log tells who proved what and what was refused, from where, and nothing of what was sent", async () => {
    const body = { email: "ann@example.org" };
    const done = await api.ask("/api/v1/auth/code", { method: "POST", body });
    const refused = await api.ask("/api/v1/users/me", { token: "made.up.token" });
    const lines = [done, refused].map(({ headers }) => api.log.filter((line) => line.includes(String(headers["x-request-id"]))));
    expect(lines[0]).toEqual([expect.stringMatching(/ user\.code\.request from 127\.0\.0\.1 is done$/)]);
    expect(lines[1]).toEqual([expect.stringMatching(/ user\.me\.get from 127\.0\.0\.1 is refused: unauthenticated$/)]);
    expect(api.log.join()).not.toMatch(/ann@example|made\.up/);
  });

  test("500 tells the asker nothing but the id under which the log has it", async () => {
    const answer = await api.ask("/api/v1/users/me", { method: "PATCH", token: token(), body: { name: "Ann" } });
    expectProblem(answer, 500, "internal");
    expect(answer.text).not.toMatch(/secret|driver|stack|at /);
    expect(api.log.some((line) => line.includes(answer.json.requestId) && line.includes("secret words of a driver"))).toBe(true);
  });

  test("500, not 422, where a service asks another one wrongly", async () => {
    expectProblem(await api.ask("/api/v1/sync", { method: "POST", token: token(), body: {} }), 500, "internal");
  });
});

describe("other origins", () => {
  const preflight = {
    origin: "https://app.example.com",
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization",
  };

  test("are not let in by default, and OPTIONS calls no action", async () => {
    const answer = await api.ask("/api/v1/auth/logout", { method: "OPTIONS", token: token(), headers: preflight });
    expect([answer.status, answer.headers.allow, answer.headers["access-control-allow-origin"]]).toEqual([
      204,
      "POST, OPTIONS",
      undefined,
    ]);
    expect(asked).toEqual([]);
    expectProblem(await api.ask("/api/v1/nowhere", { method: "OPTIONS" }), 404, "not_found");
  });

  test("are let in where they are listed, as a whole", async () => {
    const open = await startApi({}, { env: { CORS_ORIGINS: "https://app.example.com,https://b.example.com" } });
    try {
      const before = await open.ask("/api/v1/auth/logout", { method: "OPTIONS", headers: preflight });
      expect(before.headers).toMatchObject({
        "access-control-allow-origin": "https://app.example.com",
        "access-control-allow-methods": "POST, OPTIONS",
        vary: "Origin",
      });
      const answer = await open.ask("/api/v1/meta", { headers: { origin: "https://b.example.com" } });
      expect(answer.headers["access-control-allow-origin"]).toBe("https://b.example.com");
      for (const origin of ["https://app.example.co", "https://app.example.com.evil.org", "null"]) {
        expect((await open.ask("/api/v1/meta", { headers: { origin } })).headers["access-control-allow-origin"]).toBeUndefined();
      }
    } finally {
      await open.stop();
    }
  });
});

test("meta tells version, limits and ways to sign in", async () => {
  const { json } = await api.ask("/api/v1/meta");
  expect(json).toEqual({
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    limits: {
      maxText: 8000,
      maxMembers: 1000,
      maxBody: 65_536,
      maxPage: 100,
      editWindow: 86_400,
      maxReactions: 50,
      maxPins: 100,
      liveReceipts: 100,
      liveTyping: 100,
      typingEvery: 3,
    },
    auth: { own: true, code: true, host: false },
  });
});

test("the keys are public and may be kept for minutes", async () => {
  const { json, headers } = await api.ask("/.well-known/jwks.json");
  expect(json).toEqual({ keys: [key] });
  expect(headers["cache-control"]).toBe("public, max-age=300");
});

test("no action of the gateway's own is open to the cluster, beside the contracts'", () => {
  const names = api.broker.registry
    .getActionList({ onlyLocal: true })
    .flatMap(({ name, action }: { name: string; action?: { visibility?: string } }) =>
      name.startsWith("api.") && action?.visibility !== "private" ? [name] : [],
    );
  expect(names.sort()).toEqual(["api.document.asyncapi", "api.document.openapi", "api.meta.get"]);
});

test("a running request is answered although the node stops", async () => {
  const slow = await startApi({
    "user.code.request": () => new Promise((resolve) => setTimeout(() => resolve({ flowId: chatId, expiresIn: 1 }), 150)),
  });
  const asking = slow.ask("/api/v1/auth/code", { method: "POST", body: { email: "ann@example.org" } });
  await new Promise((resolve) => setTimeout(resolve, 50));
  await slow.stop();
  expect((await asking).status).toBe(202);
});
