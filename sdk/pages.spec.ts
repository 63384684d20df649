import type { Entry } from "@confab/contracts";
import { noAccount } from "./account.ts";
import { CatchUp } from "./catchup.ts";
import { Pages } from "./pages.ts";
import type { Logs } from "./state.ts";
import { createStore } from "./store.ts";
import { ModelServer } from "./testing.ts";

const settled = () => new Promise((resolve) => setTimeout(resolve, 2));

/** A client that knows the newest 4 of 30 messages; what it asks for is looked up at once, and answered when the gate opens. */
async function world() {
  const server = new ModelServer("ann", { page: 4, farBehind: 10 });
  server.create("c", "bob", ["ann"]);
  for (let count = 0; count < 30; count++) server.send("c", "bob");
  const logs = createStore<Logs>(new Map());
  const asked: string[] = [];
  const gates: (() => void)[] = [];
  const way = { isSlow: false };
  const later = async <T>(what: string, answer: T): Promise<T> => {
    asked.push(what);
    if (way.isSlow) await new Promise<void>((resolve) => gates.push(resolve));
    return answer;
  };
  const myId = () => "ann";
  const catchUp = new CatchUp({
    logs,
    account: createStore(noAccount),
    myId,
    pull: async (known) => server.sync(known),
  });
  const pages = new Pages({
    logs,
    catchUp,
    myId,
    list: ({ chatId, ...where }) => later(JSON.stringify(where), server.list(chatId, where)),
    get: ({ chatId, messageId }) => later(messageId, { message: server.message(chatId, messageId) }),
  });
  await catchUp.sync();
  /** Something happens, and the client is told. */
  const tell = (...what: Parameters<ModelServer["append"]>) => catchUp.receive([server.append(...what)]);
  const edit = (seq: number) =>
    tell("c", "bob", {
      type: "message.edited",
      data: { messageId: `message-c-${seq}`, seq, text: "new", mentions: [], data: {} },
    } satisfies Pick<Entry, "type" | "data">);
  const log = () => logs.get().get("c")!;
  const shown = () => (log().window ?? log()).messages.map(({ seq }) => seq);
  return { server, catchUp, pages, asked, way, open: (at = 0) => gates.splice(at, 1)[0]!(), edit, log, shown };
}

test("older messages come above, asked for once however often one scrolls", async () => {
  const { pages, asked, shown, log } = await world();
  expect(shown()).toEqual([27, 28, 29, 30]);
  expect(await Promise.all([pages.loadOlder("c"), pages.loadOlder("c")])).toEqual([true, true]);
  expect(shown()).toEqual([23, 24, 25, 26, 27, 28, 29, 30]);
  expect(asked).toEqual(['{"before":27}']);
  while (await pages.loadOlder("c"));
  expect(shown()).toHaveLength(30);
  expect(log().older).toBeNull();
});

test("what is told of a page while it comes is in it", async () => {
  const { pages, way, open, edit, log } = await world();
  way.isSlow = true;
  const loading = pages.loadOlder("c");
  edit(25);
  open();
  await loading;
  expect(log().messages.find(({ seq }) => seq === 25)).toMatchObject({ text: "new" });
});

test("the same where a sync tells it", async () => {
  const { pages, way, open, edit, log, server, catchUp } = await world();
  way.isSlow = true;
  const loading = pages.message("c", "message-c-3");
  server.send("c", "bob");
  edit(3);
  await catchUp.sync();
  open();
  expect(await loading).toMatchObject({ text: "new" });
  expect(log().quoted.get("message-c-3")).toMatchObject({ text: "new" });
});

test("a page of a chat that began anew meanwhile is fetched again", async () => {
  const { pages, way, open, log, server, catchUp, asked } = await world();
  way.isSlow = true;
  const loading = pages.message("c", "message-c-3");
  server.append("c", "bob", { type: "pin.added", data: { messageId: "message-c-3", seq: 3 } });
  for (let count = 0; count < 20; count++) server.send("c", "bob");
  await catchUp.sync();
  open();
  await settled();
  expect(asked).toEqual(["message-c-3", "message-c-3"]);
  open();
  expect(await loading).toMatchObject({ pinned: true });
  expect(log().quoted.get("message-c-3")).toMatchObject({ pinned: true });
});

test("a jump shows the messages around one, and goes nowhere where it is at hand", async () => {
  const { pages, asked, log, shown } = await world();
  await pages.jump("c", 28);
  expect(asked).toEqual([]);
  await pages.jump("c", 10);
  expect(shown()).toEqual([8, 9, 10, 11]);
  expect(log().window).toMatchObject({ before: 8, after: 11, target: 10 });
  await pages.jump("c", 9);
  expect(log().window).toMatchObject({ target: 9 });
  expect(asked).toEqual(['{"around":10}']);
  await pages.loadOlder("c");
  await pages.loadNewer("c");
  expect(shown()).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
  while (await pages.loadNewer("c"));
  expect(log()).toMatchObject({ window: null, older: 4 });
  expect(shown()).toHaveLength(27);
});

test("of two jumps the last one counts, and none after going back to the newest", async () => {
  const { pages, way, open, log } = await world();
  way.isSlow = true;
  const jumps = [pages.jump("c", 5), pages.jump("c", 15)];
  open(1);
  await jumps[1];
  open();
  await jumps[0];
  expect(log().window).toMatchObject({ target: 15 });
  const late = pages.jump("c", 5);
  pages.leaveWindow("c");
  open();
  await late;
  expect(log().window).toBeNull();
});

test("a page for a window that one has left is for nothing", async () => {
  const { pages, way, open, log } = await world();
  await pages.jump("c", 5);
  way.isSlow = true;
  const loading = [pages.loadNewer("c"), pages.loadOlder("c")];
  way.isSlow = false;
  await pages.jump("c", 20);
  const before = log();
  open();
  open();
  await Promise.all(loading);
  expect(log()).toBe(before);
});
