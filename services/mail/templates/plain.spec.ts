import fc from "fast-check";
import { cut, line, lines, name } from "./plain.ts";

const family = "👨‍👩‍👧‍👦";
const count = (text: string) => [...new Intl.Segmenter("en", { granularity: "grapheme" }).segment(text)].length;

test("is cut between characters as people count them", () => {
  expect(cut("abc", 3)).toBe("abc");
  expect(cut("abcd", 3)).toBe("abc…");
  expect(cut("ab cd", 3)).toBe("ab…");
  expect(cut(family.repeat(3), 2)).toBe(`${family.repeat(2)}…`);
  expect(cut(family.repeat(2), 2)).toBe(family.repeat(2));
  expect(cut("e\u0301".repeat(5), 4)).toBe(`${"e\u0301".repeat(4)}…`);
  expect(cut(family.repeat(10_000), 60)).toBe(`${family.repeat(60)}…`);
});

test("what piles marks without end on a character is no character", () => {
  expect(cut(`a${"\u0301".repeat(100_000)}`, 60)).toBe("…");
  expect(cut(`ab${"\u0301".repeat(100_000)}`, 60)).toBe("a…");
});

test("is never longer than it may be, nor cut within a character", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 40 }), fc.integer({ min: 1, max: 20 }), (text, most) => {
      const kept = cut(text, most);
      expect(kept.length).toBeLessThanOrEqual(most * 12 + 1);
      if (kept === text) return;
      expect(kept.endsWith("…")).toBe(true);
      const head = kept.slice(0, -1);
      expect(text.startsWith(head)).toBe(true);
      expect(count(head)).toBeLessThanOrEqual(most);
      expect(count(text)).toBe(count(head) + count(text.slice(head.length)));
    }),
  );
});

test("is on one line, without anything that cannot be seen or that turns what stands after it", () => {
  expect(line(" a\r\n\u0000b\u0085\u2028\u202ec\ud800 ", 60)).toBe("a b c\ufffd");
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", maxLength: 40 }),
      (text) => !/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u.test(line(text, 60)),
    ),
  );
});

test("a name that is read from the right stands for itself, and one that nobody can read is replaced", () => {
  expect(name("Ann", "Somebody")).toBe("Ann");
  expect(name("דנה", "Somebody")).toBe("\u2068דנה\u2069");
  expect(name("\u2067\u2069\u202e \u0007", "Somebody")).toBe("Somebody");
});

test("a name is no link, though it reads as one", () => {
  const shown = name("https://evil.example/x J. R. at www.evil.example 1.5", "");
  expect(shown).not.toMatch(/https?:\/\/|evil\.example|www\.evil/);
  expect(shown.replaceAll("\u2060", "")).toBe("https://evil.example/x J. R. at www.evil.example 1.5");
  // Whichever way it is read.
  expect(name("https://evil.example/x דנה", "")).toBe("\u2068https:\u2060//evil.\u2060example/x דנה\u2069");
});

test("lines stay lines, so many of them", () => {
  const most = { most: 100, mostLines: 3 };
  expect(lines(" a \r\n\tb\u2028\n\n\n\nc\u0000\u202e ", most)).toBe("a\nb…");
  expect(lines("a\n\n\n\nb", most)).toBe("a\n\nb");
  expect(lines("x\n".repeat(8000), most)).toBe("x\nx\nx…");
  expect(lines("x".repeat(8000), most)).toBe(`${"x".repeat(100)}…`);
  expect(lines("a  b\n", most)).toBe("a b");
});
