import { v7 as uuid } from "uuid";
import { Backend, pause, startNode, token, type TestNode } from "../testing.ts";

const backend = new Backend();
let node: TestNode;
beforeAll(async () => {
  node = await startNode(backend);
});
afterAll(() => node.stop());

async function enter(expiresIn: number) {
  const [userId, sessionId] = [uuid(), uuid()];
  const one = node.open({ userId, sessionId, auth: { token: token(userId, sessionId, { expiresIn }) } });
  await one.ready;
  return one;
}

test("a socket is warned before its token runs out, and closed when it has", async () => {
  const one = await enter(3);
  const { expiresIn } = await one.waitFor("session:expiring");
  expect(expiresIn).toBeLessThanOrEqual(3);
  const since = Date.now();
  await one.closed;
  expect(Date.now() - since).toBeLessThan(4500);
  expect(one.events()).toEqual(["ready", "session:expiring", "session:revoked"]);
});

test("it is warned once, about a minute before", async () => {
  const [soon, later] = [await enter(59), await enter(120)];
  await soon.waitFor("session:expiring");
  await pause(1500);
  expect([soon, later].map(({ all }) => all("session:expiring").length)).toEqual([1, 0]);
});

test("with a new token of the same session it stays open, and is warned again before that one's end", async () => {
  const one = await enter(2);
  await one.waitFor("session:expiring");
  const renewed = token(one.userId, one.sessionId, { expiresIn: 5 });
  await expect(one.ask("auth:refresh", { token: renewed })).resolves.toMatchObject({ ok: true, data: { expiresIn: 4 } });
  await pause(2500);
  expect(one.socket.connected).toBe(true);
  expect(one.all("session:expiring")).toHaveLength(2);
  await one.closed;
});

test.each([
  ["of another session", (one: { userId: string }) => token(one.userId, uuid())],
  ["of somebody else", (one: { sessionId: string }) => token(uuid(), one.sessionId)],
  ["that has run out", (one: { userId: string; sessionId: string }) => token(one.userId, one.sessionId, { expiresIn: -1 })],
  ["that is none", () => "x"],
])("a token %s is refused, and changes nothing", async (_name, make) => {
  const one = await enter(2);
  await expect(one.ask("auth:refresh", { token: make(one) })).resolves.toMatchObject({
    ok: false,
    error: { code: "unauthenticated", status: 401 },
  });
  await one.closed;
  expect(one.all("session:revoked")).toHaveLength(1);
});
