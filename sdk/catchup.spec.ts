import type { UserEntry } from "@confab/contracts";
import { noAccount, type Account } from "./account.ts";
import { CatchUp } from "./catchup.ts";
import { ApiProblem } from "./problem.ts";
import { type Logs, type SyncPage } from "./state.ts";
import { createStore } from "./store.ts";
import { at, chatOf, entriesOf, entryOf, preferences } from "./testing.ts";

/** A server with one chat whose log ends at `rev`, answering `room` entries at a time. */
function world({ rev = 1, room = 500 } = {}) {
  const server = {
    rev,
    epoch: "e1",
    pulls: [] as Record<string, number>[],
    failures: [] as ApiProblem[],
    user: [] as UserEntry[],
    userRev: 0,
    /** Whether it answers with the chat as it is, whatever one knows. */
    resets: false,
    gate: undefined as Promise<void> | undefined,
  };
  const chats = createStore<Logs>(new Map());
  const account = createStore<Account>(noAccount);
  const names: string[] = [];
  const catchUp = new CatchUp({
    logs: chats,
    account,
    renamed: ({ name }) => names.push(name),
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
      const whole = { chatId: "c", rev: server.rev, reset: true, chat: chatOf("c", { rev: server.rev }), entries: [] };
      const parts = server.resets
        ? [whole]
        : to > from
          ? [{ chatId: "c", rev: to, ...chat, entries: entriesOf("c", from + 1, to) }]
          : [];
      const userRev = Math.max(server.userRev, server.user.at(-1)?.userRev ?? 0);
      const page = { epoch, userRev, user: server.user, chats: parts, more: to < server.rev };
      await server.gate;
      return page;
    },
  });
  const seen = () =>
    chats
      .get()
      .get("c")
      ?.messages.map((message) => message.seq);
  return { server, catchUp, chats, account, names, seen };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 2));

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

test("entries that fit are applied while a sync is under way", async () => {
  const { catchUp, server, seen } = world({ rev: 2 });
  await catchUp.sync();
  let open = () => {};
  server.gate = new Promise((resolve) => (open = resolve));
  server.rev = 4;
  const synced = catchUp.sync();
  catchUp.receive([entryOf("c", 3)]);
  expect(seen()).toEqual([1, 2]);
  open();
  await synced;
  expect(seen()).toEqual([1, 2, 3]);
});

describe("the own log", () => {
  const noted = (
    userRev: number,
    changes: Partial<{ chatId: string; member: boolean; readSeq: number; pinned: boolean }> = {},
  ) => {
    const flags = { mutedUntil: null, pinned: false, archived: false, markedUnread: false };
    const data = { chatId: "c", member: true, readSeq: 0, deliveredSeq: 0, ...flags, ...changes };
    return { userRev, at, type: "chat.noted" as const, data };
  };

  test("says what a chat is to oneself, in the order of its numbers", async () => {
    const { catchUp, chats, account, server } = world({ rev: 4 });
    await catchUp.sync();
    catchUp.receiveOwn([noted(1, { readSeq: 2 })]);
    expect(chats.get().get("c")!.chat).toMatchObject({ unreadCount: 1, me: { readSeq: 2 } });
    catchUp.receiveOwn([noted(1, { pinned: true })]);
    expect(chats.get().get("c")!.chat.me.pinned).toBe(false);
    expect(account.get().userRev).toBe(1);
    expect(server.pulls).toHaveLength(1);
  });

  test("tells more than the chat that came with it, and may end after the last of its entries", async () => {
    const { catchUp, chats, account, server } = world();
    server.user = [noted(3, { pinned: true })];
    server.userRev = 5;
    await catchUp.sync();
    expect(chats.get().get("c")!.chat.me.pinned).toBe(true);
    expect(account.get().userRev).toBe(5);
  });

  test("a gap in it is fetched before what comes after it is applied", async () => {
    const { catchUp, server, account } = world();
    await catchUp.sync();
    server.user = [{ userRev: 2, at, type: "block.changed", data: { userId: "x", blocked: true } }];
    catchUp.receiveOwn([
      { userRev: 3, at, type: "preferences.changed", data: { ...preferences, readReceipts: false, presence: false } },
    ]);
    expect(account.get().preferences).toBeNull();
    await catchUp.sync();
    expect(account.get()).toMatchObject({ userRev: 3, blocks: new Set(["x"]), preferences: { presence: false, findable: true } });
  });

  test("a chat that it tells of and nobody has shown is asked for, and once more where the answer was too early", async () => {
    const { catchUp, server } = world();
    await catchUp.sync();
    catchUp.receiveOwn([noted(1, { chatId: "d" })]);
    await settled();
    expect(server.pulls).toHaveLength(3);
    catchUp.receiveOwn([noted(2, { chatId: "c", pinned: true })]);
    await settled();
    expect(server.pulls).toHaveLength(3);
  });

  test("one's own name is told", async () => {
    const { catchUp, names } = world();
    await catchUp.sync();
    catchUp.receiveOwn([{ userRev: 1, at, type: "profile.changed", data: { name: "Anna", avatar: null } }]);
    expect(names).toEqual(["Anna"]);
  });
});

test("heads tell what silence hid, and only that is asked for", async () => {
  const { catchUp, server, seen } = world();
  await catchUp.sync();
  catchUp.receiveHeads({ userRev: 0, chats: { c: 1 } });
  expect(server.pulls).toHaveLength(1);
  server.rev = 3;
  catchUp.receiveHeads({ userRev: 0, chats: { c: 3 } });
  await settled();
  expect(seen()).toEqual([1, 2]);
  catchUp.receiveHeads({ userRev: 7, chats: {} });
  expect(server.pulls).toHaveLength(3);
});

test("what an answer says that the log has is asked for where nobody tells of it", async () => {
  const { catchUp, server, seen } = world();
  catchUp.expect("c", 3);
  await new Promise((resolve) => setTimeout(resolve, 5));
  // Whoever has never asked does not follow the logs.
  expect(server.pulls).toHaveLength(0);
  await catchUp.sync();
  server.rev = 3;
  catchUp.expect("c", 3);
  catchUp.expect("c", 2);
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(seen()).toEqual([1, 2]);
  expect(server.pulls).toHaveLength(2);
});

test("an answer of before one left does not bring the chat back", async () => {
  const { catchUp, server, chats } = world({ rev: 3 });
  let open = () => {};
  await catchUp.sync();
  server.gate = new Promise((resolve) => (open = resolve));
  server.resets = true;
  const synced = catchUp.sync();
  catchUp.receive([{ chatId: "c", rev: 4, by: "x", at, type: "member.removed", data: { userId: "ann", banned: false } }]);
  open();
  await synced;
  expect(chats.get().size).toBe(0);
});

test("what comes late of a chat that one has left is no reason to ask for it", async () => {
  const { catchUp, server, chats } = world({ rev: 3 });
  await catchUp.sync();
  const left = { chatId: "c", rev: 4, by: "ann", at, type: "member.removed", data: { userId: "ann", banned: false } } as const;
  catchUp.receive([left]);
  expect(chats.get().size).toBe(0);
  catchUp.receive([entryOf("c", 3), left]);
  expect(server.pulls).toHaveLength(1);
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
