import type { Language } from "@confab/contracts";
import { de } from "./de.ts";
import { en } from "./en.ts";

/** What a language must have words for: all that English has. */
export type Words = typeof en;

export const words: Record<Language, Words> = { en, de };
