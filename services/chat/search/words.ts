/* What a text is found by. Pure, and the same in every version of Node: words that are stored are looked for years later. */

/** A word as it is compared, and where it stands in the text, in UTF-16 units; `end` is exclusive. */
export interface Word {
  word: string;
  start: number;
  end: number;
  /** Of a pair: where its first character ends. */
  firstEnd?: number;
}

/** What is looked for: all of these words, and for each of the beginnings a word that begins so. */
export interface Wanted {
  words: string[];
  beginnings: string[];
}

export interface Mark {
  start: number;
  end: number;
}

/** A longer word is found by so much of it. */
const maxLength = 64;
/**
 * What one text can add to an index. Its words and their openings are the keys; words after the first that does not fit are
 * not found. 8,000 characters of English prose make about 900 keys of 5 kB.
 */
export const maxKeys = 1500;
export const maxKeyBytes = 16_000;

/**
 * Scripts that put no space between words, and Korean, which hangs endings on them. Where a word ends in them, only a
 * dictionary knows, and each version of it knows something else. So they are found by their pairs of characters.
 */
const unspacedScripts = ["scx=Hani", "scx=Hira", "scx=Kana", "scx=Bopo", "sc=Hang", "sc=Yiii"].concat(
  ["Thai", "Laoo", "Khmr", "Mymr", "Tale", "Talu", "Lana", "Tavt", "Ahom"].map((script) => `sc=${script}`),
);
const unspaced = `[[${unspacedScripts.map((script) => `\\p{${script}}`).join("")}]&&[\\p{L}\\p{M}\\p{N}]]`;
/** Letters and digits, but for what is written as an apostrophe. */
const letter = "[[\\p{L}\\p{N}]--[\\u02B9-\\u02BF]]";
/** What belongs to the character before: marks, joiners, soft hyphens, variation selectors. */
const attached = "\\p{M}\\p{Default_Ignorable_Code_Point}";
/** A letter that is shown as a picture (U+FE0F) is none. */
const runOf = (letter: string) => `${letter}(?!\\uFE0F)[${letter}${attached}]*`;
const anyRun = new RegExp(`(${unspaced}[${unspaced}${attached}]*)|${runOf(`[${letter}--${unspaced}]`)}`, "gv");
/** The same for a text in which no script is without spaces: those are dear to tell apart. */
const spacedRun = new RegExp(`()${runOf(letter)}`, "gv");
const hasUnspaced = new RegExp(unspaced, "v");
const wordCharacters = /[[\p{L}\p{N}\p{M}]--[\u02B9-\u02BF]]+/gv;
const beginsUnspaced = new RegExp(`^${unspaced}`, "v");
/** A syllable of Korean in its parts, or a character with what belongs to it; U+FF9E and U+FF9F are the narrow voicing of kana. */
const characters =
  /[\u1100-\u115F\uA960-\uA97C]+[\u1160-\u11A7\uD7B0-\uD7C6]*[\u11A8-\u11FF\uD7CB-\uD7FB]*|.[\p{M}\p{Default_Ignorable_Code_Point}\uFF9E\uFF9F]*/gsv;

const ascii = /^[\0-\x7F]*$/;
const asciiWords = /[A-Za-z0-9]+/g;

/**
 * Accents and points: the marks that go with any script, and the vowels that Hebrew, Arabic and Syriac may leave out. Not
 * the vowels of Indic scripts and Thai, without which there is another word, nor the voicing of kana.
 */
const accents =
  /[[\p{sc=Inherited}&&\p{M}]--[\u3099\u309A]]|[[\p{sc=Hebr}\p{sc=Arab}\p{sc=Syrc}]&&\p{M}]|\p{Default_Ignorable_Code_Point}|\u0640/gv;
/** Letters that are others with a stroke or a tail, and so have no accent that could be taken off. */
const strokes: Record<string, string> = { ø: "o", ł: "l", đ: "d", ħ: "h", ŧ: "t", ð: "d", æ: "ae", œ: "oe", þ: "th", ς: "σ" };
const stroked = new RegExp(`[${Object.keys(strokes).join("")}]`, "g");

/** A word without case, accents and width. */
export function foldWord(word: string): string {
  if (ascii.test(word)) return word.toLowerCase();
  const plain = word.normalize("NFKD").replace(accents, "");
  // There and back: ß has no case of its own to be lowered, and the dotless i of Turkish has its upper case in common with i.
  const folded = plain.toLowerCase().toUpperCase().toLowerCase();
  return folded.replace(stroked, (letter) => strokes[letter]!).normalize("NFC");
}

/** The words of a text in the order in which they stand there; pairs of characters overlap. */
export function wordsOf(text: string): Word[] {
  const found: Word[] = [];
  const keys = new Keys();
  for (const run of runsOf(text))
    for (const word of run.unspaced ? pairsOf(run.words) : run.words) if (keys.add(word.word)) found.push(word);
  return found;
}

/** The keys of one text, up to the bound. */
class Keys {
  readonly #words = new Set<string>();
  #units = 0;
  /** Counted only in long texts, since it takes as long as finding the words. */
  #openings: Set<string> | undefined;
  #bytes = 0;
  #isFull = false;

  /** Whether the word is one of those that the text is found by. */
  add(word: string): boolean {
    if (this.#words.has(word)) return true;
    if (this.#isFull) return false;
    this.#units += word.length;
    // A word adds two keys at most, none longer than itself, of three bytes a unit.
    const mayNotFit = this.#openings !== undefined || 2 * (this.#words.size + 1) > maxKeys || 6 * this.#units > maxKeyBytes;
    if (mayNotFit && !this.#fits(word)) {
      this.#isFull = true;
      return false;
    }
    this.#words.add(word);
    return true;
  }

  #fits(word: string): boolean {
    if (!this.#openings) {
      this.#openings = new Set();
      for (const known of this.#words) this.#count(known, this.#openings);
    }
    this.#count(word, this.#openings);
    return this.#words.size + 1 + this.#openings.size <= maxKeys && this.#bytes <= maxKeyBytes;
  }

  #count(word: string, openings: Set<string>): void {
    this.#bytes += Buffer.byteLength(word);
    const opening = openingOf(word);
    if (opening === undefined || openings.has(opening)) return;
    openings.add(opening);
    this.#bytes += Buffer.byteLength(opening);
  }
}

/** The different words of a text. */
export function distinctWords(text: string): Iterable<string> {
  // Most texts are ASCII, and too short to reach the bound: these take half the time.
  if (ascii.test(text) && text.length <= maxKeys / 2) return new Set((text.toLowerCase().match(asciiWords) ?? []).map(cut));
  return new Set(wordsOf(text).map(({ word }) => word));
}

/** What a search is for. The last word may be the beginning of one. */
export function readWanted(q: string): Wanted {
  const words = new Set<string>();
  const beginnings = new Set<string>();
  const all = [...runsOf(q)].filter((run) => run.words.length > 0);
  for (const run of all) {
    const last = run.words.at(-1)!.word;
    // A character alone is the first of any pair that begins with it.
    if (run.unspaced && run.words.length === 1) beginnings.add(last);
    else if (run.unspaced) for (const pair of pairsOf(run.words).slice(0, -1)) words.add(pair.word);
    else for (const { word } of run === all.at(-1) ? run.words.slice(0, -1) : run.words) words.add(word);
    if (run === all.at(-1) && !run.unspaced) beginnings.add(last);
  }
  return { words: [...words], beginnings: [...beginnings] };
}

/** What a word is kept under for whoever knows only its beginning; of words of spaced scripts, where they have that many characters. */
const openingLength = 3;

/** The beginning by which an index can find the word, or what begins as the beginning does; nothing where that is too short. */
export function openingOf(word: string): string | undefined {
  if (ascii.test(word)) return word.length < openingLength ? undefined : word.slice(0, openingLength);
  if (beginsUnspaced.test(word)) return firstCharacter(word);
  const letters = [...word];
  return letters.length < openingLength ? undefined : letters.slice(0, openingLength).join("");
}

/** The first character of a word in a script without spaces; undefined for other words. */
export const unspacedStart = (word: string): string | undefined =>
  !ascii.test(word) && beginsUnspaced.test(word) ? firstCharacter(word) : undefined;

/** Whether a word begins so. In scripts without spaces it is whole characters that begin it. */
export const begins = (word: string, beginning: string): boolean =>
  word === beginning || (word.startsWith(beginning) && (!beginsUnspaced.test(beginning) || firstCharacter(word) === beginning));

/** Where what is wanted stands in a text, ascending and apart; nothing where not all of it is there. */
export function marksOf({ words, beginnings }: Wanted, text: string): Mark[] | undefined {
  const missing = new Set([...words, ...beginnings.map((beginning) => `${beginning}*`)]);
  const marks: Mark[] = [];
  for (const { word, start, end, firstEnd } of wordsOf(text)) {
    const beginning = beginnings.find((one) => begins(word, one));
    if (words.includes(word)) marks.push({ start, end });
    else if (beginning !== undefined) marks.push({ start, end: beginsUnspaced.test(beginning) ? (firstEnd ?? end) : end });
    missing.delete(word);
    for (const one of beginnings) if (begins(word, one)) missing.delete(`${one}*`);
  }
  return missing.size > 0 ? undefined : merge(marks);
}

/** Those that overlap or touch are one. */
function merge(marks: readonly Mark[]): Mark[] {
  const merged: Mark[] = [];
  for (const { start, end } of marks.toSorted((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last && start <= last.end) last.end = Math.max(last.end, end);
    else merged.push({ start, end });
  }
  return merged;
}

interface Run {
  /** Whether `words` are the characters of a script without spaces. */
  unspaced: boolean;
  words: Word[];
}

function* runsOf(text: string): Generator<Run> {
  // Most text of most people, at a third of the price.
  if (ascii.test(text)) {
    const words: Word[] = [];
    const lower = text.toLowerCase();
    for (const { 0: word, index } of lower.matchAll(asciiWords))
      words.push({ word: word.length > maxLength ? word.slice(0, maxLength) : word, start: index, end: index + word.length });
    yield { unspaced: false, words };
    return;
  }
  for (const { 0: run, 1: unspaced, index } of text.matchAll(hasUnspaced.test(text) ? anyRun : spacedRun)) {
    if (unspaced) yield { unspaced: true, words: charactersOf(run, index) };
    else yield { unspaced: false, words: piecesOf(run, index) };
  }
}

function charactersOf(run: string, at: number): Word[] {
  return [...run.matchAll(characters)]
    .map(({ 0: character, index }) => ({
      word: cut(foldWord(character)),
      start: at + index,
      end: at + index + character.length,
    }))
    .filter(({ word }) => word !== "");
}

/** A character may be many when folded, also words with spaces between. */
const piecesOf = (run: string, start: number): Word[] =>
  (foldWord(run).match(wordCharacters) ?? []).map((word) => ({ word: cut(word), start, end: start + run.length }));

/** Each character with the one after it, and the last alone. */
const pairsOf = (characters: readonly Word[]): Word[] =>
  characters.map((first, at) => {
    const next = characters[at + 1];
    return next ? { word: first.word + next.word, start: first.start, end: next.end, firstEnd: first.end } : first;
  });

const firstCharacter = (word: string): string => word.match(characters)![0];

function cut(word: string): string {
  return word.length <= maxLength ? word : word.slice(0, maxLength).replace(/[\uD800-\uDBFF]$/, "");
}
