import { Connection } from "./connection.ts";
import type { Identity } from "./session.ts";
import { createStore } from "./store.ts";
import { FakeSocket } from "./testing.ts";

beforeEach(() => {
  jest.useFakeTimers();
  // Full jitter at its longest.
  jest.spyOn(Math, "random").mockReturnValue(0.999);
});
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);
const refused = (status: number, code: string, retryAfter?: number) =>
  Object.assign(new Error(code), { data: { status, code, ...(retryAfter ? { retryAfter } : {}) } });

function connectionOf() {
  const asked: (string | undefined)[] = [];
  const ended: string[] = [];
  const identity: Identity = {
    user: createStore(null),
    token: async (refusedToken) => `token-${asked.push(refusedToken)}`,
    revoked: () => ended.push("revoked"),
    end: () => ended.push("end"),
    changeUser: () => {},
    close: () => {},
  };
  const socket = new FakeSocket();
  const connection = new Connection(identity, socket);
  return { connection, socket, asked, ended };
}

async function online() {
  const made = connectionOf();
  made.connection.open();
  await pass(0);
  made.socket.tell("ready", {});
  return made;
}

test("comes back with growing pauses, and is as quick as ever once it was ready", async () => {
  const { connection, socket } = await online();
  expect(connection.state.get()).toBe("online");
  socket.lose();
  expect(connection.state.get()).toBe("offline");
  const pauses: number[] = [];
  for (let attempt = 0; attempt < 7; attempt++) {
    const { connects } = socket;
    let waited = 0;
    for (; socket.connects === connects; waited += 100) await pass(100);
    pauses.push(Math.round(waited / 500) * 500);
    socket.tell("connect_error", new Error("nobody there"));
  }
  expect(pauses).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 20_000]);
  await pass(20_000);
  socket.tell("ready", {});
  const { connects } = socket;
  socket.lose();
  await pass(500);
  expect(socket.connects).toBe(connects + 1);
});

test("a refused token is replaced", async () => {
  const { socket, asked } = await online();
  socket.tell("connect_error", refused(401, "unauthenticated"));
  await pass(500);
  expect(asked).toEqual([undefined, "token-1"]);
  expect(socket.auth).toEqual({ token: "token-2" });
  socket.tell("connect_error", new Error("nobody there"));
  await pass(1000);
  expect(asked.at(-1)).toBeUndefined();
});

test("what a busy server asks to wait is waited", async () => {
  const { socket } = await online();
  socket.tell("connect_error", refused(503, "unavailable", 9));
  await pass(8900);
  expect(socket.connects).toBe(1);
  await pass(700);
  expect(socket.connects).toBe(2);
});

test("a node that leaves is left when it says", async () => {
  const { connection, socket } = await online();
  socket.tell("server:draining", { reconnectIn: 3000 });
  await pass(2900);
  expect(socket.connects).toBe(1);
  await pass(200);
  expect(socket.connects).toBe(2);
  expect(connection.state.get()).toBe("connecting");
});

test("a connection that never says ready is given up", async () => {
  const { connection, socket } = connectionOf();
  connection.open();
  await pass(14_900);
  expect(socket.connects).toBe(1);
  await pass(700);
  expect(socket.connects).toBe(2);
});

test("a token that runs out is renewed on the open socket, as often as it takes", async () => {
  const { socket, asked } = await online();
  let lost = 1;
  socket.answer = async () => {
    if (lost-- > 0) throw new Error("timeout");
    return { ok: true, data: { expiresIn: 300 } };
  };
  socket.tell("session:expiring", { expiresIn: 30 });
  await pass(2000);
  expect(socket.sent).toEqual([
    ["auth:refresh", { token: "token-2" }],
    ["auth:refresh", { token: "token-3" }],
  ]);
  expect(asked).toEqual([undefined, "token-1", "token-1"]);
  socket.tell("session:expiring", { expiresIn: 30 });
  await pass(0);
  expect(asked.at(-1)).toBe("token-3");
});

test("nothing is asked where there is no socket", async () => {
  const { connection, socket } = await online();
  socket.lose();
  await expect(connection.ask("sync", {})).rejects.toMatchObject({ code: "offline" });
  expect(socket.sent).toEqual([]);
});

test("once closed it stays closed", async () => {
  const { connection, socket, ended } = await online();
  connection.close();
  socket.tell("connect_error", new Error("late"));
  await pass(60_000);
  expect(socket.connects).toBe(1);
  expect(connection.state.get()).toBe("closed");
  socket.tell("session:revoked", {});
  expect(ended).toEqual(["revoked"]);
});
