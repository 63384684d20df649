import type { Chat, Entry } from "@confab/contracts";
import type { ChatLog } from "./api.ts";
import {
  addOlder,
  applyEntry,
  applyNote,
  applyPart,
  growWindow,
  learnChat,
  learnMessage,
  leaveWindow,
  markRead,
  movePointers,
  openWindow,
  quote,
  type Next,
} from "./state.ts";
import { at, chatOf, entriesOf, entryOf, messageOf } from "./testing.ts";

const later = "2026-01-02T00:00:00.000Z";
const known = (next: Next): ChatLog => {
  if (typeof next === "string") throw new Error(next);
  return next;
};
/** A chat with messages of bob up to a rev, opened by its newest `count` of them. */
const opened = (rev = 1, count = rev - 1, changes: Partial<Chat> = {}): ChatLog => {
  const messages = entriesOf("c", 2, rev).slice(rev - 1 - count);
  const last = rev > 1 ? messageOf("c", rev) : null;
  const chat = chatOf("c", { rev, lastSeq: rev - 1, lastMessage: last, unreadCount: rev - 1, ...changes });
  return known(applyPart(undefined, { chatId: "c", rev, reset: true, chat, entries: messages }, undefined, "ann"));
};
const entry = (rev: number, what: Pick<Entry, "type" | "data">, by = "bob") =>
  ({ chatId: "c", rev, by, at: later, ...what }) as Entry;
const apply = (log: ChatLog, ...entries: Entry[]) => entries.reduce((now, one) => known(applyEntry(now, one, "ann")), log);
const seqs = ({ messages }: Pick<ChatLog, "messages">) => messages.map(({ seq }) => seq);
const of = (rev: number) => ({ messageId: `message-${rev}`, seq: rev - 1 });
const me = (changes: Partial<Chat["me"]>) => ({ me: { ...chatOf("c").me, ...changes } });
const mentioning = (rev: number): Entry => {
  const message = { ...messageOf("c", rev), mentions: ["ann"] };
  return entry(rev, { type: "message.sent", data: { message } });
};

describe("entries", () => {
  test("the next is applied, and counted", () => {
    const log = apply(opened(), entryOf("c", 2), entryOf("c", 3));
    expect(log).toMatchObject({ rev: 3, chat: { rev: 3, lastSeq: 2, unreadCount: 2, lastMessage: { seq: 2 } } });
    expect(seqs(log)).toEqual([1, 2]);
  });

  test("a repeat changes nothing, a gap is told", () => {
    const log = opened();
    expect(applyEntry(log, entryOf("c", 1), "ann")).toBe(log);
    expect(applyEntry(log, entryOf("c", 3), "ann")).toBe("gap");
  });

  test("one's own message moves one's own pointers", () => {
    const { chat } = apply(opened(), entryOf("c", 2), entryOf("c", 3, "ann"));
    expect(chat).toMatchObject({ unreadCount: 0, me: { readSeq: 2, deliveredSeq: 2 } });
  });

  test("a type of the future only moves rev", () => {
    const log = apply(opened(3), entry(4, { type: "poll.closed" as "chat.deleted", data: {} }));
    expect(log).toEqual({ ...opened(3), rev: 4, chat: { ...opened(3).chat, rev: 4 } });
  });

  const rules = { title: "new", data: { a: 1 }, historyFrom: "join", posting: "admins", slowMode: 5 } as const;
  const cases: [what: string, Pick<Entry, "type" | "data">, Partial<Chat>][] = [
    ["other rules", { type: "chat.changed", data: rules }, rules],
    [
      "new members",
      { type: "member.added", data: { members: ["x", "y"].map((userId) => ({ userId, role: "member" })), inviteId: null } },
      { memberCount: 4 },
    ],
    ["a member who left", { type: "member.removed", data: { userId: "bob", banned: false } }, { memberCount: 1 }],
    ["one's own role", { type: "member.changed", data: { userId: "ann", role: "admin" } }, me({ role: "admin" })],
    ["another's role", { type: "member.changed", data: { userId: "bob", role: "admin" } }, {}],
    ["a ban", { type: "ban.added", data: { userId: "x" } }, {}],
    ["the end of a ban", { type: "ban.removed", data: { userId: "x" } }, {}],
    ["a pin", { type: "pin.added", data: of(2) }, { pins: [{ id: "message-2", seq: 1 }] }],
  ];
  test.each(cases)("%s", (_, what, changes) => {
    const before = opened(3);
    expect(apply(before, entry(4, what)).chat).toEqual({ ...before.chat, rev: 4, ...changes });
  });

  test("the latest pin is the last, and a deleted message is unpinned", () => {
    const pinned = apply(opened(3), entry(4, { type: "pin.added", data: of(2) }), entry(5, { type: "pin.added", data: of(3) }));
    expect(pinned.chat.pins.map(({ seq }) => seq)).toEqual([1, 2]);
    expect(apply(pinned, entry(6, { type: "pin.removed", data: of(2) })).chat.pins.map(({ seq }) => seq)).toEqual([2]);
    expect(apply(pinned, entry(6, { type: "message.deleted", data: of(3) })).chat.pins.map(({ seq }) => seq)).toEqual([1]);
  });

  test("a chat ends with one's own leaving, or its deletion", () => {
    expect(applyEntry(opened(), entry(2, { type: "chat.deleted", data: {} }), "ann")).toBe("gone");
    const removed = entry(2, { type: "member.removed", data: { userId: "ann", banned: true } });
    expect(applyEntry(opened(), removed, "ann")).toBe("gone");
  });

  test("a change reaches the message wherever it is shown", () => {
    const page = { items: [messageOf("c", 2), messageOf("c", 3)], before: null, after: 2 };
    const log = quote(openWindow(opened(9, 3), page, 1, "ann"), messageOf("c", 2));
    const text = { text: "new", mentions: [], data: {} };
    const edited = apply(log, entry(10, { type: "message.edited", data: { ...of(2), ...text } }));
    expect(edited.window!.messages[0]).toMatchObject({ text: "new", rev: 10, editedAt: later });
    expect(edited.quoted.get("message-2")).toMatchObject({ text: "new" });
    const last = apply(edited, entry(11, { type: "message.edited", data: { ...of(9), ...text } }));
    expect(last.messages.at(-1)).toMatchObject({ text: "new" });
    expect(last.chat.lastMessage).toEqual(last.messages.at(-1));
  });
});

describe("unread mentions", () => {
  const withdraw = (rev: number) => entry(rev, { type: "message.edited", data: { ...of(2), text: "x", mentions: [], data: {} } });

  test("are counted, taken back, and read", () => {
    const log = apply(opened(), mentioning(2), entryOf("c", 3), mentioning(4));
    expect(log.chat.unreadMentions).toBe(2);
    expect(apply(log, withdraw(5)).chat.unreadMentions).toBe(1);
    expect(apply(log, entry(5, { type: "message.deleted", data: of(2) })).chat.unreadMentions).toBe(1);
    expect(markRead(log, 2, "ann").chat).toMatchObject({ unreadMentions: 1, unreadCount: 1 });
    expect(apply(log, entryOf("c", 5, "ann")).chat.unreadMentions).toBe(0);
  });

  test("go on from the server's number where not all that is unread is at hand", () => {
    const log = apply(opened(9, 2, { unreadMentions: 5 }), mentioning(10));
    expect(log.chat.unreadMentions).toBe(6);
    expect(apply(log, entryOf("c", 11)).chat.unreadMentions).toBe(6);
    expect(apply(log, entry(11, { type: "message.deleted", data: of(10) })).chat.unreadMentions).toBe(5);
  });

  test("are only those at hand, where the pointer moved among others", () => {
    const log = apply(opened(9, 2, { unreadMentions: 5 }), mentioning(10));
    expect(markRead(log, 3, "ann").chat.unreadMentions).toBe(1);
  });

  test("are counted up to where the server stops", () => {
    expect(apply(opened(9, 2, { unreadMentions: 50 }), mentioning(10)).chat.unreadMentions).toBe(50);
  });
});

describe("a sync answer", () => {
  test("a new chat comes whole, also in pages, and is shown as it is now from the first on", () => {
    const chat = chatOf("c", { rev: 5, lastSeq: 4, unreadCount: 4, unreadMentions: 2, title: "now" });
    const half = known(applyPart(undefined, { chatId: "c", rev: 3, chat, entries: entriesOf("c", 1, 3) }, undefined, "ann"));
    expect(half).toMatchObject({ rev: 3, older: null, chat: { title: "now", lastSeq: 4, unreadMentions: 2 } });
    const whole = known(applyPart(half, { chatId: "c", rev: 5, entries: entriesOf("c", 4, 5) }, 3, "ann"));
    expect(whole).toMatchObject({ rev: 5, older: null, chat: { rev: 5, lastSeq: 4, unreadCount: 4 } });
    expect(seqs(whole)).toEqual([1, 2, 3, 4]);
  });

  test("a new chat's entries are not counted on what its chat has in it already", () => {
    const chat = chatOf("c", { rev: 3, lastSeq: 1, memberCount: 2, pins: [{ id: "message-2", seq: 1 }] });
    const log = applyPart(
      undefined,
      { chatId: "c", rev: 3, chat, entries: [...entriesOf("c", 1, 2), entry(3, { type: "pin.added", data: of(2) })] },
      undefined,
      "ann",
    );
    expect(known(log)).toMatchObject({ rev: 3, chat, messages: [{ pinned: true }] });
  });

  test("reset begins anew with messages as they are now, and never moves pointers back", () => {
    const before = quote(movePointers(opened(5), { readSeq: 3 }, "ann"), messageOf("c", 2));
    const chat = chatOf("c", { rev: 2000, lastSeq: 1999, unreadCount: 1999 });
    const message = { ...messageOf("c", 1951), rev: 1990 };
    const entries = [{ ...entryOf("c", 1951), data: { message } } as Entry, ...entriesOf("c", 1952, 2000)];
    const log = known(applyPart(before, { chatId: "c", rev: 2000, reset: true, chat, entries }, 5, "ann"));
    expect(log).toMatchObject({ rev: 2000, older: 1950, window: null, chat: { unreadCount: 1996, me: { readSeq: 3 } } });
    expect(log.messages[0]).toBe(message);
    expect(log.quoted.size).toBe(0);
  });

  test("a reset of before live entries is passed over, unless the server is behind what it was asked from", () => {
    const before = opened(9);
    const part = { chatId: "c", rev: 7, reset: true, chat: chatOf("c", { rev: 7, lastSeq: 6 }), entries: entriesOf("c", 6, 7) };
    expect(applyPart(before, part, 5, "ann")).toBe(before);
    expect(applyPart(before, part, 9, "ann")).toMatchObject({ rev: 7 });
  });

  test("what does not follow is told, what one is no longer in is gone", () => {
    expect(applyPart(opened(3), { chatId: "c", rev: 6, entries: entriesOf("c", 5, 6) }, 3, "ann")).toBe("gap");
    expect(applyPart(undefined, { chatId: "c", rev: 6, entries: entriesOf("c", 5, 6) }, 3, "ann")).toBe("gap");
    expect(applyPart(opened(3), { chatId: "c", rev: 6, reset: true, entries: [] }, 3, "ann")).toBe("gone");
    const removed = entry(4, { type: "member.removed", data: { userId: "ann", banned: false } });
    expect(applyPart(opened(3), { chatId: "c", rev: 4, entries: [removed] }, 3, "ann")).toBe("gone");
  });
});

describe("answers and notes", () => {
  test("a chat that is ahead of the log is taken, and entries up to it are not counted twice", () => {
    const answer = chatOf("c", { rev: 4, lastSeq: 2, title: "new", memberCount: 3, unreadCount: 2 });
    const ahead = learnChat(opened(3), answer, true, "ann");
    expect(ahead).toMatchObject({ rev: 3, chat: { title: "new", rev: 4, memberCount: 3 } });
    const added = entry(4, { type: "member.added", data: { members: [{ userId: "x", role: "member" }], inviteId: null } });
    expect(apply(ahead, added)).toMatchObject({ rev: 4, chat: { memberCount: 3 } });
  });

  test("a chat that is behind the log tells only how far one has come", () => {
    const answer = chatOf("c", { rev: 2, lastSeq: 1, title: "old", ...me({ readSeq: 1, deliveredSeq: 1, pinned: true }) });
    const log = learnChat(opened(4), answer, false, "ann");
    expect(log.chat).toEqual({ ...opened(4).chat, unreadCount: 2, me: { ...chatOf("c").me, readSeq: 1, deliveredSeq: 1 } });
    expect(learnChat(opened(4), answer, true, "ann").chat.me.pinned).toBe(true);
  });

  test("a message that is ahead of the log is taken once", () => {
    const answer = { ...messageOf("c", 3), text: "new", rev: 5, reactions: [{ emoji: "👍", count: 1, mine: true }] };
    const ahead = learnMessage(opened(3), answer, "ann");
    expect(ahead.messages[1]).toBe(answer);
    expect(ahead.chat.lastMessage).toBe(answer);
    const reacted = entry(4, { type: "reaction.added", data: { ...of(3), emoji: "👍" } }, "ann");
    expect(apply(ahead, reacted).messages[1]).toBe(answer);
    expect(learnMessage(ahead, messageOf("c", 3), "ann").messages[1]).toBe(answer);
    const chat = chatOf("c", { rev: 3, lastSeq: 2, lastMessage: messageOf("c", 3) });
    expect(learnChat(ahead, chat, true, "ann").chat.lastMessage).toBe(answer);
  });

  test("a note is what the chat is to oneself, and moves no pointer back", () => {
    const flags = { mutedUntil: at, pinned: true, archived: true, markedUnread: true };
    const noted = applyNote(opened(5), { chatId: "c", member: true, readSeq: 2, deliveredSeq: 3, ...flags }, "ann");
    expect(noted.chat).toMatchObject({ unreadCount: 2, me: { ...flags, readSeq: 2, deliveredSeq: 3 } });
    const old = applyNote(noted, { chatId: "c", member: true, readSeq: 1, deliveredSeq: 1, ...flags }, "ann");
    expect(old.chat).toMatchObject({ unreadCount: 2, me: { readSeq: 2, deliveredSeq: 3 } });
  });

  test("whoever reads on means no longer that something is unread", () => {
    const marked = opened(5, 4, me({ markedUnread: true }));
    expect(markRead(marked, 1, "ann").chat.me).toMatchObject({ markedUnread: false, readSeq: 1, deliveredSeq: 1 });
    expect(markRead(marked, 0, "ann")).toBe(marked);
    expect(movePointers(marked, { deliveredSeq: 2 }, "ann").chat.me).toMatchObject({ markedUnread: true, deliveredSeq: 2 });
  });
});

describe("pages", () => {
  const page = (from: number, to: number, before: number | null, after: number | null) => ({
    items: entriesOf("c", from + 1, to + 1).map(({ rev }) => messageOf("c", rev)),
    before,
    after,
  });

  test("an older page goes above, without repeats", () => {
    const log = opened(6, 2);
    expect(log.older).toBe(4);
    const more = addOlder(log, page(1, 4, null, 4), "ann");
    expect(seqs(more)).toEqual([1, 2, 3, 4, 5]);
    expect(more.older).toBeNull();
  });

  test("a window grows on both sides, and becomes one with the newest messages when it reaches them", () => {
    const log = openWindow(opened(11, 3), page(3, 4, 3, 4), 3, "ann");
    expect(log.window).toMatchObject({ before: 3, after: 4, target: 3 });
    expect(seqs(log)).toEqual([8, 9, 10]);
    const above = growWindow(log, page(2, 2, 2, 2), "above", "ann");
    expect(seqs(above.window!)).toEqual([2, 3, 4]);
    const below = growWindow(above, page(5, 6, 5, 6), "below", "ann");
    expect(seqs(below.window!)).toEqual([2, 3, 4, 5, 6]);
    const touching = growWindow(below, page(7, 7, 7, 7), "below", "ann");
    expect(touching).toMatchObject({ window: null, older: 2 });
    expect(seqs(touching)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(seqs(growWindow(below, page(7, 9, 7, 9), "below", "ann"))).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(leaveWindow(below)).toMatchObject({ window: null, older: 8 });
  });

  test("what a page has beyond the log comes as entries", () => {
    const log = openWindow(opened(4, 2), page(1, 5, null, null), 1, "ann");
    expect(seqs(log)).toEqual([1, 2, 3]);
    expect(seqs(apply(log, entryOf("c", 5)))).toEqual([1, 2, 3, 4]);
  });

  test("a page brings unread mentions to hand, and does not count them twice", () => {
    const log = opened(6, 2, { unreadMentions: 2 });
    const items = page(1, 3, null, 3).items.map((message) => ({ ...message, mentions: message.seq < 3 ? ["ann"] : [] }));
    expect(addOlder(log, { items, before: null, after: 3 }, "ann").chat.unreadMentions).toBe(2);
    const wrong = { ...log, chat: { ...log.chat, unreadMentions: 1 } };
    expect(addOlder(wrong, { items, before: null, after: 3 }, "ann").chat.unreadMentions).toBe(2);
    expect(addOlder(log, { items: items.slice(1), before: 2, after: 3 }, "ann").chat.unreadMentions).toBe(2);
  });
});
