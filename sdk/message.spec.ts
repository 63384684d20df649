import type { Entry, Message } from "@confab/contracts";
import { changeMessage, mentions, newer } from "./message.ts";
import { at, messageOf } from "./testing.ts";

const later = "2026-01-02T00:00:00.000Z";
const of = { messageId: "message-2", seq: 1 };
const thumbs = (count: number, mine: boolean) => ({ emoji: "👍", count, mine });
const party = { emoji: "🎉", count: 1, mine: false };

type Case = [
  what: string,
  before: Partial<Message>,
  entry: Pick<Entry, "type" | "data"> & { by?: string },
  after: Partial<Message>,
];

const words = { text: "new", mentions: ["cy"], data: { a: 1 } };
const cases: Case[] = [
  ["an edit", {}, { type: "message.edited", data: { ...of, ...words } }, { ...words, editedAt: later }],
  [
    "a deletion, after which only the places are left",
    { ...words, reactions: [party], pinned: true, editedAt: at, replyTo: { id: "x", seq: 0 } },
    { type: "message.deleted", data: of },
    {
      ...{ text: "", mentions: [], data: {}, reactions: [], pinned: false },
      ...{ editedAt: at, deletedAt: later, replyTo: { id: "x", seq: 0 } },
    },
  ],
  ["a first reaction", {}, { type: "reaction.added", data: { ...of, emoji: "👍" } }, { reactions: [thumbs(1, false)] }],
  [
    "another's reaction beside one's own",
    { reactions: [party, thumbs(1, true)] },
    { type: "reaction.added", data: { ...of, emoji: "👍" } },
    { reactions: [party, thumbs(2, true)] },
  ],
  [
    "one's own reaction",
    { reactions: [thumbs(1, false)] },
    { type: "reaction.added", by: "ann", data: { ...of, emoji: "👍" } },
    { reactions: [thumbs(2, true)] },
  ],
  [
    "one's own reaction taken back",
    { reactions: [thumbs(2, true), party] },
    { type: "reaction.removed", by: "ann", data: { ...of, emoji: "👍" } },
    { reactions: [thumbs(1, false), party] },
  ],
  [
    "another's reaction taken back from beside one's own",
    { reactions: [thumbs(2, true)] },
    { type: "reaction.removed", data: { ...of, emoji: "👍" } },
    { reactions: [thumbs(1, true)] },
  ],
  [
    "the last of a reaction taken back",
    { reactions: [thumbs(1, false), party] },
    { type: "reaction.removed", data: { ...of, emoji: "👍" } },
    { reactions: [party] },
  ],
  ["a pin", {}, { type: "pin.added", data: of }, { pinned: true }],
  ["an unpinning", { pinned: true }, { type: "pin.removed", data: of }, { pinned: false }],
];

test.each(cases)("%s", (_, before, { by = "bob", ...what }, after) => {
  const message = { ...messageOf("c", 2), ...before };
  const entry = { chatId: "c", rev: 5, by, at: later, ...what } as Entry;
  expect(changeMessage(message, entry, "ann")).toEqual({ ...message, ...after, rev: 5 });
});

test("what is in the message already, or is about another, changes nothing", () => {
  const message = { ...messageOf("c", 2), rev: 5 };
  const edit = { chatId: "c", by: "bob", at: later, type: "message.edited", data: { ...of, ...words } } as const;
  expect(changeMessage(message, { ...edit, rev: 5 }, "ann")).toBe(message);
  expect(changeMessage(message, { ...edit, rev: 6, data: { ...edit.data, messageId: "message-3" } }, "ann")).toBe(message);
  expect(changeMessage(message, { ...edit, rev: 6, type: "poll.closed" } as unknown as Entry, "ann")).toBe(message);
});

test("one is mentioned by name or with all, and not by oneself", () => {
  const message = messageOf("c", 2);
  expect(mentions(message, "ann")).toBe(false);
  expect(mentions({ ...message, mentions: ["cy"] }, "ann")).toBe(false);
  expect(mentions({ ...message, mentions: ["ann"] }, "ann")).toBe(true);
  expect(mentions({ ...message, mentions: "all" }, "ann")).toBe(true);
  expect(mentions({ ...message, mentions: "all" }, "bob")).toBe(false);
});

test("of two forms of a message the later stays", () => {
  const [early, late] = [messageOf("c", 2), { ...messageOf("c", 2), rev: 7 }];
  expect(newer(early, late)).toBe(late);
  expect(newer(late, early)).toBe(late);
  expect(newer(early, messageOf("c", 3))).toBe(early);
});
