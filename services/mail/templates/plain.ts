/* What people wrote, made fit for a mail: no controls, no tricks of direction, no more of it than is sensible. */

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });
/** A family of four is eleven; what piles more marks on one character than this makes no sense to anybody. */
const unitsPerGrapheme = 12;

const controls = /[\p{Cc}\p{Zl}\p{Zp}]/gu;
/** They turn what stands after them, too: our own words and a line's other names. */
const directions = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const rightToLeft = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** The first so many characters, as people count them; one that is cut ends in `…`. */
export function cut(given: string, most: number): string {
  if (given.length <= most) return given;
  const mostUnits = most * unitsPerGrapheme;
  let [end, count] = [0, 0];
  // One unit more than may stay: a longer text is cut wherever its graphemes end.
  for (const { index, segment } of graphemes.segment(given.slice(0, mostUnits + 1))) {
    const next = index + segment.length;
    if (count === most || next > mostUnits) return `${given.slice(0, end).trimEnd()}…`;
    [end, count] = [next, count + 1];
  }
  return given;
}

/** On one line. */
export function line(given: string, most: number): string {
  return cut(given.toWellFormed().replace(controls, " ").replace(directions, "").replace(/\s+/g, " ").trim(), most);
}

/** A name or title that somebody chose, to stand among our words; `otherwise` where nothing of it can be read. */
export function name(given: string, otherwise: string, most = 60): string {
  const plain = unlinked(line(given, most) || otherwise);
  return rightToLeft.test(plain) ? `\u2068${plain}\u2069` : plain;
}

/** Mail programs make links of what looks like one: nobody's name is to be one in our mails. */
const unlinked = (given: string) => given.replace(/(?<=[\p{L}\p{N}])\.(?=[\p{L}\p{N}])|:(?=\/\/)/gu, "$&\u2060");

/** On several lines, as written, without great gaps. */
export function lines(given: string, { most, mostLines }: { most: number; mostLines: number }): string {
  const plain = given
    .toWellFormed()
    .replace(/\r\n?|[\u000b\u000c\u0085\u2028\u2029]/g, "\n")
    .replace(/[^\S\n]+/g, " ")
    .replace(/[^\P{Cc}\n]/gu, "")
    .replace(directions, "")
    .replace(/ ?\n ?/g, "\n")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
  const kept = cut(plain, most).split("\n");
  return kept.length > mostLines ? `${kept.slice(0, mostLines).join("\n").trimEnd()}…` : kept.join("\n");
}
