import type { Entry } from "@confab/contracts";
import { addOlder, applyEntry, applySync, openChat, putOutgoing } from "./state.ts";
import { at, chatOf, entriesOf, entryOf, messageOf } from "./testing.ts";

const opened = () => openChat(chatOf("c"), 1, entriesOf("c", 1, 1));
const seqs = (state: { messages: readonly { seq: number }[] } | undefined) => state?.messages.map(({ seq }) => seq);

test("the next entry is applied, and counted", () => {
  const state = applyEntry(applyEntry(opened(), entryOf("c", 2), "ann")!, entryOf("c", 3), "ann")!;
  expect(state).toMatchObject({ rev: 3, chat: { rev: 3, lastSeq: 2, unreadCount: 2, lastMessage: { seq: 2 } } });
  expect(seqs(state)).toEqual([1, 2]);
});

test("a repeat changes nothing, a gap is told", () => {
  const state = opened();
  expect(applyEntry(state, entryOf("c", 1), "ann")).toBe(state);
  expect(applyEntry(state, entryOf("c", 3), "ann")).toBeUndefined();
});

test("one's own message moves one's own pointer", () => {
  const state = applyEntry(applyEntry(opened(), entryOf("c", 2), "ann")!, entryOf("c", 3, "ann"), "ann")!;
  expect(state.chat).toMatchObject({ unreadCount: 0, me: { readSeq: 2 } });
});

test("an entry type of the future only moves rev", () => {
  const state = applyEntry(opened(), { ...entryOf("c", 2), type: "poll.closed" } as unknown as Entry, "ann")!;
  expect(state.rev).toBe(2);
  expect(state.messages).toEqual([]);
});

test("a chat that was not known comes whole, also in pages", () => {
  const chat = chatOf("c", { rev: 5, lastSeq: 4, unreadCount: 4 });
  const half = applySync(undefined, { chatId: "c", rev: 3, chat, entries: entriesOf("c", 1, 3) }, "ann")!;
  expect(half).toMatchObject({ rev: 3, chat: { lastSeq: 2 } });
  const whole = applySync(half, { chatId: "c", rev: 5, entries: entriesOf("c", 4, 5) }, "ann")!;
  expect(whole).toMatchObject({ rev: 5, older: null, chat: { rev: 5, lastSeq: 4, unreadCount: 4 } });
  expect(seqs(whole)).toEqual([1, 2, 3, 4]);
});

test("reset replaces all but what is on its way", () => {
  const outgoing = { clientMessageId: "mine", chatId: "c", text: "hello", at, status: "pending" as const };
  const known = putOutgoing(opened(), outgoing);
  const chat = chatOf("c", { rev: 2000, lastSeq: 1999 });
  const state = applySync(known, { chatId: "c", rev: 2000, reset: true, chat, entries: entriesOf("c", 1951, 2000) }, "ann")!;
  expect(state).toMatchObject({ rev: 2000, older: 1950, outgoing: [outgoing] });
  expect(seqs(state)!.at(-1)).toBe(1999);
});

test("an outgoing message gives way to its entry, or to the rev that the server told", () => {
  const outgoing = { clientMessageId: "mine", chatId: "c", text: "hello", at, status: "pending" as const };
  const waiting = putOutgoing(opened(), outgoing);
  expect(waiting.outgoing).toHaveLength(1);
  expect(applyEntry(waiting, entryOf("c", 2, "ann", "mine"), "ann")!.outgoing).toEqual([]);
  const told = putOutgoing(waiting, { ...outgoing, rev: 3 });
  expect(told.outgoing).toHaveLength(1);
  const two = applyEntry(told, entryOf("c", 2), "ann")!;
  expect(two.outgoing).toHaveLength(1);
  expect(applyEntry(two, entryOf("c", 3), "ann")!.outgoing).toEqual([]);
});

test("an older page goes above, without repeats", () => {
  const state = openChat(chatOf("c", { lastSeq: 5 }), 6, entriesOf("c", 5, 6));
  expect(state.older).toBe(4);
  const items = [2, 3, 4, 5].map((rev) => messageOf("c", rev));
  const more = addOlder(state, { items, before: null, after: 4 });
  expect(seqs(more)).toEqual([1, 2, 3, 4, 5]);
  expect(more.older).toBeNull();
});
