import { actionEntries } from "@confab/contracts";
import { fieldOf, putString, stringPlaces } from "@confab/contracts/strings.testing.ts";
import { isIJson } from "@confab/mixins/i-json.ts";
import { Backend, startNode, type TestNode } from "./testing.ts";

/* An unpaired surrogate is refused in every string of every client event. The strings are those of the contracts. */

const backend = new Backend();
let node: TestNode;
let ask: ReturnType<TestNode["open"]>["ask"];
beforeAll(async () => {
  node = await startNode(backend, { MAX_BODY: "65536" });
  const socket = node.open();
  await socket.ready;
  ask = socket.ask;
});
afterAll(() => node.stop());
beforeEach(() => void (backend.asked.length = 0));

const refused = (field: string, code: string) => ({
  ok: false,
  error: { status: 422, code: "bad_input", errors: expect.arrayContaining([expect.objectContaining({ field, code })]) as object },
});

const places = actionEntries.flatMap(([, { socket, params }]) =>
  socket ? stringPlaces(params).map((place) => ({ name: `${socket} ${fieldOf(place, "<key>")}`, event: socket, place })) : [],
);

test("the contracts have strings", () => expect(places.length).toBeGreaterThan(25));

test.each(places)("$name", async ({ event, place }) => {
  for (const text of ["\ud800", "a\udc00b", "\udc00\ud800"]) {
    const reply = await ask(event, putString({}, place, text));
    expect(reply).toMatchObject(refused(fieldOf(place, text), "malformed"));
    expect(isIJson(reply)).toBe(true);
  }
  expect(backend.asked.filter(({ name }) => name.startsWith("chat.message"))).toEqual([]);
});

test("a binary value is refused, anywhere and instead of the payload", async () => {
  await expect(ask("message:send", { data: { file: Buffer.from("x") } })).resolves.toMatchObject(refused("data.file", "type"));
  await expect(ask("message:send", Buffer.alloc(10_000))).resolves.toMatchObject(refused("payload", "type"));
});

test("deep nesting is refused before a transporter fails on it", async () => {
  const deep = JSON.parse(`${"[".repeat(3000)}${"]".repeat(3000)}`) as unknown;
  const reply = await ask("message:send", { data: { a: deep } });
  expect(reply).toMatchObject({ ok: false, error: { code: "bad_input" } });
});
