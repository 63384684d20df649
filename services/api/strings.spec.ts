import { randomUUID } from "node:crypto";
import { actionEntries, scopes } from "@confab/contracts";
import { fieldOf, putString, stringPlaces } from "@confab/contracts/strings.testing.ts";
import { isIJson } from "@confab/mixins/i-json.ts";
import { restPath, routes, type Route } from "./routes.ts";
import { signer, startApi, type Started } from "./testing.ts";

/* An unpaired surrogate is refused in every string that any route takes. The strings are those of the contracts. */

const { token, handlers } = signer();
const called: string[] = [];
const calls = Object.fromEntries(
  actionEntries.map(([action]) => [action, () => (called.push(action), { userIds: [], items: [], id: "x" } as never)]),
);
let api: Started;
beforeAll(async () => {
  const stubs = Object.fromEntries(Object.entries(calls).filter(([action]) => !action.startsWith("api.")));
  api = await startApi(
    {
      ...stubs,
      ...handlers,
      "user.role.get": () => ({ role: "admin" }),
      "user.serverkey.check": () => ({ keyId: randomUUID(), scopes: [...scopes] }),
    },
    { env: { AUTH: "both" } },
  );
});
afterAll(() => api.stop());
beforeEach(() => void (called.length = 0));

const tokenOf = ({ contract }: Route) => ({ token: contract.audience === "server" ? "ck_x" : token() });
const pathOf = (route: Route, sample: string = randomUUID()) => restPath + route.path.replace(/:\w+/g, sample);
const inBody = routes
  .filter(({ restIn }) => restIn === "body")
  .flatMap((route) =>
    stringPlaces(route.contract.params)
      .filter(({ path }) => !route.pathParams.includes(String(path[0])))
      .map((place) => ({ name: `${route.method} ${route.path} ${fieldOf(place, "<key>")}`, route, place })),
  );

test("the contracts have strings", () => expect(inBody.length).toBeGreaterThan(80));

test.each(inBody)("$name", async ({ route, place }) => {
  for (const text of ["\ud800", "ann\udc00@example.org", "\udc00\ud800"]) {
    const body = JSON.stringify(putString({}, place, text));
    const answer = await api.ask(pathOf(route), { method: route.method, body, ...tokenOf(route) });
    expect([answer.status, answer.json.code]).toEqual([422, "bad_input"]);
    expect(answer.json.errors).toContainEqual({
      field: fieldOf(place, text),
      code: "malformed",
      message: expect.any(String) as string,
    });
    expect(isIJson(answer.json)).toBe(true);
  }
  expect(called).toEqual([]);
});

const inAddress = routes.flatMap((route) => [
  ...route.pathParams.map((name) => ({ name: `${route.method} ${route.path} ${name}`, route, path: pathOf(route, "%ED%A0%80") })),
  ...(route.restIn === "query" ? Object.keys(route.contract.params.properties) : [])
    .filter((name) => !route.pathParams.includes(name))
    .map((name) => ({ name: `${route.method} ${route.path} ?${name}`, route, path: `${pathOf(route)}?${name}=%ED%A0%80` })),
]);

test.each(inAddress)("half a pair as bytes in an address: $name", async ({ route, path }) => {
  const answer = await api.ask(path, { method: route.method, ...tokenOf(route) });
  expect([answer.status, answer.json.code]).toEqual([400, "bad_request"]);
  expect(called).toEqual([]);
});

describe("a body", () => {
  const me = `${restPath}/users/me`;
  const change = (body: Buffer | string, headers = {}) => api.ask(me, { method: "PATCH", token: token(), body, headers });

  test.each([
    ["half a pair as bytes", Buffer.from('{"name":"\xed\xa0\x80"}', "latin1")],
    ["a stray byte", Buffer.from('{"name":"\xff"}', "latin1")],
    ["an overlong form", Buffer.from('{"name":"\xc0\x80"}', "latin1")],
  ])("that is not UTF-8 is refused: %s", async (_what, body) => {
    const { status, json } = await change(body);
    expect([status, json.code]).toEqual([400, "bad_json"]);
    expect(called).toEqual([]);
  });

  test.each(["utf-16", "utf-16le", "utf-32", "utf-7"])("in %s is refused", async (charset) => {
    const { status, json } = await change('{"name":"Ann"}', { "content-type": `application/json; charset=${charset}` });
    expect([status, json.code]).toEqual([415, "unsupported_media_type"]);
  });

  test("an unknown field whose name has half a pair is refused by a well-formed answer", async () => {
    const { status, json } = await change('{"\\ud800":1}');
    expect([status, json.code, isIJson(json)]).toEqual([422, "bad_input", true]);
    expect(json.errors).toContainEqual(expect.objectContaining({ field: "\ufffd", code: "unknown" }));
  });

  test("deep nesting is refused before a transporter fails on it, and a number that is none before it becomes null", async () => {
    const deep = await change(`{"data":{"a":${"[".repeat(20_000)}${"]".repeat(20_000)}}}`);
    expect([deep.status, deep.json.errors]).toMatchObject([422, [{ code: "too_deep" }]]);
    const large = await change('{"data":{"a":{"n":1e999}}}');
    expect([large.status, large.json.errors]).toMatchObject([422, [{ field: "data.a.n", code: "not_finite" }]]);
    expect(called).toEqual([]);
  });
});
