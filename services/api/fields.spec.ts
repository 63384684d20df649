import { randomUUID } from "node:crypto";
import { Ajv } from "ajv";
import addFormats from "ajv-formats";
import { scopes } from "@confab/contracts";
import { routes, restPath, type Route } from "./routes.ts";
import { signer, startApi, type Started } from "./testing.ts";

/* A wrong value in any field of any route is refused with 422 by the name of that field. All of it comes from the contracts. */

const ajv = new Ajv({ strict: false });
addFormats.default(ajv);

const { token, handlers } = signer();
const called: string[] = [];
let api: Started;
beforeAll(async () => {
  const own = routes.filter(({ action }) => !action.startsWith("api."));
  const stubs = {
    ...handlers,
    ...Object.fromEntries(own.map(({ action }) => [action, () => (called.push(action), { id: "x" })])),
    "user.role.get": () => ({ role: "admin" }),
    "user.serverkey.check": () => ({ keyId: randomUUID(), scopes }),
  };
  api = await startApi(stubs, { env: { AUTH: "both" } });
});
afterAll(() => api.stop());

type Schema = Record<string, unknown>;

/** Some value that the schema takes. */
function sample(schema: Schema): unknown {
  if (Array.isArray(schema["anyOf"])) return sample((schema["anyOf"] as Schema[])[0]!);
  if ("const" in schema) return schema["const"];
  if (schema["type"] === "integer") return schema["minimum"] ?? 0;
  if (schema["type"] === "array")
    return Array.from({ length: Number(schema["minItems"] ?? 0) }, () => sample(schema["items"] as Schema));
  if (schema["type"] === "object") return {};
  const texts = [randomUUID(), "ann@example.org", "123456", "text", new Date(0).toISOString()];
  return texts.find((text) => ajv.validate(schema, text));
}

const anything = [
  null,
  true,
  7,
  -1,
  1.5,
  1e20,
  "",
  " ",
  "x",
  "no-such-form",
  "x".repeat(66_000 / 2),
  "x".repeat(900),
  {},
  { a: null },
  [],
  ["x"],
  [7],
  [[]],
];
const texts = anything
  .filter((value): value is string => typeof value === "string" && value.length < 1000)
  .concat("-1", "0", "1.5", "1e3", "101", "9".repeat(20), "true", "null");

function wrongValues(route: Route, field: string): unknown[] {
  const schema = route.contract.params.properties[field]! as Schema;
  const isText = route.pathParams.includes(field) || route.restIn === "query";
  const asSent = (value: unknown) => {
    if (schema["type"] === "integer" && typeof value === "string" && /^-?\d+$/.test(value)) return Number(value);
    return schema["type"] === "boolean" && value === "true" ? true : value;
  };
  const values = (isText ? texts : anything).filter((value) => !ajv.validate(schema, isText ? asSent(value) : value));
  // An empty part of a path is another path.
  return route.pathParams.includes(field) ? values.filter((value) => value !== "") : values;
}

function ask(route: Route, params: Record<string, unknown>) {
  const rest = { ...params };
  const path = route.path.replace(/:(\w+)/g, (_, name: string) => {
    delete rest[name];
    return encodeURIComponent(String(params[name]));
  });
  const signedIn = { anyone: {}, user: { token: token() }, admin: { token: token() }, server: { token: "ck_x" }, service: {} }[
    route.contract.audience
  ];
  if (route.restIn === "body") return api.ask(restPath + path, { method: route.method, body: rest, ...signedIn });
  const query = new URLSearchParams(rest as Record<string, string>);
  return api.ask(`${restPath}${path}?${query}`, { method: route.method, ...signedIn });
}

const fields = routes.flatMap((route) =>
  Object.keys(route.contract.params.properties).map((field) => ({
    name: `${route.method} ${route.path} ${field}`,
    route,
    field,
  })),
);
const good = ({ contract }: Route) =>
  Object.fromEntries(
    Object.entries(contract.params.properties)
      .filter(([name]) => contract.params.required?.includes(name))
      .map(([name, schema]) => [name, sample(schema as Schema)]),
  );

test("the good values of this spec are good: every route is reached with them", async () => {
  for (const route of routes) {
    called.length = 0;
    const { status } = await ask(route, good(route));
    expect([route.action, status]).toEqual([route.action, route.contract.status[0]]);
    if (!route.action.startsWith("api.")) expect(called).toEqual([route.action]);
  }
});

test.each(fields)("$name: a wrong value", async ({ route, field }) => {
  called.length = 0;
  const values = wrongValues(route, field);
  expect(values.length).toBeGreaterThan(0);
  for (const value of values) {
    const { status, json } = await ask(route, { ...good(route), [field]: value });
    expect([value, status, json?.code]).toEqual([value, 422, "bad_input"]);
    const named = (json.errors as { field: string }[]).map((error) => error.field);
    expect(named.every((name) => name === field || name.startsWith(`${field}.`))).toBe(true);
    expect(named.length).toBeGreaterThan(0);
  }
  expect(called).toEqual([]);
});

test.each(
  fields.filter(({ route, field }) => route.contract.params.required?.includes(field) && !route.pathParams.includes(field)),
)("$name: left out", async ({ route, field }) => {
  const { [field]: _left, ...rest } = good(route);
  const { status, json } = await ask(route, rest);
  expect([status, json.errors]).toMatchObject([422, [{ field, code: "required" }]]);
});

test.each(routes.map((route) => ({ name: `${route.method} ${route.path}`, route })))(
  "$name: a field that nobody named",
  async ({ route }) => {
    const { status, json } = await ask(route, { ...good(route), colour: "red" });
    expect([status, json.errors]).toMatchObject([422, [{ field: "colour", code: "unknown" }]]);
  },
);
