import type { Message } from "@confab/contracts";
import type { ChatLog, Outgoing } from "./api.ts";
import { Outbox } from "./outbox.ts";
import { memoryStorage, type ClientStorage, type exclusively } from "./platform.ts";
import { ApiProblem, offline } from "./problem.ts";
import { applyEntry, applyPart, type Logs } from "./state.ts";
import { createStore } from "./store.ts";
import { chatOf, entriesOf, entryOf, messageOf } from "./testing.ts";

const problem = (status: number, code: string, retryAfter?: number) =>
  new ApiProblem({ type: "", title: "", status, code, detail: "", requestId: "", ...(retryAfter ? { retryAfter } : {}) });
const refusal = problem(422, "bad_input");
const settled = () => new Promise((resolve) => setTimeout(resolve, 2));

const opened = (chatId: string): ChatLog => {
  const part = { chatId, rev: 1, chat: chatOf(chatId), entries: entriesOf(chatId, 1, 1) };
  return applyPart(undefined, part, undefined, "ann") as ChatLog;
};

type Deliver = (message: Outgoing, nth: number) => Promise<void>;

/** An outbox of ann, in one of the tabs over a storage. Each message gets the next place of its chat. */
function outboxOf(deliver: Deliver = () => Promise.resolve(), storage = memoryStorage(), lock?: typeof exclusively) {
  const logs = createStore<Logs>(new Map(["c", "d"].map((chatId) => [chatId, opened(chatId)])));
  const sent: Outgoing[] = [];
  const pauses: number[] = [];
  const arrived: Message[] = [];
  const revs = new Map<string, number>();
  const outbox = new Outbox({
    name: "test",
    storage,
    logs,
    lock,
    arrived: (message) => arrived.push(message),
    pause: async (ms) => void pauses.push(ms),
    async deliver(message) {
      sent.push(message);
      await deliver(message, sent.length);
      const rev = (revs.get(message.chatId) ?? 1) + 1;
      revs.set(message.chatId, rev);
      return messageOf(message.chatId, rev, "ann", message.clientMessageId);
    },
  });
  outbox.open("ann");
  const show = (chatId: string, rev: number, name?: string) => {
    const next = applyEntry(logs.get().get(chatId)!, entryOf(chatId, rev, "ann", name), "ann") as ChatLog;
    logs.set(new Map(logs.get()).set(chatId, next));
  };
  return { outbox, sent, pauses, arrived, show, waiting: () => outbox.list.get() };
}

const never = () => new Promise<void>(() => {});
/** What the storage keeps of ann's. */
const kept = (storage: ClientStorage) => JSON.parse(storage.getItem("confab:test:outbox:ann") ?? "[]") as Outgoing[];

test("a lost answer is asked for again under the same name", async () => {
  const { outbox, sent, waiting } = outboxOf(async (_, nth) => {
    if (nth < 3) throw offline();
  });
  const message = outbox.send("c", "hello", { replyTo: "message-1", mentions: "all", data: { a: 1 } });
  expect(waiting()).toMatchObject([{ text: "hello", status: "pending", replyTo: "message-1", mentions: "all", data: { a: 1 } }]);
  await message;
  expect(sent).toHaveLength(3);
  expect(new Set(sent.map(({ clientMessageId }) => clientMessageId)).size).toBe(1);
});

test("messages of a chat go one at a time, as they were written; another chat does not wait for them", async () => {
  const running = new Map<string, number>();
  const { outbox, sent } = outboxOf(async ({ chatId, text }) => {
    if (text === "stuck") return never();
    running.set(chatId, (running.get(chatId) ?? 0) + 1);
    expect(running.get(chatId)).toBe(1);
    await settled();
    running.set(chatId, 0);
  });
  void outbox.send("d", "stuck").catch(() => {});
  await Promise.all(["one", "two", "three"].map((text) => outbox.send("c", text)));
  expect(sent.map(({ text }) => text)).toEqual(["stuck", "one", "two", "three"]);
});

test("a refused message stays as failed, lets the next one through, can be sent again under its name, or given up", async () => {
  let refuse = true;
  const { outbox, sent, waiting, show } = outboxOf(({ text }) =>
    refuse && text === "hello" ? Promise.reject(refusal) : Promise.resolve(),
  );
  const refused = outbox.send("c", "hello");
  const next = outbox.send("c", "next");
  await expect(refused).rejects.toBe(refusal);
  await next;
  show("c", 2);
  expect(waiting()).toMatchObject([{ status: "failed", problem: { code: "bad_input" } }]);
  const { clientMessageId } = waiting()[0]!;
  refuse = false;
  await outbox.retry("c", clientMessageId);
  expect(sent.at(-1)!.clientMessageId).toBe(clientMessageId);
  expect(outbox.retry("c", clientMessageId)).toBeUndefined();

  refuse = true;
  await expect(outbox.send("c", "hello")).rejects.toBe(refusal);
  outbox.discard("c", waiting().at(-1)!.clientMessageId);
  expect(waiting().filter(({ status }) => status === "failed")).toEqual([]);
});

test.each([
  ["nobody there", offline(), undefined],
  ["one message at a time", problem(429, "chat.slow_mode", 7), 7000],
  ["not available", problem(503, "unavailable", 2), 2000],
])("%s is no reason to fail; what the server asks to wait is waited", async (_, passing, wait) => {
  const { outbox, pauses } = outboxOf(async (_, nth) => {
    if (nth === 1) throw passing;
  });
  await outbox.send("c", "hello");
  expect(pauses).toHaveLength(1);
  expect(pauses[0]).toBeGreaterThanOrEqual(wait ?? 0);
  expect(pauses[0]).toBeLessThanOrEqual((wait ?? 0) + 500);
});

test("what the server got wrong is not sent for ever", async () => {
  const { outbox, sent } = outboxOf(() => Promise.reject(problem(500, "internal")));
  await expect(outbox.send("c", "hello")).rejects.toMatchObject({ code: "internal" });
  expect(sent).toHaveLength(1);
});

test("a message shows until the log has it, by its name or by its place", async () => {
  const { outbox, waiting, show } = outboxOf();
  await outbox.send("c", "hello");
  expect(waiting()).toMatchObject([{ status: "pending", rev: 2 }]);
  show("c", 2, "somebody else's name");
  expect(waiting()).toEqual([]);
});

test("a message that the log shows is sent, whatever became of its answer", async () => {
  const { outbox, waiting, show } = outboxOf(never);
  const message = outbox.send("c", "hello");
  show("c", 2, waiting()[0]!.clientMessageId);
  expect(await message).toMatchObject({ seq: 1 });
  expect(waiting()).toEqual([]);
});

test("what is unsent is there after a reload, in its order and under its names, and is sent then", async () => {
  const storage = memoryStorage();
  const before = outboxOf(never, storage);
  for (const text of ["one", "two"]) before.outbox.send("c", text, { mentions: ["bob"] }).catch(() => {});
  const names = before.waiting().map(({ clientMessageId }) => clientMessageId);
  before.outbox.close();
  expect(before.waiting()).toEqual([]);

  const after = outboxOf(undefined, storage);
  expect(after.waiting()).toMatchObject(["one", "two"].map((text) => ({ text, mentions: ["bob"], status: "pending" })));
  await settled();
  expect(after.sent.map(({ clientMessageId }) => clientMessageId)).toEqual(names);
  expect(kept(storage)).toEqual([]);
});

test("a failed message is there after a reload, and waits for its user to decide", async () => {
  const storage = memoryStorage();
  const before = outboxOf(() => Promise.reject(refusal), storage);
  await expect(before.outbox.send("c", "hello")).rejects.toBe(refusal);
  before.outbox.close();
  const after = outboxOf(undefined, storage);
  await settled();
  expect(after.sent).toEqual([]);
  expect(after.waiting()).toMatchObject([{ status: "failed", problem: { code: "bad_input" } }]);
  await after.outbox.retry("c", after.waiting()[0]!.clientMessageId);
  expect(kept(storage)).toEqual([]);
});

test("signing out leaves nothing behind; another user finds nothing of the first", async () => {
  const storage = memoryStorage();
  const { outbox, waiting } = outboxOf(never, storage);
  const given = outbox.send("c", "hello");
  outbox.close();
  await expect(given).rejects.toThrow("closed");
  outbox.open("bob");
  expect(waiting()).toEqual([]);
  outbox.close();
  outbox.open("ann");
  expect(waiting()).toHaveLength(1);
  outbox.clear();
  expect(kept(storage)).toEqual([]);
  await expect(outbox.send("c", "hello")).rejects.toMatchObject({ code: "unauthenticated" });
});

test("a message to a chat that one is not in is kept nowhere, since nobody could give it up", async () => {
  const storage = memoryStorage();
  const { outbox, waiting } = outboxOf(() => Promise.reject(problem(404, "chat.not_found")), storage);
  await expect(outbox.send("x", "hello")).rejects.toMatchObject({ code: "chat.not_found" });
  expect([...waiting(), ...kept(storage)]).toEqual([]);
});

test("of two tabs one sends; when it goes, the other sends what it left", async () => {
  const storage = memoryStorage();
  const queues = new Map<string, Promise<unknown>>();
  const lock: typeof exclusively = (name, run) => {
    const turn = (queues.get(name) ?? Promise.resolve()).catch(() => {}).then(run);
    queues.set(name, turn);
    return turn;
  };
  let lose = () => {};
  const gate = new Promise<void>((_, reject) => (lose = () => reject(offline())));
  const one = outboxOf(async (_, nth) => (nth === 1 ? gate : undefined), storage, lock);
  one.outbox.send("c", "first").catch(() => {});
  one.outbox.send("c", "second").catch(() => {});
  await settled();
  const two = outboxOf(undefined, storage, lock);
  await settled();
  expect(two.waiting()).toHaveLength(2);
  expect(two.sent).toEqual([]);
  one.outbox.close();
  lose();
  await settled();
  expect(two.sent.map(({ text }) => text)).toEqual(["first", "second"]);
});

test("what a tab wrote is sent although another has written over it", async () => {
  const storage = memoryStorage();
  const { outbox, sent } = outboxOf(undefined, storage);
  let refused = true;
  const slow = outboxOf(async () => {
    if (refused) throw offline();
  }, storage);
  slow.outbox.send("c", "mine").catch(() => {});
  storage.removeItem("confab:test:outbox:ann");
  await outbox.send("d", "another's");
  refused = false;
  await settled();
  expect(slow.sent.at(-1)!.text).toBe("mine");
  expect(slow.waiting()).toMatchObject([{ rev: 2 }]);
  expect(sent).toHaveLength(1);
});

test("a storage that is full does not keep anything from being sent", async () => {
  const full = {
    ...memoryStorage(),
    setItem: () => {
      throw new Error("quota");
    },
  };
  const { outbox, sent } = outboxOf(undefined, full);
  await outbox.send("c", "hello");
  expect(sent).toHaveLength(1);
});
