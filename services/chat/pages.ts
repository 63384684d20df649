/* Which messages a page has. Numbers are dense, so this is arithmetic, also where somebody may not see all of them. */

/** Seqs from one to another, both with it. */
export interface Range {
  from: number;
  to: number;
}

export interface PlaceInChat {
  before?: number;
  after?: number;
  around?: number;
}

/** What a page is made of, and whether there is more above and below it. */
export interface Page {
  ranges: Range[];
  above: boolean;
  below: boolean;
}

/** The page at a place of a chat of which one sees these ranges, ascending and apart; without a place the newest. */
export function pageAt(visible: readonly Range[], { before, after, around }: PlaceInChat, limit: number): Page {
  const total = countUpTo(visible, Infinity);
  let [start, end] = [0, total];
  if (after !== undefined) {
    start = countUpTo(visible, after);
    end = Math.min(total, start + limit);
  } else {
    if (around !== undefined) end = Math.min(total, countUpTo(visible, around) + Math.ceil(limit / 2));
    else if (before !== undefined) end = countUpTo(visible, before - 1);
    start = Math.max(0, end - limit);
  }
  return { ranges: slice(visible, start, end), above: start > 0, below: end < total };
}

/** How many one sees up to a seq. */
function countUpTo(visible: readonly Range[], seq: number): number {
  return visible.reduce((count, { from, to }) => count + Math.max(0, Math.min(to, seq) - from + 1), 0);
}

/** Those that one sees from the start-th, counted from 0, to before the end-th. */
function slice(visible: readonly Range[], start: number, end: number): Range[] {
  const ranges: Range[] = [];
  let passed = 0;
  for (const { from, to } of visible) {
    const first = Math.max(from, from + start - passed);
    const last = Math.min(to, from + end - passed - 1);
    if (first <= last) ranges.push({ from: first, to: last });
    passed += to - from + 1;
  }
  return ranges;
}
