import { Conflict } from "@confab/mixins/store/collection.ts";
import { v7 as uuid } from "uuid";
import type { ChatStore } from "./chat.store.ts";
import { place, type StoredEntry } from "./documents.ts";
import type { StoredState } from "./projections.ts";

const entry = (chatId: string, rev: number, seq: number, key = `m:ann:${rev}`): StoredEntry => ({
  _id: place(chatId, rev),
  chatId,
  rev,
  seq,
  seqKey: place(chatId, seq),
  key,
  type: "message.sent",
  by: "ann",
  at: rev,
  body: { id: `${chatId}-${rev}`, clientMessageId: key, text: `text ${rev}`, data: "{}" },
});
const run = (chatId: string, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => entry(chatId, from + i, from + i));
const revs = (entries: StoredEntry[]) => entries.map(({ rev }) => rev);
const state = (chatId: string, rev: number) =>
  ({
    _id: chatId,
    rev,
    members: [["ann", { role: "owner", joinedAt: 1, readSeq: 0 }]],
    title: `at ${rev}`,
  }) as unknown as StoredState;

/** What a database must do to carry the log. `open` opens the same empty store each time it is called within a test file. */
export function chatStoreSuite(open: () => Promise<ChatStore>): void {
  let store: ChatStore;
  let chatId: string;
  beforeAll(async () => {
    store = await open();
  });
  beforeEach(() => {
    chatId = uuid();
  });

  test("G2: a place is taken once", async () => {
    await store.append([entry(chatId, 1, 1)], false);
    const [outcome] = await store.append([entry(chatId, 1, 1, "other")], false);
    expect(outcome).toBeInstanceOf(Conflict);
    expect(outcome).toMatchObject({ index: "_id" });
    expect((await store.entriesAfter(chatId, 0, 10))[0]!.key).toBe("m:ann:1");
  });

  test("G2: of many that want a place at once one gets it", async () => {
    const outcomes = await Promise.all(Array.from({ length: 20 }, (_, i) => store.append([entry(chatId, 1, 1, `k${i}`)], false)));
    expect(outcomes.flat().filter((outcome) => outcome === "stored")).toHaveLength(1);
  });

  test("G3: a key is used once in a chat, and again in another", async () => {
    await store.append([entry(chatId, 1, 1, "same")], false);
    const [outcome] = await store.append([entry(chatId, 2, 2, "same")], false);
    expect(outcome).toMatchObject({ index: "key" });
    expect(await store.append([entry(uuid(), 1, 1, "same")], false)).toEqual(["stored"]);
    expect((await store.entryByKey(chatId, "same")).rev).toBe(1);
  });

  test("G1: in order, nothing after a refused entry is stored", async () => {
    await store.append([entry(chatId, 2, 2)], false);
    const outcomes = await store.append(
      run(chatId, 1, 4).map((e, i) => (i === 1 ? { ...e, key: "late" } : e)),
      true,
    );
    expect(outcomes).toEqual(["stored", expect.objectContaining({ index: "_id" }), "untried", "untried"]);
    expect(revs(await store.entriesAfter(chatId, 0, 10))).toEqual([1, 2]);
  });

  test("out of order, a refused entry stops no other chat", async () => {
    const other = uuid();
    await store.append([entry(chatId, 1, 1)], false);
    const outcomes = await store.append([entry(chatId, 1, 1, "late"), entry(other, 1, 1)], false);
    expect(outcomes).toEqual([expect.objectContaining({ index: "_id" }), "stored"]);
  });

  test("entries come by ranges of rev, ascending, and only this chat's", async () => {
    await store.append(run(chatId, 1, 30), true);
    await store.append(run(uuid(), 1, 30), true);
    expect(revs(await store.entriesAfter(chatId, 0, 5))).toEqual([1, 2, 3, 4, 5]);
    expect(revs(await store.entriesAfter(chatId, 27, 100))).toEqual([28, 29, 30]);
    expect(revs(await store.entriesAfter(chatId, 30, 100))).toEqual([]);
  });

  test("revs sort as numbers across powers of ten", async () => {
    await store.append(run(chatId, 1, 12), true);
    expect(revs(await store.entriesAfter(chatId, 8, 10))).toEqual([9, 10, 11, 12]);
  });

  test("messages come by ranges of seq", async () => {
    await store.append(run(chatId, 1, 20), true);
    expect((await store.messagesBetween(chatId, 9, 11)).map(({ seq }) => seq)).toEqual([9, 10, 11]);
    expect(await store.messagesBetween(chatId, 5, 4)).toEqual([]);
  });

  test("a look at the next places tells which chats moved on", async () => {
    const other = uuid();
    await store.append(run(chatId, 1, 3), true);
    await store.append(run(other, 1, 3), true);
    expect(
      await store.chatsBeyond(
        new Map([
          [chatId, 2],
          [other, 3],
        ]),
      ),
    ).toEqual([chatId]);
  });

  test("a state is kept unless a later one is", async () => {
    await Promise.all([store.keepState(state(chatId, 5)), store.keepState(state(chatId, 9)), store.keepState(state(chatId, 7))]);
    await store.keepState(state(chatId, 8));
    expect(await store.statesOf([chatId, uuid()])).toEqual([state(chatId, 9)]);
  });

  test("the chats of a user are those that were expected, each once", async () => {
    const user = uuid();
    await store.expectMembers(chatId, [user, uuid()]);
    await store.expectMembers(chatId, [user]);
    expect(await store.chatsPerhapsOf(user)).toEqual([chatId]);
    expect(await store.membershipsOf(user, 10)).toBe(1);
    await store.expectMembers(uuid(), [user]);
    expect(await store.membershipsOf(user, 10)).toBe(2);
    expect(await store.membershipsOf(user, 1)).toBe(1);
    expect(await store.membershipsOf(uuid(), 1)).toBe(0);
  });

  test("two people have one chat, whoever asks and however many ask at once", async () => {
    const [ann, bob] = [uuid(), uuid()];
    const claimed = await Promise.all(
      Array.from({ length: 20 }, (_, i) => (i % 2 ? store.claimPair(ann, bob, uuid()) : store.claimPair(bob, ann, uuid()))),
    );
    expect(new Set(claimed).size).toBe(1);
  });

  test("the epoch stays", async () => {
    expect((await open()).epoch).toBe(store.epoch);
  });
}
