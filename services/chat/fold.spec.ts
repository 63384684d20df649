import { emptyState, fold, maxStays } from "./fold.ts";
import { restoreState, storeState, weighEntry, weighState } from "./snapshots.ts";
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
  const kept = restoreState(structuredClone(storeState(folded(opened, said(2, 1, "ann")), 1)));
  fold(kept, said(3, 2, "bob"));
  const all = folded(opened, said(2, 1, "ann"), said(3, 2, "bob"));
  const toHand = { recent: [], recentFrom: 0 };
  expect({ ...kept, ...toHand }).toEqual({ ...all, ...toHand });
});

const went = (rev: number, userId: string): StoredEntry => ({
  ...{ _id: `c:${rev}`, chatId: "c", rev, seq: 0, key: `k${rev}`, by: "ann", at: rev },
  type: "member.removed",
  body: { userId, banned: false },
});
const came = (rev: number, userId: string): StoredEntry => ({
  ...{ _id: `c:${rev}`, chatId: "c", rev, seq: 0, key: `k${rev}`, by: "ann", at: rev },
  type: "member.added",
  body: { members: [{ userId, role: "member" }], inviteId: null },
});

test("who comes back before anything happened has one stay, and of the return it is known when it was", () => {
  const state = folded(opened, went(2, "bob"), came(3, "bob"), went(4, "bob"), came(5, "bob"));
  expect(state.members.get("bob")!.sees).toEqual([{ fromRev: 1, fromSeq: 1, sinceRev: 5 }]);
  const kept = restoreState(structuredClone(storeState(state, 1)));
  expect(kept.members).toEqual(state.members);
});

test("who leaves and comes back very often sees the latest stays", () => {
  const state = folded(opened);
  const stays = 3 * maxStays;
  for (let rev = 2; rev < 2 + 3 * stays;) {
    fold(state, went(rev++, "bob"));
    fold(state, went(rev++, "nobody"));
    fold(state, came(rev++, "bob"));
  }
  const { sees } = state.members.get("bob")!;
  expect(sees).toHaveLength(maxStays);
  expect(sees.at(-1)).toEqual({ fromRev: state.rev, fromSeq: 1 });
  expect(sees[0]!.fromRev).toBe(state.rev - 3 * (maxStays - 1));
  fold(state, went(state.rev + 1, "bob"));
  expect(state.past.get("bob")).toEqual([...sees.slice(0, -1), { ...sees.at(-1)!, toRev: state.rev, toSeq: 0 }]);
});

test("a stored state holds no words of messages, and comes to what it is taken for", () => {
  const state = folded(opened, said(2, 1, "ann"), went(3, "bob"));
  for (let rev = 4; rev < 500; rev++) fold(state, rev % 2 ? went(rev, `bob${rev - 1}`) : came(rev, `bob${rev}`));
  const bytes = JSON.stringify(storeState(state, Date.now())).length;
  expect(JSON.stringify(storeState(state, Date.now()))).not.toContain("hello");
  // With ids as long as those of people.
  expect(weighState(state)).toBeGreaterThan(bytes);
  expect(weighState(state)).toBeLessThan(3 * bytes);
  expect(weighEntry(said(2, 1, "ann"))).toBe(305 + 2);
});
