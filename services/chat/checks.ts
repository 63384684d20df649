/* What a schema cannot say, because it is a setting or is measured in bytes. */
import { badField } from "@confab/mixins/problem.ts";

export function checkText(text: string, max: number): void {
  if (text.length > max && [...text].length > max)
    throw badField("text", "maxLength", `must not have more than ${max} characters`);
}

const wholeEmoji = /^\p{RGI_Emoji}$/v;
/** What asks for the picture of a character that can also be text, as in U+2764. */
const asPicture = "\uFE0F";

/** The one emoji, in the one form in which it is counted. */
export function checkEmoji(emoji: string): string {
  const found = [emoji, emoji + asPicture].find((form) => wholeEmoji.test(form));
  if (!found) throw badField("emoji", "emoji", "must be one emoji");
  return found;
}

/** Milliseconds since 1970. */
export function readTime(field: string, time: string): number {
  const read = Date.parse(time);
  // A leap second is a time by its form.
  if (Number.isNaN(read)) throw badField(field, "time", "is not a time");
  return read;
}
