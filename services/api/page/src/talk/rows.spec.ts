import type { Message } from "@confab/contracts";
import type { ChatState } from "@confab/sdk";
import type { Line } from "../log-parts.ts";
import { chunksOf, rowsOf, sameRows, type MessageRow } from "./rows.ts";

const noon = Date.parse("2026-03-01T12:00:00");
const at = (minutes: number) => new Date(noon + minutes * 60_000).toISOString();

const message = (seq: number, senderId: string, minutes = seq, more: Partial<Message> = {}) =>
  ({
    id: `m${seq}`,
    seq,
    rev: seq,
    senderId,
    clientMessageId: `n${seq}`,
    text: `${seq}`,
    createdAt: at(minutes),
    ...more,
  }) as Message;

const line = (rev: number, minutes: number, title: string | null = null) =>
  ({ rev, by: "ann", at: at(minutes), type: "chat.changed", data: { title } }) as Line;

function state(messages: Message[], more: object = {}): ChatState {
  const chat = { id: "c", type: "group", memberCount: 3 };
  const empty = { older: null, window: null, outgoing: [], quoted: new Map(), receipts: new Map() };
  return { chat, messages, ...empty, ...more } as unknown as ChatState;
}

const rows = (of: ChatState, more: { lines?: Line[]; unreadAfter?: number; target?: number } = {}) =>
  rowsOf({
    state: of,
    messages: of.window?.messages ?? of.messages,
    lines: [],
    myId: "ann",
    unreadAfter: undefined,
    target: undefined,
    ...more,
  });
const messageRows = (of: ChatState, more = {}) => rows(of, more).filter((row): row is MessageRow => row.kind === "message");

test("what one person says without a pause belongs together; others are named once", () => {
  const of = state([message(1, "bob"), message(2, "bob"), message(3, "cat"), message(4, "cat", 30), message(5, "ann", 31)]);
  expect(messageRows(of).map(({ first, last, named }) => [first, last, named])).toEqual([
    [true, false, true],
    [false, true, false],
    [true, true, true],
    [true, true, true],
    [true, true, false],
  ]);
});

test("a day begins with its first row", () => {
  const of = state([message(1, "bob"), message(2, "bob", 24 * 60), message(3, "bob", 24 * 60 + 1)]);
  expect(rows(of).map(({ day }) => day)).toEqual([true, true, false]);
});

test("what was unread begins with the first message of somebody else", () => {
  const of = state([message(1, "bob"), message(2, "ann"), message(3, "bob"), message(4, "bob")]);
  expect(messageRows(of, { unreadAfter: 1 }).map(({ divider }) => divider)).toEqual([false, false, true, false]);
});

test("lines go by their time, and not where the messages around them are not shown", () => {
  const lines = [line(1, 0, "Old"), line(5, 2.5, "New"), line(9, 9)];
  const whole = rows(state([message(2, "bob"), message(3, "bob")]), { lines });
  expect(whole.map(({ key }) => key)).toEqual(["line 1", "bob n2", "line 5", "bob n3", "line 9"]);
  const before = whole.map((row) => row.kind === "line" && row.before?.rev);
  expect(before).toEqual([undefined, false, 1, false, 5]);

  const run = [message(2, "bob"), message(3, "bob")];
  const window = { messages: run, before: 2, after: 3, target: 2 };
  expect(rows(state([], { window }), { lines }).map(({ key }) => key)).toEqual(["bob n2", "line 5", "bob n3"]);
});

test("ticks tell how far all the others have come", () => {
  const receipt = (userId: string, readSeq: number | null, deliveredSeq: number) =>
    [userId, { userId, readSeq, deliveredSeq }] as const;
  const receipts = new Map([receipt("bob", 1, 3), receipt("cat", 2, 2)]);
  const of = state([message(1, "ann"), message(2, "ann"), message(3, "ann")], { receipts });
  expect(messageRows(of).map(({ ticks }) => ticks)).toEqual(["read", "delivered", "sent"]);
  expect(messageRows(of).map(({ readers }) => readers)).toEqual([undefined, undefined, 0]);
});

test("a message keeps its row and its chunk while it is on its way and when it has arrived", () => {
  const run = [message(1, "bob"), message(2, "bob")];
  const outgoing = [{ clientMessageId: "n3", text: "3", at: at(3), status: "pending" }];
  const waiting = chunksOf(rows(state(run, { outgoing })));
  const arrived = chunksOf(rows(state([...run, message(3, "ann")])));
  const keys = (chunks: typeof waiting) => chunks.map(({ key, rows }) => [key, rows.map((row) => row.key)]);
  expect(keys(waiting)).toEqual(keys(arrived));
  expect(sameRows(waiting[0]!.rows, arrived[0]!.rows)).toBe(false);
});

test("chunks stay the same while others come in above and below", () => {
  const run = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => message(from + index, "bob"));
  const all = run(1, 200);
  const before = chunksOf(rows(state(all.slice(60, 180), { older: 61 })));
  const after = chunksOf(rows(state(all, {})));
  const inner = before.slice(1, -1);
  expect(inner.length).toBeGreaterThan(1);
  for (const chunk of inner) expect(sameRows(chunk.rows, after.find(({ key }) => key === chunk.key)!.rows)).toBe(true);
});
