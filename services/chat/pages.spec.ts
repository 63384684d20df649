import fc from "fast-check";
import { pageAt, type Range } from "./pages.ts";

const all = (lastSeq: number) => (lastSeq > 0 ? [{ from: 1, to: lastSeq }] : []);

test.each([
  ["the newest page", {}, 100, [{ from: 51, to: 100 }], true, false],
  ["above the newest page", { before: 51 }, 100, [{ from: 1, to: 50 }], false, true],
  ["above the first message", { before: 1 }, 100, [], false, true],
  ["below a message", { after: 10 }, 100, [{ from: 11, to: 60 }], true, true],
  ["below the newest message", { after: 100 }, 100, [], true, false],
  ["far below", { after: 5000 }, 100, [], true, false],
  ["around a message", { around: 60 }, 100, [{ from: 36, to: 85 }], true, true],
  ["around the first", { around: 1 }, 100, [{ from: 1, to: 26 }], false, true],
  ["around the newest", { around: 100 }, 100, [{ from: 51, to: 100 }], true, false],
  ["a chat without messages", {}, 0, [], false, false],
])("%s", (_name, place, lastSeq, ranges, above, below) => {
  expect(pageAt(all(lastSeq), place, 50)).toEqual({ ranges, above, below });
});

test("a page goes on over what one may not see", () => {
  const visible = [
    { from: 3, to: 5 },
    { from: 9, to: 10 },
  ];
  expect(pageAt(visible, {}, 4).ranges).toEqual([
    { from: 4, to: 5 },
    { from: 9, to: 10 },
  ]);
  expect(pageAt(visible, { after: 4 }, 2).ranges).toEqual([
    { from: 5, to: 5 },
    { from: 9, to: 9 },
  ]);
  expect(pageAt(visible, { before: 8 }, 10)).toEqual({ ranges: [{ from: 3, to: 5 }], above: false, below: true });
});

test("up or down, page by page: each that one may see once, and nothing else", () => {
  const seqsOf = (ranges: Range[]) =>
    ranges.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, at) => from + at));
  const someRanges = fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })), { maxLength: 5 });
  fc.assert(
    fc.property(someRanges, fc.integer({ min: 1, max: 7 }), (gaps, limit) => {
      let next = 0;
      const visible = gaps.map(([gap, length]) => ({ from: next + gap, to: (next += gap + length) - 1 }));
      const down: number[] = [];
      for (let after: number | null = 0; after !== null;) {
        const page = pageAt(visible, { after }, limit);
        down.push(...seqsOf(page.ranges));
        after = page.below ? down.at(-1)! : null;
      }
      expect(down).toEqual(seqsOf(visible));
      const up: number[] = [];
      for (let before: number | null = 1000; before !== null;) {
        const page = pageAt(visible, { before }, limit);
        up.unshift(...seqsOf(page.ranges));
        before = page.above ? up[0]! : null;
      }
      expect(up).toEqual(down);
    }),
  );
});
