import { hash } from "node:crypto";
import { collection } from "@confab/mixins/store/collection.ts";
import { place } from "../store/documents.ts";
import { openingOf, wordsOf } from "./words.ts";

export { place };

/** What a message is found by; of one that was removed nothing but its place. */
export interface StoredWords {
  /** `chatId:seq`. */
  _id: string;
  chatId: string;
  seq: number;
  rev: number;
  by?: string;
  at?: number;
  /** Its words and their openings, each behind the scope of its block. */
  keys: string[];
}

export const messageWords = collection<StoredWords>("messageWords", [
  { name: "keys", fields: ["keys"], array: true, carries: "messages by their words, a block of a chat at a time" },
]);

/**
 * Messages of a chat that are neighbours share a scope, so many of them. One look at the index so finds so many at most,
 * however common a word is, and those of a chat are looked through from its end.
 */
export const blockSize = 256;
export const blockOf = (seq: number): number => Math.floor(seq / blockSize);

/** Short, since it stands before every word. Two blocks may share one, once in very many: whoever reads looks at the message's place too. */
const scopeLength = 9;
export const scopeOf = (chatId: string, block: number): string =>
  hash("sha256", place(chatId, block), "base64url").slice(0, scopeLength);

export const openingKey = (opening: string): string => `${opening}*`;

export function keysOf(chatId: string, seq: number, text: string): string[] {
  const keys = new Set<string>();
  for (const { word } of wordsOf(text)) {
    keys.add(word);
    const opening = openingOf(word);
    if (opening !== undefined) keys.add(openingKey(opening));
  }
  const scope = scopeOf(chatId, blockOf(seq));
  return [...keys].map((key) => scope + key);
}
