import { CatchUp } from "./catchup.ts";
import { ApiProblem } from "./problem.ts";
import { type Chats, type SyncPage } from "./state.ts";
import { createStore } from "./store.ts";
import { chatOf, entriesOf, entryOf } from "./testing.ts";

/** A server with one chat whose log ends at `rev`, answering `room` entries at a time. */
function world({ rev = 1, room = 500 } = {}) {
  const server = {
    rev,
    epoch: "e1",
    pulls: [] as Record<string, number>[],
    failures: [] as ApiProblem[],
    gate: undefined as Promise<void> | undefined,
  };
  const chats = createStore<Chats>(new Map());
  const catchUp = new CatchUp({
    chats,
    myId: () => "ann",
    pause: () => Promise.resolve(),
    async pull({ chats: known }): Promise<SyncPage> {
      server.pulls.push(known);
      const failure = server.failures.shift();
      if (failure) throw failure;
      const from = known["c"] ?? 0;
      const to = Math.min(server.rev, from + room);
      const { epoch } = server;
      const chat =
        from === 0 ? { chat: chatOf("c", { rev: server.rev, lastSeq: server.rev - 1, unreadCount: server.rev - 1 }) } : {};
      const parts = to > from ? [{ chatId: "c", rev: to, ...chat, entries: entriesOf("c", from + 1, to) }] : [];
      const page = { epoch, userRev: 0, user: [], chats: parts, more: to < server.rev };
      await server.gate;
      return page;
    },
  });
  const seen = () =>
    chats
      .get()
      .get("c")
      ?.messages.map((message) => message.seq);
  return { server, catchUp, chats, seen };
}

test("a sync goes on until there is no more", async () => {
  const { catchUp, server, seen } = world({ rev: 8, room: 3 });
  await catchUp.sync();
  expect(seen()).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(server.pulls).toEqual([{}, { c: 3 }, { c: 6 }]);
});

test("entries in order need no sync; repeats change nothing", async () => {
  const { catchUp, server, seen, chats } = world();
  await catchUp.sync();
  catchUp.receive(entriesOf("c", 2, 3));
  const before = chats.get();
  catchUp.receive([entryOf("c", 2)]);
  expect(chats.get()).toBe(before);
  expect(seen()).toEqual([1, 2]);
  expect(server.pulls).toHaveLength(1);
});

test("a gap is fetched before the entry after it is shown", async () => {
  const { catchUp, server, seen } = world();
  await catchUp.sync();
  server.rev = 4;
  catchUp.receive([entryOf("c", 4)]);
  expect(seen()).toEqual([]);
  await catchUp.sync();
  expect(seen()).toEqual([1, 2, 3]);
});

test("a chat that nobody told of is fetched", async () => {
  const { catchUp, seen } = world({ rev: 2 });
  catchUp.receive([entryOf("c", 2)]);
  await catchUp.sync();
  expect(seen()).toEqual([1]);
});

test("what comes during a sync waits for it, and is applied by rev", async () => {
  const { catchUp, server, seen } = world({ rev: 3 });
  let open = () => {};
  server.gate = new Promise((resolve) => (open = resolve));
  const synced = catchUp.sync();
  catchUp.receive([entryOf("c", 5)]);
  catchUp.receive([entryOf("c", 4), entryOf("c", 3)]);
  expect(seen()).toBeUndefined();
  open();
  await synced;
  expect(seen()).toEqual([1, 2, 3, 4]);
  expect(server.pulls).toHaveLength(1);
});

test("one sync is in flight, and what is asked for meanwhile goes once more after it", async () => {
  const { catchUp, server } = world();
  await Promise.all([catchUp.sync(), catchUp.sync(), catchUp.sync()]);
  expect(server.pulls).toHaveLength(2);
});

test("a busy server is asked again, a refusal is told", async () => {
  const { catchUp, server, seen } = world({ rev: 2 });
  const failure = (status: number) =>
    new ApiProblem({ type: "", title: "", status, code: "unavailable", detail: "", requestId: "" });
  server.failures.push(failure(503));
  await catchUp.sync();
  expect(seen()).toEqual([1]);
  server.failures.push(failure(401));
  await expect(catchUp.sync()).rejects.toBeInstanceOf(ApiProblem);
});

test("an announced entry that the server never has does not keep it asking for ever", async () => {
  const { catchUp, server } = world();
  await catchUp.sync();
  catchUp.receive([entryOf("c", 9)]);
  await catchUp.sync();
  expect(server.pulls.length).toBeLessThan(20);
});

test("another store means starting over", async () => {
  const { catchUp, server, seen, chats } = world({ rev: 5 });
  await catchUp.sync();
  server.epoch = "e2";
  server.rev = 2;
  catchUp.meet("e2");
  expect(chats.get().size).toBe(0);
  await catchUp.sync();
  expect(seen()).toEqual([1]);
});

test("an answer to a question of before is dropped", async () => {
  const { catchUp, server, chats } = world({ rev: 5 });
  let open = () => {};
  server.gate = new Promise((resolve) => (open = resolve));
  const running = catchUp.sync();
  catchUp.forget();
  open();
  await running;
  expect(chats.get().size).toBe(0);
});
