import type { Receipt } from "@confab/contracts";
import { Receipts } from "./receipts.ts";
import { at, entryOf } from "./testing.ts";

const of = (userId: string, readSeq: number | null, deliveredSeq = readSeq ?? 0): Receipt => ({ userId, readSeq, deliveredSeq });

function receiptsOf() {
  const server = { items: [of("bob", 1), of("cy", null, 2)], gate: undefined as Promise<void> | undefined };
  const asked: string[] = [];
  const receipts = new Receipts({
    async read(chatId) {
      asked.push(chatId);
      const { items } = server;
      await server.gate;
      return { items };
    },
  });
  return { receipts, server, asked, of: (chatId = "c") => [...(receipts.state.get().get(chatId)?.values() ?? [])] };
}

test("a chat that nobody opened has none; after that they are followed, and only go forward", async () => {
  const { receipts, of: shown } = receiptsOf();
  receipts.hear({ chatId: "c", receipt: of("bob", 3) });
  expect(shown()).toEqual([]);
  await receipts.load("c");
  receipts.hear({ chatId: "c", receipt: of("bob", 3) });
  receipts.hear({ chatId: "c", receipt: of("bob", 2, 4) });
  expect(shown()).toEqual([of("bob", 3, 4), of("cy", null, 2)]);
});

test("whoever tells no longer how far they read is believed", async () => {
  const { receipts, of: shown } = receiptsOf();
  await receipts.load("c");
  receipts.hear({ chatId: "c", receipt: of("bob", null, 4) });
  expect(shown()[0]).toEqual(of("bob", null, 4));
});

test("what is told while they are read is not lost, and who has left is gone", async () => {
  const { receipts, server, of: shown } = receiptsOf();
  await receipts.load("c");
  let open = () => {};
  server.gate = new Promise((resolve) => (open = resolve));
  server.items = [of("bob", 2)];
  const loading = receipts.load("c");
  receipts.hear({ chatId: "c", receipt: of("bob", 5) });
  receipts.hear({ chatId: "c", receipt: of("dan", 1) });
  open();
  await loading;
  expect(shown()).toEqual([of("bob", 5), of("dan", 1)]);
});

test("a sender has read up to the own message; a member who left has no receipt", async () => {
  const { receipts, of: shown } = receiptsOf();
  await receipts.load("c");
  receipts.apply([entryOf("c", 6, "bob"), entryOf("c", 7, "cy"), entryOf("c", 8, "new")]);
  expect(shown()).toEqual([of("bob", 5), of("cy", null, 6)]);
  receipts.apply([{ chatId: "c", rev: 9, by: "x", at, type: "member.removed", data: { userId: "bob", banned: false } }]);
  expect(shown()).toEqual([of("cy", null, 6)]);
});

test("after a lost connection the latest chats are read again, and of others nothing old is shown", async () => {
  const { receipts, asked, of: shown } = receiptsOf();
  const chatIds = Array.from({ length: 12 }, (_, index) => `chat-${index}`);
  for (const chatId of chatIds) await receipts.load(chatId);
  asked.length = 0;
  receipts.renew();
  expect(asked).toEqual(chatIds.slice(2));
  expect(shown("chat-0")).toEqual([]);
  expect(shown("chat-11")).toHaveLength(2);
  receipts.keep((chatId) => chatId === "chat-11");
  expect(receipts.state.get().size).toBe(1);
});
