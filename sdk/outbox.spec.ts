import { Outbox } from "./outbox.ts";
import { ApiProblem, offline } from "./problem.ts";
import { openChat, type Chats, type Outgoing } from "./state.ts";
import { createStore } from "./store.ts";
import { chatOf, entriesOf, messageOf } from "./testing.ts";

const refusal = new ApiProblem({ type: "", title: "", status: 422, code: "bad_input", detail: "too long", requestId: "" });

function outboxOf(deliver: (message: Outgoing, nth: number) => Promise<void>) {
  const chats = createStore<Chats>(new Map([["c", openChat(chatOf("c"), 1, entriesOf("c", 1, 1))]]));
  const sent: Outgoing[] = [];
  let rev = 1;
  const outbox = new Outbox({
    chats,
    arrived: () => {},
    pause: () => Promise.resolve(),
    async deliver(message) {
      sent.push(message);
      await deliver(message, sent.length);
      return messageOf("c", ++rev, "ann", message.clientMessageId);
    },
  });
  return { outbox, sent, waiting: () => chats.get().get("c")!.outgoing };
}

test("a lost answer is asked for again under the same name", async () => {
  const { outbox, sent, waiting } = outboxOf(async (_, nth) => {
    if (nth < 3) throw offline();
  });
  const message = outbox.send("c", "hello");
  expect(waiting()).toMatchObject([{ text: "hello", status: "pending" }]);
  await message;
  expect(sent).toHaveLength(3);
  expect(new Set(sent.map(({ clientMessageId }) => clientMessageId)).size).toBe(1);
});

test("messages of a chat go one at a time, as they were written", async () => {
  let running = 0;
  const { outbox, sent } = outboxOf(async () => {
    expect(++running).toBe(1);
    await new Promise(setImmediate);
    running--;
  });
  await Promise.all(["one", "two", "three"].map((text) => outbox.send("c", text)));
  expect(sent.map(({ text }) => text)).toEqual(["one", "two", "three"]);
});

test("a refused message stays as failed, can be sent again under its name, or given up", async () => {
  let refuse = true;
  const { outbox, sent, waiting } = outboxOf(() => (refuse ? Promise.reject(refusal) : Promise.resolve()));
  await expect(outbox.send("c", "hello")).rejects.toBe(refusal);
  expect(waiting()).toMatchObject([{ status: "failed", problem: { detail: "too long" } }]);
  const { clientMessageId } = waiting()[0]!;
  refuse = false;
  await outbox.retry("c", clientMessageId);
  expect(sent[1]!.clientMessageId).toBe(clientMessageId);

  refuse = true;
  await expect(outbox.send("c", "again")).rejects.toBe(refusal);
  outbox.discard("c", waiting().at(-1)!.clientMessageId);
  expect(waiting().filter(({ status }) => status === "failed")).toEqual([]);
});
