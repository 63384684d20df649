// Strings that databases, parsers and programs trip over, made from what a contract allows.

import { randomUUID } from "node:crypto";
import { compileSchema } from "@confab/mixins/validator.ts";
import fc from "fast-check";

type Schema = Record<string, unknown>;

/** Line ends of JavaScript, marks, noncharacters, directions, joiners, the last of Unicode, and what query languages and JSON use. */
const awkward = [
  ..."\u0000\u0001\b\t\n\r\u001f\u007f\u0085\u00a0\u00ad\u0300\u200b\u200d\u200e\u200f\u2028\u2029\u202e\u2066\u2069",
  ..."\ufdd0\ufe0f\ufeff\ufffc\ufffd\ufffe\uffff\u{1f600}\u{1fffe}\u{e0001}\u{10fffe}\u{10ffff}\ud7ff\ue000",
  ..."\"'\\/$.%&<>{}[]:;*?|_- `#",
];
const isScalar = (point: number) => point < 0xd800 || point > 0xdfff;
const anyPoint = fc
  .integer({ min: 0, max: 0x10ffff })
  .filter(isScalar)
  .map((point) => String.fromCodePoint(point));
const unit = fc.oneof(fc.constantFrom(...awkward), anyPoint, fc.constantFrom(..."abcXYZ019"));

/** Names that mean something to JavaScript, MongoDB or SQL. */
export const reserved = [
  ...["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "toJSON", "then", "length", "null", "undefined"],
  ...[
    "$where",
    "$set",
    "$oid",
    "$date",
    "a.b",
    ".",
    "..",
    "0",
    "-1",
    "_id",
    "_placeholder",
    "NaN",
    "true",
    "' or 1=1 --",
    "%s%n",
  ],
];

/** Any string of a schema, awkward ones and the longest among them. */
export function stringsOf(schema: Schema): fc.Arbitrary<string> {
  const { format, pattern } = schema as { format?: string; pattern?: string };
  if (format === "email") return fc.constant("").map(() => `ann.${randomUUID()}@example.test`);
  const check = compileSchema(schema);
  const isAllowed = (text: string) => check(text).length === 0;
  const most = Math.min(Number(schema["maxLength"] ?? 300), 2000);
  // A pattern that lists what it allows; the others say what they do not.
  const some = pattern?.startsWith("^[A")
    ? fc.stringMatching(new RegExp(pattern))
    : fc.string({ unit, minLength: 1, maxLength: 40 });
  const longest = fc.constantFrom("\u{10ffff}", "\u2028", "\u{1f600}", "\ufdfa", "x").map((one) => one.repeat(most));
  return fc
    .oneof(
      { arbitrary: some, weight: 6 },
      { arbitrary: fc.constantFrom(...reserved), weight: 2 },
      { arbitrary: longest, weight: 1 },
    )
    .filter(isAllowed);
}

/** The host's own JSON: awkward keys and values, the limits of numbers, nesting, up to the 8 KB that are allowed. */
export function dataOf(): fc.Arbitrary<Record<string, unknown>> {
  const text = fc.oneof(fc.string({ unit, maxLength: 20 }), fc.constantFrom(...reserved, "\u{10ffff}".repeat(200)));
  const number = fc.oneof(
    fc.constantFrom(0, 1e308, -1e308, 5e-324, 2 ** 53, -(2 ** 53), 0.1, 1e21, 123456789012345680000),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((one) => one + 0),
  );
  const leaf = fc.oneof(text, number, fc.boolean(), fc.constant(null));
  const value = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, depthSize: "small" },
      leaf,
      fc.array(tie("value"), { maxLength: 4 }),
      objectOf(text, tie("value")),
    ),
  })).value;
  const deep = fc.constant(nested(31)).map((inner) => ({ deep: inner }));
  const longKey = fc.constant({ ["\u{1f600}".repeat(2000)]: "\u0000" });
  return fc
    .oneof({ arbitrary: objectOf(text, value), weight: 8 }, { arbitrary: deep, weight: 1 }, { arbitrary: longKey, weight: 1 })
    .filter((data) => Buffer.byteLength(JSON.stringify(data)) <= 8192);
}

const nested = (levels: number): unknown =>
  levels === 0 ? "end" : levels % 2 ? [nested(levels - 1)] : { a: nested(levels - 1) };

/** An object with these as its own keys, `__proto__` too. */
function objectOf(key: fc.Arbitrary<string>, value: fc.Arbitrary<unknown>): fc.Arbitrary<Record<string, unknown>> {
  return fc
    .array(fc.tuple(key, value), { maxLength: 5 })
    .map((entries) => Object.fromEntries(entries) as Record<string, unknown>);
}

/** Every code point of Unicode once, in lots of so many. */
export function* allOfUnicode(atOnce: number): Generator<string> {
  let lot: number[] = [];
  for (let point = 0; point <= 0x10ffff; point++) {
    if (isScalar(point)) lot.push(point);
    if (lot.length < atOnce && point < 0x10ffff) continue;
    yield String.fromCodePoint(...lot);
    lot = [];
  }
}
