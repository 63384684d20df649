import fc from "fast-check";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { begins, distinctWords, foldWord, marksOf, maxKeyBytes, maxKeys, openingOf, readWanted, wordsOf } from "./words.ts";

const words = (text: string) => wordsOf(text).map(({ word }) => word);
const finds = (q: string, text: string) => marksOf(readWanted(q), text)?.map(({ start, end }) => text.slice(start, end));

test.each([
  ["case", "Hello WORLD", "hello world"],
  ["accents", "Crème brûlée, Ångström", "creme brulee angstrom"],
  ["accents apart from their letters", "Cre\u0300me", "creme"],
  ["strokes", "Łódź Ærø Đà Nẵng œuvre þing", "lodz aero da nang oeuvre thing"],
  ["sharp s", "Straße STRASSE GROẞ", "strasse strasse gross"],
  ["Turkish, of either i", "İstanbul ISI ısı diyarbakır", "istanbul isi isi diyarbakir"],
  ["ligatures and width", "ﬁn Ｆｕｌｌ ｗｉｄｔｈ", "fin full width"],
  ["Greek with its final sigma", "ΟΔΟΣ όδος Ὀδυσσεύς", "οδοσ οδοσ οδυσσευσ"],
  ["Cyrillic", "Ёлка ЕЛКА україна", "елка елка украіна"],
  ["Arabic with and without vowels", "قُرْآن قران أحمد احـــمد", "قران قران احمد احمد"],
  ["Hebrew with and without points", "שָׁלוֹם שלום", "שלום שלום"],
  ["Hindi, whose vowels are marks", "हिन्दी की किताब", "हिन्दी की किताब"],
  ["Persian with a joiner", "می\u200cخواهم", "میخواهم"],
  ["Thai, in pairs of characters with their marks", "ที่นี่", "ที่นี่ นี่"],
  ["Chinese, in pairs", "北京大学", "北京 京大 大学 学"],
  ["Japanese", "データを見る", "デー ータ タを を見 見る る"],
  ["narrow kana", "ｶﾞｷ", "ガキ キ"],
  ["Korean", "학교에", "학교 교에 에"],
  ["Korean in its parts", "학교".normalize("NFD"), "학교 교"],
  ["scripts next to each other", "iPhone手机abc", "iphone 手机 机 abc"],
  ["apostrophes of all kinds", "don't don’t donʼt l'été", "don t don t don t l ete"],
  ["dots and lines", "ann@example.org read_file 3.14 a-b", "ann example org read file 3 14 a b"],
  ["emoji alone", "😀 👍🏽 👨‍👩‍👧 ℹ️ 1️⃣ 🇩🇪", ""],
  ["half a surrogate pair", "\uD83Dabc\uDE00 d", "abc d"],
  ["a letter beyond the first plane", "𐐀𐐁 𠮷野", "𐐨𐐩 𠮷野 野"],
  ["soft hyphens", "auto\u00ADmatic", "automatic"],
  ["nothing", " \n.,!", ""],
])("%s", (_what, text, expected) => {
  expect(words(text).join(" ")).toBe(expected);
});

test("a character that is a phrase when folded stands where it stood", () => {
  expect(wordsOf("½ ﷺ")).toMatchObject([
    { word: "1", start: 0, end: 1 },
    { word: "2", start: 0, end: 1 },
    ...["صلى", "الله", "عليه", "وسلم"].map((word) => ({ word, start: 2, end: 3 })),
  ]);
});

test("a long word is found by its first 64 units, never by half a character", () => {
  expect(words("x".repeat(200))).toEqual(["x".repeat(64)]);
  expect(words(`y${"𐐨".repeat(100)}`)).toEqual([`y${"𐐨".repeat(31)}`]);
  expect(finds("x".repeat(150), `a ${"x".repeat(200)}`)).toEqual(["x".repeat(200)]);
});

describe("what a text can add to an index is bounded", () => {
  const keysIn = (text: string) => {
    const different = new Set(words(text));
    return [...different, ...new Set([...different].flatMap((word) => openingOf(word) ?? []))];
  };
  const bytes = (keys: string[]) => keys.reduce((sum, key) => sum + Buffer.byteLength(key), 0);
  const seed = Math.floor(Math.random() * 2 ** 31);
  let state = seed || 1;
  const random = (count: number) => (state = (state * 48_271) % 2_147_483_647) % count;
  const made = (length: number, letters: string) =>
    Array.from({ length }, () => [...letters][random([...letters].length)]).join("");
  const many = (length: number, letters: string) =>
    Array.from({ length: Math.ceil(8000 / (length + 1)) }, () => made(length, letters))
      .join(" ")
      .slice(0, 8000);
  const block = (from: number, count: number) =>
    Array.from({ length: count }, (_, at) => String.fromCharCode(from + at)).join("");

  test.each([
    ["short words", many(4, "abcdefghijklmnopqrstuvwxyz")],
    ["words of seven letters", many(7, "abcdefghijklmnopqrstuvwxyz")],
    ["the longest words, of three bytes a letter", many(64, block(0x905, 50))],
    ["Chinese without sense", made(8000, block(0x4e00, 2000))],
    ["Korean without sense", made(8000, block(0xac00, 2000))],
    ["letters that are words when folded", many(16, block(0xfdf2, 7))],
  ])("%s", (_what, text) => {
    const keys = keysIn(text);
    expect([seed, keys.length <= maxKeys, bytes(keys) <= maxKeyBytes]).toEqual([seed, true, true]);
    expect(keys.length === maxKeys || keys.length === maxKeys - 1 || bytes(keys) > maxKeyBytes - 300).toBe(true);
  });

  test("the longest message is found by all its words if it is prose", () => {
    const folder = join(__dirname, "../../../docs");
    const prose = readdirSync(folder)
      .filter((name) => name.endsWith(".md"))
      .map((name) => readFileSync(join(folder, name), "utf8"));
    const parts = prose.join("\n").match(/[^]{8000}/g)!;
    expect(parts.length).toBeGreaterThan(5);
    for (const part of parts) expect(new Set(words(part))).toEqual(new Set(part.split("\n").flatMap(words)));
  });

  test("words after the first that does not fit are not found, the others are marked wherever they stand", () => {
    const text = `${Array.from({ length: 2000 }, (_, at) => `w${at}`).join(" ")} w0`;
    expect(keysIn(text)).toHaveLength(maxKeys);
    expect(finds("w0 w1300", text)).toEqual(["w0", "w1300", "w0"]);
    expect(finds("w1500 w0", text)).toBeUndefined();
  });

  test("the different words of a text are the same as its words", () => {
    for (const text of ["One two ONE", "Größe größe", "x".repeat(70), many(3, "ab"), many(7, "abcdefgh")])
      expect([...distinctWords(text)]).toEqual([...new Set(words(text))]);
  });
});

test.each([
  ["hello wor", { words: ["hello"], beginnings: ["wor"] }],
  ["  Hello  ", { words: [], beginnings: ["hello"] }],
  ["大学", { words: ["大学"], beginnings: [] }],
  ["学 hello", { words: [], beginnings: ["学", "hello"] }],
  ["hello 学", { words: ["hello"], beginnings: ["学"] }],
  ["hello 大学", { words: ["hello", "大学"], beginnings: [] }],
  ["don't", { words: ["don"], beginnings: ["t"] }],
  [".*", { words: [], beginnings: [] }],
  ["👍", { words: [], beginnings: [] }],
])("%s looks for", (q, wanted) => {
  expect(readWanted(q)).toEqual(wanted);
});

test.each([
  ["world hell", "Hello, wide World!", ["Hello", "World"]],
  ["cafe", "Le Café noir, la cafétéria", ["Café", "cafétéria"]],
  ["大", "大阪の大学", ["大", "大"]],
  ["京大学", "我在北京大学生活", ["京大学"]],
  ["strasse", "Hauptstraße", undefined],
  ["strasse", "an der Straße", ["Straße"]],
  ["สวัส", "สวัสดีครับ", ["สวัส"]],
  // A character with a mark that makes another sound of it is another one.
  ["ก", "ก่า", undefined],
  ["t", "donʼt", ["t"]],
  ["hello you", "hello there", undefined],
  ["1", "½ and 10", ["½", "10"]],
])("%s in %s", (q, text, marked) => {
  expect(finds(q, text)).toEqual(marked);
});

const anyText = fc
  .array(
    fc.oneof(fc.string({ unit: "binary", maxLength: 8 }), fc.constantFrom("été", "大学", "สวัส", " ", "한국", "ǅ", "ΐ", "ŉ", "ß")),
  )
  .map((parts) => parts.join(""));

test("law: plain text has the same words with and without something else beside it", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary-ascii", maxLength: 60 }), (text) => {
      const beside = wordsOf(`${text} ü`);
      expect(beside.slice(0, -1)).toEqual(wordsOf(text));
    }),
  );
});

test("a character that becomes two when it is folded is found alone", () => {
  expect(marksOf(readWanted("\u0E33"), "\u0E33")).toEqual([{ start: 0, end: 1 }]);
});

test("law: a text is found by every word of it, and by its beginning, and the marks stand where they are", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      for (const { word, start, end } of wordsOf(text)) {
        expect(foldWord(word)).toBe(word);
        expect(text.slice(start, end)).not.toBe("");
        const opening = openingOf(word);
        if (opening !== undefined) expect(begins(word, opening)).toBe(true);
        const marks = marksOf({ words: [word], beginnings: [] }, text)!;
        expect(marks.some((mark) => mark.start <= start && end <= mark.end)).toBe(true);
      }
      if (wordsOf(text).length > 0) expect(marksOf(readWanted(text), text)).toBeDefined();
    }),
  );
});

test("law: marks are ascending and apart", () => {
  fc.assert(
    fc.property(anyText, anyText, (q, text) => {
      const marks = marksOf(readWanted(q), `${text} ${q} ${text}`) ?? [];
      for (const [at, { start, end }] of marks.entries()) {
        expect(start).toBeLessThan(end);
        expect(start).toBeGreaterThan(marks[at - 1]?.end ?? -1);
      }
    }),
  );
});

test("law: no word goes across a boundary of Unicode's, where words have spaces", () => {
  const segmenter = new Intl.Segmenter("en", { granularity: "word" });
  const spaced = fc
    .array(fc.constantFrom("é", "a", "Ж", "ע", "1", "'", ".", "_", "-", " ", ",", "’", ":", "ß", "\u0301", "ا"), {
      maxLength: 20,
    })
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(spaced, (text) => {
      const segments = [...segmenter.segment(text)].map(({ index, segment }) => [index, index + segment.length] as const);
      for (const { start, end } of wordsOf(text)) expect(segments.some(([from, to]) => from <= start && end <= to)).toBe(true);
    }),
  );
});
