import { randomUUID } from "node:crypto";
import { actionEntries, type ActionContract, type ActionName, type ProblemDocument } from "@confab/contracts";
import type { Refused } from "../support/refusal.ts";
import type { TestSocket } from "../support/socket.ts";
import type { TestUser } from "../support/user.ts";
import { embeddedWorld, type World } from "../support/world.ts";

jest.setTimeout(120_000);

type Fields = Record<string, unknown>;
interface Schema {
  type?: string;
  format?: string;
  pattern?: string;
  anyOf?: Schema[];
  const?: unknown;
  items?: Schema;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  patternProperties?: Record<string, Schema>;
}

const routes = actionEntries.filter(([, { rest }]) => rest);
const sockets = actionEntries.filter(([, { socket }]) => socket);
const methodOf = ({ rest }: ActionContract) => rest!.split(" ")[0]!;
const inPath = ({ rest }: ActionContract, field: string) => rest!.split("/").includes(`:${field}`);
const inQuery = (contract: ActionContract) => ["GET", "DELETE"].includes(methodOf(contract));

describe("G8: bad input is refused by name and changes nothing", () => {
  let world: World;
  let ann: TestUser;
  let bob: TestUser;
  let socket: TestSocket;
  let chatId: string;
  let before: unknown;

  beforeAll(async () => {
    world = await embeddedWorld();
    [ann, bob] = [await world.user("ann"), await world.user("bob")];
    chatId = (await ann.chatWith(bob)).id;
    await ann.send({ id: chatId }, "the only message");
    socket = await ann.socket();
    before = await everything();
  });
  afterEach(async () => expect(await everything()).toEqual(before));
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
    ];
  }

  /** Params with which the action would do its work. */
  function good(name: ActionName): Fields {
    const known: Partial<Record<ActionName, Fields>> = {
      "user.code.request": { email: `new.${randomUUID()}@example.test` },
      "user.code.verify": { flowId: randomUUID(), code: "123456" },
      "user.session.refresh": { refreshToken: ann.refreshToken },
      "user.me.change": { name: "Other Ann" },
      "user.profile.get": { userId: bob.id },
      "user.profile.find": { q: bob.email },
      "chat.chat.create": { type: "group", memberIds: [bob.id] },
      "chat.chat.get": { chatId },
      "chat.message.send": { chatId, clientMessageId: "another", text: "another message" },
      "chat.message.list": { chatId },
      "chat.entry.list": { chatId },
    };
    return known[name] ?? {};
  }

  describe.each(routes)("%s by REST", (name, contract) => {
    const fields = Object.entries(contract.params.properties as Record<string, Schema>);
    const cases = fields.flatMap(([field, schema]) =>
      wrongValues(schema, inPath(contract, field), inQuery(contract)).map((value) => ({ field, value })),
    );
    const required = (contract.params.required ?? []).filter((field) => !inPath(contract, field));

    if (cases.length > 0) {
      test.each(cases)("$field: $value", async ({ field, value }) => {
        const { problem } = await ann.client.ask(name, { ...good(name), [field]: value });
        expectNamed(problem, field);
      });
      test("all wrong fields are named at once", async () => {
        const wrong = Object.fromEntries(cases.map(({ field, value }) => [field, value]));
        const problem: ProblemDocument | undefined = (await ann.client.ask(name, { ...good(name), ...wrong })).problem;
        for (const field of Object.keys(wrong)) expectNamed(problem, field);
      });
    }
    if (required.length > 0) {
      test.each(required)("without %s", async (field) => {
        const params = good(name);
        delete params[field];
        expectNamed((await ann.client.ask(name, params)).problem, field);
      });
    }
    test("an unknown field", async () => {
      expectNamed((await ann.client.ask(name, { ...good(name), colour: "red" })).problem, "colour");
    });
    if (!inQuery(contract)) {
      test.each(["{", '{"email": "a', "\u0000", "[1,]", ""])("unreadable JSON: %j", async (body) => {
        const { problem } = await ann.client.send(name, methodOf(contract), pathOf(name, contract), body || " ");
        expect(problem).toMatchObject({ status: 400, code: "bad_json" });
      });
      test.each(["[]", "null", "7", '"text"'])("JSON that is no object: %s", async (body) => {
        const { problem } = await ann.client.send(name, methodOf(contract), pathOf(name, contract), body);
        expect(problem?.status).toBe(422);
      });
      test("another content type, and a body too large", async () => {
        const path = pathOf(name, contract);
        const body = JSON.stringify(good(name));
        expect((await ann.client.send(name, methodOf(contract), path, body, "text/plain")).problem).toMatchObject({
          status: 415,
        });
        const large = JSON.stringify({ ...good(name), data: { filler: "x".repeat(70_000) } });
        expect((await ann.client.send(name, methodOf(contract), path, large)).problem).toMatchObject({ status: 413 });
      });
    }
  });

  describe.each(sockets)("%s by socket", (name, contract) => {
    const fields = Object.entries(contract.params.properties as Record<string, Schema>);
    const cases = fields.flatMap(([field, schema]) => wrongValues(schema, false, false).map((value) => ({ field, value })));

    test.each([...cases, { field: "colour", value: "red" }])("$field: $value", async ({ field, value }) => {
      const refusal = await socket.call(name, { ...good(name), [field]: value }).then(
        () => undefined,
        (error: Refused) => error.problem,
      );
      expectNamed(refusal, field);
    });
  });

  test("without a token, or with a bad one, whoever must be signed in is refused", async () => {
    const signedIn = routes.filter(([, { audience }]) => audience === "user");
    for (const token of [undefined, "", "x.y.z", `${ann.client.token}x`]) {
      const stranger = ann.at(0).client;
      stranger.token = token;
      for (const [name] of signedIn)
        expect((await stranger.ask(name, good(name))).problem).toMatchObject({ status: 401, code: "unauthenticated" });
    }
  });

  test("an address that no contract names is a 404, another method a 405, an unreadable address a 400", async () => {
    expect((await ann.client.send(undefined, "GET", "/nothing/here")).problem).toMatchObject({ status: 404 });
    expect((await ann.client.send(undefined, "DELETE", "/chats")).problem).toMatchObject({ status: 405 });
    expect((await ann.client.send(undefined, "GET", "/chats/%E0%A4%A")).problem).toMatchObject({ status: 400 });
  });

  function pathOf(name: ActionName, contract: ActionContract): string {
    const params = good(name);
    return contract.rest!.split(" ")[1]!.replace(/:(\w+)/g, (_, field: string) => String(params[field]));
  }
});

function expectNamed(problem: ProblemDocument | undefined, field: string): void {
  expect(problem).toMatchObject({ status: 422, code: "bad_input" });
  const named = problem!.errors!.map((error) => error.field);
  expect(named.some((one) => one === field || one.startsWith(`${field}.`))).toBe(true);
}

/** Values that a field's schema refuses. In a path or query everything is text, so there text that is nothing else. */
function wrongValues(schema: Schema, path: boolean, query: boolean): unknown[] {
  const textOnly = path || query;
  const values: unknown[] = [];
  if (schema.anyOf) values.push("neither");
  if (schema.type === "string") {
    if (!textOnly) values.push(42, null, ["text"], { $ne: "" });
    if (schema.format) values.push("not one", "00000000-0000-0000-0000-00000000000g");
    if (schema.pattern && !path) values.push(" ");
    if ((schema.minLength ?? 0) > 0 && !path) values.push("");
    if (schema.maxLength !== undefined && schema.maxLength < 10_000) values.push("x".repeat(schema.maxLength + 1));
  }
  if (schema.type === "integer") {
    values.push("many", 1.5, "1e3x");
    if (!query) values.push("1", null, true);
    if (schema.minimum !== undefined) values.push(schema.minimum - 1);
    if (schema.maximum !== undefined) values.push(schema.maximum + 1);
  }
  if (schema.type === "array") values.push("text", { 0: "x" }, ["not an id"], [randomUUID(), 7]);
  if (schema.type === "object") {
    values.push("text", 7, ["x"]);
    if (schema.patternProperties && Object.values(schema.patternProperties)[0]?.type === "integer")
      values.push({ [randomUUID()]: "many" }, { [randomUUID()]: -1 });
  }
  return values;
}
