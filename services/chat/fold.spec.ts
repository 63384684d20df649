import { emptyState, fold, restoreState, storeState } from "./fold.ts";
import { readSeqOf } from "./present.ts";
import type { StoredEntry } from "./store/documents.ts";

const created = { _id: "c:1", chatId: "c", rev: 1, seq: 0, key: "chat.created", type: "chat.created", by: "ann", at: 1 } as const;
const opened: StoredEntry = {
  ...created,
  body: {
    type: "group",
    title: "Tea",
    data: "{}",
    historyFrom: "all",
    posting: "all",
    slowMode: 0,
    members: [
      { userId: "ann", role: "owner" },
      { userId: "bob", role: "member" },
    ],
  },
};
const said = (rev: number, seq: number, by: string): StoredEntry => ({
  _id: `c:${rev}`,
  chatId: "c",
  rev,
  seq,
  key: `m:${by}:${rev}`,
  type: "message.sent",
  by,
  at: rev,
  body: { id: `id${rev}`, clientMessageId: `n${rev}`, text: "hello", data: "{}" },
});

function folded(...entries: StoredEntry[]) {
  const state = emptyState("c");
  for (const entry of entries) fold(state, entry);
  return state;
}

test("a chat is what its entries say", () => {
  const state = folded(opened, said(2, 1, "ann"), said(3, 2, "bob"));
  expect(state).toMatchObject({
    rev: 3,
    lastSeq: 2,
    title: "Tea",
    createdBy: "ann",
    changedAt: 3,
    lastMessage: { seq: 2, by: "bob" },
  });
  expect([...state.members.keys()]).toEqual(["ann", "bob"]);
});

test("sending moves one's own read pointer, and nobody else's", () => {
  const state = folded(opened, said(2, 1, "ann"), said(3, 2, "bob"));
  expect(readSeqOf(state.members.get("ann")!, undefined)).toBe(1);
  expect(readSeqOf(state.members.get("bob")!, undefined)).toBe(2);
});

test("an entry that is in the state already changes nothing", () => {
  const state = folded(opened, said(2, 1, "ann"));
  const before = structuredClone(state);
  fold(state, said(2, 1, "ann"));
  fold(state, opened);
  expect(state).toEqual(before);
});

test("an entry that leaves a gap is refused", () => {
  expect(() => folded(opened, said(3, 1, "ann"))).toThrow("does not follow");
});

test("a kept state and the entries after it are the same as all entries", () => {
  const kept = restoreState(structuredClone(storeState(folded(opened, said(2, 1, "ann")))));
  fold(kept, said(3, 2, "bob"));
  const all = folded(opened, said(2, 1, "ann"), said(3, 2, "bob"));
  const toHand = { recent: [], recentFrom: 0 };
  expect({ ...kept, ...toHand }).toEqual({ ...all, ...toHand });
});
