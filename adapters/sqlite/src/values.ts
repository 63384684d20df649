import type { SqlValue } from "./schema.ts";

const uuidForm = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
/** Marks a packed UUID. No UTF-8 text contains this byte. */
const mark = 0xff;
const uuidBytes = 16;

/** What is neither number nor text is a blob of one byte, so that NULL means a missing field and nothing else. */
const marks = { no: Uint8Array.of(0), yes: Uint8Array.of(1), null: Uint8Array.of(2), other: Uint8Array.of(3) };

/** The value of a column. Of an array or object it only says that it is there. */
export function encodeValue(value: unknown): SqlValue {
  switch (typeof value) {
    case "string":
      return requireWellFormed(value);
    case "number":
      // SQLite stores small integers in one to eight bytes, floats always in eight.
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? BigInt(value) : value;
    case "boolean":
      return value ? marks.yes : marks.no;
    case "undefined":
      return null;
    default:
      return value === null ? marks.null : marks.other;
  }
}

/** The inverse of `encodeValue`; undefined where the document itself has the value. */
export function decodeValue(value: SqlValue): unknown {
  if (typeof value === "bigint") return Number(value);
  if (typeof value !== "object" || value === null) return value ?? undefined;
  return value[0]! > 1 ? undefined : value[0] === 1;
}

/** SQLite stores text as UTF-8, in which a lone surrogate would come back as another character. */
export function requireWellFormed(text: string): string {
  if (!text.isWellFormed()) throw new TypeError("an indexed string contains a lone surrogate");
  return text;
}

/** Replaces each UUID of a text by 17 bytes. `unpack` is the inverse. */
export function pack(text: string): Uint8Array {
  requireWellFormed(text);
  const packed = Buffer.allocUnsafe(text.length * 3);
  let [end, from] = [0, 0];
  for (const { 0: uuid, index } of text.matchAll(uuidForm)) {
    if (index > from) end += packed.write(text.slice(from, index), end);
    packed[end] = mark;
    end += 1 + packed.write(uuid.replaceAll("-", ""), end + 1, "hex");
    from = index + uuid.length;
  }
  if (from < text.length) end += packed.write(text.slice(from), end);
  return packed.subarray(0, end);
}

export function unpack(packed: Uint8Array): string {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  let text = "";
  for (let from = 0; from < bytes.length;) {
    const at = bytes.indexOf(mark, from);
    if (at !== from) text += bytes.toString("utf8", from, at === -1 ? bytes.length : at);
    if (at === -1) break;
    const hex = bytes.toString("hex", at + 1, at + 1 + uuidBytes);
    text += `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
    from = at + 1 + uuidBytes;
  }
  return text;
}

const digits = 12;
const numberedForm = /^(.*):(\d{12})$/s;

/** `of:number`, which sorts as the number does. */
export const joinNumbered = (of: string, number: number): string => `${of}:${String(number).padStart(digits, "0")}`;

/** The parts of a numbered string, or undefined for another string. */
export function splitNumbered(text: string): { of: string; number: number } | undefined {
  const found = numberedForm.exec(text);
  return found ? { of: found[1]!, number: Number(found[2]) } : undefined;
}
