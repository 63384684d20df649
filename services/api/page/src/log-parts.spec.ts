import type { Entry } from "@confab/contracts";
import { addEntries, firstGap, noParts } from "./log-parts.ts";

const entry = (rev: number, type = "member.added") => ({ rev, type }) as Entry;

test("parts that meet become one; what lies between them is a gap", () => {
  const parts = addEntries(addEntries(noParts, 0, 10, []), 20, 30, []);
  expect(firstGap(parts, 0, 10)).toBeUndefined();
  expect(firstGap(parts, 5, 40)).toEqual({ from: 10, to: 20 });
  expect(firstGap(parts, 25, 40)).toEqual({ from: 30, to: 40 });
  expect(firstGap(parts, 12, 18)).toEqual({ from: 12, to: 18 });
  expect(addEntries(parts, 10, 20, []).read).toEqual([{ from: 0, to: 30 }]);
});

test("of the entries only those that are shown are kept, once and by their place", () => {
  const parts = addEntries(addEntries(noParts, 4, 6, [entry(5), entry(6, "message.sent")]), 0, 5, [entry(2), entry(5)]);
  expect(parts.lines.map(({ rev }) => rev)).toEqual([2, 5]);
  expect(addEntries(parts, 6, 7, [entry(7, "reaction.added")]).lines).toBe(parts.lines);
});
