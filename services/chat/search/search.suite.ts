import fc from "fast-check";
import { v7 as uuid } from "uuid";
import { blockSize } from "./documents.ts";
import { follows, type Found, type Hit, type Query, type Said, type SearchIndex } from "./index.ts";
import { begins, readWanted, wordsOf } from "./words.ts";

type Asked = Partial<Query> & { q?: string };

/** What every search index must do. `open` opens an empty one. */
export function searchSuite(open: () => Promise<SearchIndex>): void {
  let search: SearchIndex;
  let chatId: string;
  beforeAll(async () => {
    search = await open();
  });
  beforeEach(() => {
    chatId = uuid();
  });

  const said = (seq: number, text: string, more: Partial<Said> = {}): Said => ({
    chatId,
    seq,
    rev: seq + 1,
    by: "ann",
    at: seq * 10,
    text,
    ...more,
  });
  const put = (...texts: string[]) => search.put(texts.map((text, at) => said(at + 1, text)));
  const whole = (id = chatId) => ({ chatId: id, seqs: [{ from: 1, to: 2000 }], latest: 1_000_000_000 });
  const find = ({ q, ...query }: Asked): Promise<Found> =>
    search.find({ chats: [whole()], words: [], beginnings: [], limit: 100, ...(q === undefined ? {} : readWanted(q)), ...query });
  const seqs = async (query: Asked) => (await find(query)).hits.map(({ seq }) => seq);

  test("a message is found by any of its words, the latest first", async () => {
    await put("Hello there", "hello again", "nothing of it");
    expect(await seqs({ q: "hello" })).toEqual([2, 1]);
    expect(await seqs({ q: "THERE" })).toEqual([1]);
    expect(await seqs({ q: "goodbye" })).toEqual([]);
  });

  test("all words must be in it, and the last may be a beginning of one", async () => {
    await put("red apple", "red pear", "green apples", "reddish apple");
    expect(await seqs({ q: "red app" })).toEqual([1]);
    expect(await seqs({ q: "red a" })).toEqual([1]);
    expect(await seqs({ q: "apple red" })).toEqual([4, 1]);
    expect(await seqs({ q: "apple" })).toEqual([4, 3, 1]);
    expect(await seqs({ q: "apple apple" })).toEqual([4, 1]);
    // Shorter than what the index keeps of a word.
    expect(await seqs({ q: "re" })).toEqual([4, 2, 1]);
  });

  test("an opening is not taken for the word that it looks like", async () => {
    await put("then they went", "the end");
    expect(await seqs({ words: ["the"] })).toEqual([2]);
    expect(await seqs({ beginnings: ["the"] })).toEqual([2, 1]);
  });

  test("scripts without spaces are found from within", async () => {
    await put("我在北京大学生活", "大阪へ行く", "สวัสดีครับ", "학교에서 만나");
    expect(await seqs({ q: "大学" })).toEqual([1]);
    expect(await seqs({ q: "大" })).toEqual([2, 1]);
    expect(await seqs({ q: "活" })).toEqual([1]);
    expect(await seqs({ q: "สวัส" })).toEqual([3]);
    expect(await seqs({ q: "학교 만나" })).toEqual([4]);
    expect(await seqs({ q: "大生" })).toEqual([]);
    const chats = [{ ...whole(), seqs: [{ from: 1, to: 4 }] }];
    expect(await seqs({ words: ["สวั"], beginnings: ["ว"], chats })).toEqual([]);
    expect(await seqs({ words: ["สวั"], beginnings: ["วั"], chats })).toEqual([3]);
  });

  test("what looks like a pattern or an operator is words", async () => {
    await put("a.*b [c] $ne {x}", "axxb", "cost $100");
    expect(await seqs({ q: "$ne" })).toEqual([1]);
    expect(await seqs({ q: "a.*b" })).toEqual([1]);
    expect(await seqs({ words: [".*"] })).toEqual([]);
    expect(await seqs({ beginnings: [".*x"] })).toEqual([]);
    expect(await seqs({ q: "100" })).toEqual([3]);
  });

  test("only the chats that are asked for, and in them only what may be seen", async () => {
    await put(...Array.from({ length: 9 }, () => "secret"));
    const other = uuid();
    await search.put([said(1, "secret", { chatId: other })]);
    const sees = (...ranges: [number, number][]) => ({
      ...whole(),
      seqs: ranges.map(([from, to]) => ({ from, to })),
    });
    expect(await seqs({ words: ["secret"], chats: [sees([2, 3], [6, 7])] })).toEqual([7, 6, 3, 2]);
    expect(await seqs({ beginnings: ["sec"], chats: [sees([9, 20])] })).toEqual([9]);
    expect(await seqs({ beginnings: ["s"], chats: [sees([4, 5])] })).toEqual([5, 4]);
    expect(await seqs({ words: ["secret"], chats: [sees()] })).toEqual([]);
    expect(await seqs({ words: ["secret"], chats: [] })).toEqual([]);
    expect((await find({ words: ["secret"], chats: [whole(other)] })).hits).toEqual([{ chatId: other, seq: 1, at: 10 }]);
  });

  test("by sender and by time, without the times themselves", async () => {
    await search.put(Array.from({ length: 6 }, (_, at) => said(at + 1, "word", { by: at % 2 ? "bob" : "ann" })));
    expect(await seqs({ q: "word", by: "bob" })).toEqual([6, 4, 2]);
    expect(await seqs({ q: "word", before: 40 })).toEqual([3, 2, 1]);
    expect(await seqs({ q: "word", after: 40 })).toEqual([6, 5]);
    expect(await seqs({ q: "word", after: 10, before: 50, by: "ann" })).toEqual([3]);
    expect(await seqs({ q: "w", before: 30 })).toEqual([2, 1]);
    expect(await seqs({ q: "word", before: 10 })).toEqual([]);
  });

  test("an edited message is found by what it says now, and an older form never comes back", async () => {
    await search.put([said(1, "first words")]);
    await search.put([said(1, "second words", { rev: 9 })]);
    expect(await seqs({ q: "first" })).toEqual([]);
    expect(await seqs({ q: "second" })).toEqual([1]);
    await search.put([said(1, "first words"), said(1, "middle", { rev: 5 })]);
    expect(await seqs({ q: "first" })).toEqual([]);
    expect(await seqs({ q: "middle" })).toEqual([]);
    expect(await seqs({ q: "second" })).toEqual([1]);
  });

  test("of a removed message no word is left, whatever comes late", async () => {
    await put("gone for good", "it stays");
    await search.remove([
      { chatId, seq: 1, rev: 7 },
      { chatId, seq: 3, rev: 8 },
    ]);
    await search.put([said(1, "gone for good"), said(3, "never indexed")]);
    expect(await seqs({ q: "gone" })).toEqual([]);
    expect(await seqs({ q: "never" })).toEqual([]);
    expect(await seqs({ q: "stays" })).toEqual([2]);
    // Nor by one that is removed again at an older rev.
    await search.remove([{ chatId, seq: 1, rev: 2 }]);
    await search.put([said(1, "gone for good", { rev: 6 }), said(3, "never indexed", { rev: 8 })]);
    expect(await seqs({ q: "gone" })).toEqual([]);
    expect(await seqs({ q: "never" })).toEqual([]);
  });

  test("of a removed chat nothing is left, whatever comes late", async () => {
    await search.put(Array.from({ length: 1203 }, (_, at) => said(at + 1, "word")));
    await search.removeChat(chatId);
    await search.removeChat(chatId);
    expect(await seqs({ q: "word" })).toEqual([]);
    await search.put([said(5, "word", { rev: 99 })]);
    expect(await seqs({ q: "word" })).toEqual([]);
    const neighbour = uuid();
    await search.put([said(1, "word", { chatId: neighbour })]);
    expect(await seqs({ q: "word", chats: [whole(neighbour)] })).toEqual([1]);
  });

  test("a chat that is reset is empty, and what is put then is found, also at lower revs", async () => {
    await search.put(Array.from({ length: 250 }, (_, at) => said(at + 1, "word before", { rev: 5000 + at })));
    await search.remove([{ chatId, seq: 3, rev: 9000 }]);
    const other = uuid();
    await search.put([said(1, "word", { chatId: other })]);
    await search.reset(chatId);
    expect(await seqs({ q: "before" })).toEqual([]);
    await put("word", "word", "word");
    expect(await seqs({ q: "word" })).toEqual([3, 2, 1]);
    expect((await find({ q: "word", chats: [whole(other)] })).hits).toHaveLength(1);
  });

  test("a chat that is removed while it is put into ends empty", async () => {
    const chats = Array.from({ length: 20 }, () => uuid());
    await Promise.all(
      chats.flatMap((chatId) => [
        search.put([said(1, "word", { chatId }), said(2, "word", { chatId })]),
        search.removeChat(chatId),
      ]),
    );
    expect((await find({ q: "word", chats: chats.map(whole) })).hits).toEqual([]);
  });

  test("many that put forms of one message at once leave the newest", async () => {
    const forms = Array.from({ length: 20 }, (_, rev) => said(1, `form${rev}`, { rev: rev + 1 }));
    await Promise.all(forms.map((form) => search.put([form])));
    expect(await seqs({ q: "form19" })).toEqual([1]);
    expect(await seqs({ q: "form" })).toEqual([1]);
    expect(await seqs({ words: ["form18"] })).toEqual([]);
  });

  const pages = async (query: Asked, between: () => Promise<void> = async () => {}) => {
    const all: Hit[] = [];
    let since: Hit | undefined;
    do {
      const { hits, next } = await find({ ...query, since });
      expect(hits.length).toBeLessThanOrEqual(query.limit ?? 100);
      all.push(...hits);
      since = next;
      await between();
    } while (since);
    return all;
  };

  test("pages have no hole and no repeat while more is said", async () => {
    const other = uuid();
    // In two chats, in turn, and some at the same time.
    const messages = Array.from({ length: 40 }, (_, at) =>
      said(Math.floor(at / 2) + 1, "word", { chatId: at % 2 ? other : chatId, at: 100 + Math.floor(at / 4) }),
    );
    await search.put(messages);
    const before = messages.map(({ chatId, seq, at }) => ({ chatId, seq, at })).sort((a, b) => (follows(a, b) ? 1 : -1));
    let seq = 20;
    const sayMore = () =>
      search.put([said(++seq, "word", { at: 1000 + seq }), said(seq, "word", { chatId: other, at: 1000 + seq })]);
    for (const limit of [1, 3, 7, 40, 100]) {
      const found = await pages({ q: "word", chats: [whole(), whole(other)], limit, before: 1000 }, sayMore);
      expect(found).toEqual(before);
    }
  });

  test("what many chats say at the same time comes once each, whatever the size of a page", async () => {
    const chats = Array.from({ length: 60 }, (_, at) => ({
      ...whole(uuid()),
      latest: 100 + (at % 3),
      seqs: [{ from: 1, to: 2 }],
    }));
    const messages = chats.flatMap(({ chatId, latest }) => [
      said(1, "word", { chatId, at: 100 }),
      said(2, "word", { chatId, at: latest }),
    ]);
    await search.put(messages);
    const all = messages.map(({ chatId, seq, at }) => ({ chatId, seq, at })).sort((a, b) => (follows(a, b) ? 1 : -1));
    for (const limit of [1, 2, 5, 19, 20, 120]) expect(await pages({ q: "word", chats, limit })).toEqual(all);
  });

  test("a long chat is read block by block, from its end or from a time within", async () => {
    const count = blockSize * 5 + 10;
    await search.put(Array.from({ length: count }, (_, at) => said(at + 1, at % 100 === 0 ? "rare common" : "common")));
    const rare = Array.from({ length: Math.ceil(count / 100) }, (_, at) => at * 100 + 1).reverse();
    const chats = [{ ...whole(), seqs: [{ from: 1, to: count }], latest: count * 10 }];
    expect(await seqs({ words: ["rare"], chats })).toEqual(rare);
    expect(await seqs({ words: ["rare", "common"], chats })).toEqual(rare);
    expect(await seqs({ words: ["rare"], chats, before: 5010 })).toEqual(rare.filter((seq) => seq < 501));
    expect((await pages({ words: ["common"], chats, limit: 90 })).map(({ seq }) => seq)).toEqual(
      Array.from({ length: count }, (_, at) => count - at),
    );
    const ends = [
      {
        ...chats[0]!,
        seqs: [
          { from: 3, to: 4 },
          { from: blockSize * 4 + 1, to: blockSize * 4 + 2 },
        ],
      },
    ];
    expect(await seqs({ words: ["common"], chats: ends })).toEqual([blockSize * 4 + 2, blockSize * 4 + 1, 4, 3]);
  });

  test("what is in one of very many messages is found, in steps if need be", async () => {
    const count = blockSize * 15;
    const ids = [chatId, uuid(), uuid()];
    const text = (id: string, seq: number) => (id === chatId && seq === 5 ? "both of them" : seq % 2 ? "both" : "them");
    // Where the work ends, it ends before a block; in one of the chats after it.
    const last = (seq: number) => (seq % blockSize === blockSize - 1 ? " edge" : "");
    for (const id of ids)
      await search.put(Array.from({ length: count }, (_, at) => said(at + 1, text(id, at + 1) + last(at + 1), { chatId: id })));
    const chats = ids.map((id) => ({ chatId: id, seqs: [{ from: 1, to: count }], latest: count * 10 }));
    let steps = 0;
    const found = await pages({ q: "both th", chats, limit: 5 }, async () => void steps++);
    expect(found.map(({ seq }) => seq)).toEqual([5]);
    expect(steps).toBeLessThan(5);
    const edges = Array.from({ length: 15 }, (_, at) => ((15 - at) * blockSize - 1) * 10);
    expect((await pages({ q: "ed", chats, limit: 100 })).map(({ at }) => at)).toEqual(edges.flatMap((at) => [at, at, at]));
    expect((await pages({ q: "of", chats, limit: 5 })).map(({ seq }) => seq)).toEqual([5]);
  });

  test("law: it finds what reading every text finds", async () => {
    const word = fc.constantFrom(
      "a",
      "ab",
      "abc",
      "abcd",
      "abce",
      "été",
      "ÉTÉ",
      "大学",
      "大",
      "学大学",
      "ı",
      "x.y",
      "ß",
      "สวัส",
      "ว",
      "한국",
      "😀",
    );
    const text = fc.array(word, { maxLength: 6 }).map((words) => words.join(" "));
    const chat = fc.record({
      texts: fc.array(fc.tuple(text, fc.constantFrom("ann", "bob"), fc.nat(2)), { maxLength: 12 }),
      ranges: fc.array(fc.tuple(fc.integer({ min: 1, max: 12 }), fc.nat(4)), { maxLength: 2 }),
      /** How far from the beginning of a block the chat has come. */
      offset: fc.constantFrom(0, blockSize - 3),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(chat, { minLength: 1, maxLength: 4 }),
        text,
        fc.record({ by: fc.constantFrom("ann", "bob"), before: fc.nat(20), after: fc.nat(20) }, { requiredKeys: [] }),
        fc.integer({ min: 1, max: 4 }),
        async (made, q, filters, limit) => {
          const wanted = readWanted(q);
          if (wanted.words.length + wanted.beginnings.length === 0) return;
          const chats = made.map(({ texts, ranges, offset }) => {
            const chatId = uuid();
            let at = 0;
            const messages = texts.map(([text, by, pause], past) =>
              said(offset + past + 1, text, { chatId, by, at: (at += pause) }),
            );
            let end = 0;
            const seen = ranges.flatMap(([skip, length]) => {
              const from = end + skip;
              end = from + length;
              return from <= offset + texts.length ? [{ from: offset + from, to: offset + end }] : [];
            });
            return { messages, searched: { chatId, seqs: seen, latest: at } };
          });
          const all = chats.flatMap(({ messages }) => messages);
          await search.put(all);
          const expected = chats
            .flatMap(({ messages, searched }) =>
              messages.filter(({ seq }) => searched.seqs.some(({ from, to }) => from <= seq && seq <= to)),
            )
            .filter(({ at, by }) => at < (filters.before ?? Infinity) && at > (filters.after ?? -1) && by === (filters.by ?? by))
            .filter(({ text }) => {
              const words = wordsOf(text).map(({ word }) => word);
              return (
                wanted.words.every((one) => words.includes(one)) &&
                wanted.beginnings.every((one) => words.some((word) => begins(word, one)))
              );
            })
            .map(({ chatId, seq, at }): Hit => ({ chatId, seq, at }))
            .sort((a, b) => (follows(a, b) ? 1 : -1));
          const found = await pages({ ...wanted, ...filters, limit, chats: chats.map(({ searched }) => searched) });
          expect(found).toEqual(expected);
        },
      ),
      { numRuns: 150 },
    );
  }, 60_000);
}
