/* Words as tokens of the full-text index. A token must pass FTS5's `ascii` tokenizer as one piece. */
import { distinctWords, unspacedStart } from "../words.ts";

/** `tokenchars` of the tokenizer: `-` separates the parts of a token, `_` encloses an escaped character. */
export const tokenCharacters = "-_";

/** Bytes from 0x80 on are token characters; of ASCII only what a folded word consists of. */
const special = /[^a-z0-9\u0080-\u{10FFFF}]/gu;

const plain = /^[a-z0-9]+$/;

const escape = (part: string): string => part.replace(special, (character) => `_${character.codePointAt(0)!.toString(16)}_`);

/** In scripts without spaces the first character is marked off, because only whole characters count as a beginning there. */
export function tokenOf(word: string): string {
  if (plain.test(word)) return word;
  const first = unspacedStart(word);
  return first === undefined ? escape(word) : `${escape(first)}-${escape(word.slice(first.length))}`;
}

/** What a message must contain: a token, or with `isPrefix` a token that starts with it. */
export interface WantedToken {
  token: string;
  isPrefix: boolean;
}

/** The counterpart of `begins` in words.ts. */
export function tokenOfBeginning(beginning: string): WantedToken {
  const first = unspacedStart(beginning);
  if (first === undefined) return { token: escape(beginning), isPrefix: true };
  return first === beginning ? { token: `${escape(first)}-`, isPrefix: true } : { token: tokenOf(beginning), isPrefix: false };
}

/** The different tokens of a text, separated by spaces; empty if it has no word. */
export const tokensOf = (text: string): string => [...new Set([...distinctWords(text)].map(tokenOf))].join(" ");

export function hasToken(tokens: string, { token, isPrefix }: WantedToken): boolean {
  for (let at = tokens.indexOf(token); at >= 0; at = tokens.indexOf(token, at + 1)) {
    const end = at + token.length;
    if ((at === 0 || tokens[at - 1] === " ") && (isPrefix || end === tokens.length || tokens[end] === " ")) return true;
  }
  return false;
}
