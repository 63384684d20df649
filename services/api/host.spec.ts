import express from "express";
import { signer, startApi, type Started } from "./testing.ts";

const { token, handlers } = signer();
const me = { id: "018f0000-0000-7000-8000-000000000000", name: "Ann", email: null, createdAt: new Date(0).toISOString() };
const answers = {
  ...handlers,
  "user.me.get": () => me,
  "user.code.request": () => ({ flowId: me.id, expiresIn: 1 }),
  "chat.chat.create": () => ({ id: me.id }),
};

/** The same in a process of its own, in a team's Express app, and in one that reads bodies itself. */
describe.each<[string, Parameters<typeof startApi>[1], string]>([
  ["a server of its own", {}, ""],
  ["a host's Express app", { host: (handler) => withHost(express().use(handler)) }, ""],
  ["a host's Express app, under a path", { host: (handler) => withHost(express().use("/talk", handler)) }, "/talk"],
  ["a host that has read the body", { host: (handler) => withHost(express().use(express.json(), handler)) }, ""],
])("in %s", (_where, options, prefix) => {
  let api: Started;
  beforeAll(async () => void (api = await startApi(answers, options)));
  afterAll(() => api.stop());

  test("REST answers", async () => {
    const answer = await api.ask(`${prefix}/api/v1/users/me`, { token: token() });
    expect([answer.status, answer.json]).toEqual([200, me]);
    expect(answer.headers["content-security-policy"]).toContain("default-src 'self'");
    expect((await api.ask(`${prefix}/api/v1/auth/code`, { method: "POST", body: { email: "ann@example.org" } })).status).toBe(
      202,
    );
  });

  test("problems are ours", async () => {
    expect((await api.ask(`${prefix}/api/v1/users/me`)).json.code).toBe("unauthenticated");
    expect((await api.ask(`${prefix}/api/v1/auth/code`, { method: "POST", body: {} })).json.errors).toMatchObject([
      { field: "email" },
    ]);
    expect((await api.ask(`${prefix}/api/v1/users/me`, { method: "PUT" })).json.code).toBe("method_not_allowed");
  });

  test("what is made is found under the same address", async () => {
    const made = await api.ask(`${prefix}/api/v1/chats`, {
      method: "POST",
      token: token(),
      body: { type: "group", memberIds: [] },
    });
    expect(made.headers.location).toBe(`${prefix}/api/v1/chats/${me.id}`);
  });
});

function withHost(app: express.Express) {
  return app
    .get("/hers", (_req, res) => void res.send("hers"))
    .use((req, res) => void res.status(404).send(`host: nothing at ${req.url}`))
    .disable("x-powered-by");
}

test("what is not ours goes on to the host, as it came and under the host's own headers", async () => {
  const api = await startApi(answers, {
    host: (handler) =>
      withHost(
        express()
          .use((_req, res, next) => void (res.setHeader("Content-Security-Policy", "hers"), next()))
          .use(handler),
      ),
  });
  try {
    const hers = await api.ask("/hers");
    expect([hers.status, hers.text, hers.headers["content-security-policy"]]).toEqual([200, "hers", "hers"]);
    expect(Object.keys(hers.headers).filter((name) => /^x-|strict|cross/.test(name))).toEqual([]);
    for (const path of ["/api/v1/hers?x=1", "/api/v1", "/nowhere?x=%20"]) {
      expect((await api.ask(path)).text).toBe(`host: nothing at ${path}`);
    }
  } finally {
    await api.stop();
  }
});
