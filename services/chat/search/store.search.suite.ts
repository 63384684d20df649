import { Unavailable, type Collection, type Database } from "@confab/mixins/store/collection.ts";
import { v7 as uuid } from "uuid";
import { blockSize, messageWords, place, type StoredWords } from "./documents.ts";
import type { Said } from "./index.ts";
import { searchSuite } from "./search.suite.ts";
import { StoreSearch } from "./store.search.ts";

/** What a database must do to carry the search. `open` opens the same empty database each time it is called within a test file. */
export function storeSearchSuite(open: () => Promise<Database> | Database): void {
  let search: StoreSearch;
  let stored: Collection<StoredWords>;
  let chatId: string;
  beforeAll(async () => {
    const database = await open();
    stored = await database.collection(messageWords);
    search = await StoreSearch.open({ ...database, collection: async () => stored as never });
  });
  beforeEach(() => {
    chatId = uuid();
  });

  searchSuite(async () => StoreSearch.open(await open()));

  const said = (seq: number, text: string, more: Partial<Said> = {}): Said => ({
    ...{ chatId, seq, rev: seq + 1, by: "ann", at: seq * 10, text },
    ...more,
  });
  const whole = (id: string, to = 2000) => ({ chatId: id, seqs: [{ from: 1, to }], latest: 1_000_000_000 });
  const query = { words: [], beginnings: [], limit: 100 };
  const storedOf = (id: string) => stored.find({ _id: { $gt: place(id, 0), $lt: `${id};` } });

  test("a removed message leaves its rev and no key", async () => {
    await search.put([said(1, "gone for good"), said(2, "it stays")]);
    await search.remove([
      { chatId, seq: 1, rev: 7 },
      { chatId, seq: 3, rev: 8 },
    ]);
    await search.put([said(1, "gone for good"), said(3, "never indexed")]);
    await search.remove([{ chatId, seq: 1, rev: 2 }]);
    const left = await stored.find({ _id: { $in: [1, 3].map((seq) => place(chatId, seq)) } });
    expect(left.map(({ rev, keys }) => ({ rev, keys }))).toEqual([
      { rev: 7, keys: [] },
      { rev: 8, keys: [] },
    ]);
  });

  test("a removed chat leaves no document of a message, also if it is put into at the same time", async () => {
    const chats = Array.from({ length: 20 }, () => uuid());
    await Promise.all(
      chats.flatMap((id) => [
        search.put([said(1, "word", { chatId: id }), said(2, "word", { chatId: id })]),
        search.removeChat(id),
      ]),
    );
    for (const id of chats) expect(await storedOf(id)).toEqual([]);
  });

  test("a message of another chat is no hit, though it has the keys of this one", async () => {
    await search.put([said(1, "word")]);
    const [mine] = await stored.find({ _id: place(chatId, 1) });
    const other = uuid();
    await stored.insert({ ...mine!, _id: place(other, 1), chatId: other });
    const found = await search.find({ ...query, words: ["word"], chats: [whole(chatId, 1)] });
    expect(found.hits).toEqual([{ chatId, seq: 1, at: 10 }]);
  });

  test("a search that finds nothing for long ends, and says where to go on", async () => {
    const count = blockSize * 15;
    const ids = [chatId, uuid(), uuid()];
    const text = (id: string, seq: number) => (id === chatId && seq === 5 ? "both of them" : seq % 2 ? "both" : "them");
    for (const id of ids)
      await search.put(Array.from({ length: count }, (_, at) => said(at + 1, text(id, at + 1), { chatId: id })));
    const chats = ids.map((id) => whole(id, count));
    const first = await search.find({ ...query, words: ["both", "them"], chats });
    expect(first.hits).toEqual([]);
    expect(first.next!.at).toBeLessThan(count * 10);
  }, 30_000);

  test("a put that fails is reported", async () => {
    const broken = { insertMany: () => Promise.reject(new Unavailable(new Error("gone"))) } as unknown as Collection<StoredWords>;
    const failing = await StoreSearch.open({ collection: () => Promise.resolve(broken) } as unknown as Database);
    await expect(failing.put([said(1, "word")])).rejects.toThrow(Unavailable);
  });
}
