import fc from "fast-check";
import { findIJsonFaults, isIJson, maxNesting } from "./i-json.ts";

const nested = (levels: number): unknown => (levels === 0 ? 1 : { a: nested(levels - 1) });
const text = fc.string({ unit: "binary" });

test("takes whatever JSON can say in Unicode, and nothing else", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5, stringUnit: "binary" }), (value) => {
      const sent = JSON.parse(JSON.stringify(value)) as unknown;
      expect(isIJson(sent)).toBe(JSON.stringify(sent).isWellFormed() && !/\\ud[89a-f]/.test(JSON.stringify(sent)));
      expect(findIJsonFaults(sent).length > 0).toBe(!isIJson(sent));
    }),
  );
  fc.assert(fc.property(text, text, (key, value) => isIJson({ [key]: [value] })));
});

test.each<[string, unknown, string, string]>([
  ["a value", { data: { a: [{ b: "\ud800" }] } }, "data.a.0.b", "malformed"],
  ["a key", { data: { "a\udc00": 1 } }, "data.a\ufffd", "malformed"],
  ["a pair in the wrong order", { text: "\udc00\ud800" }, "text", "malformed"],
  ["the value of __proto__", JSON.parse('{"data":{"__proto__":{"x":"\\ud800"}}}'), "data.__proto__.x", "malformed"],
  ["a number that became infinite", JSON.parse('{"data":{"n":1e999}}'), "data.n", "not_finite"],
  ["a binary attachment", { data: { file: Buffer.from("x") } }, "data.file", "type"],
  ["one level too many", { data: nested(maxNesting + 1) }, `data${".a".repeat(maxNesting)}`, "too_deep"],
])("names the field: %s", (_what, params, field, code) => {
  expect(isIJson(params)).toBe(false);
  expect(findIJsonFaults(params)).toEqual([{ field, code, message: expect.any(String) as string }]);
});

test("takes the deepest that is allowed, and the largest and smallest numbers", () => {
  expect(isIJson({ data: nested(maxNesting) })).toBe(true);
  expect(isIJson({ data: { n: [1e308, -0, 5e-324, Number.MAX_SAFE_INTEGER] } })).toBe(true);
});

test("the refusal of many faults under long keys is small and well formed", () => {
  const faults = findIJsonFaults({ data: { ["😀".repeat(8000)]: Array.from({ length: 5000 }, () => "\ud800") } });
  expect(faults).toHaveLength(50);
  expect(JSON.stringify(faults).length).toBeLessThan(50_000);
  expect(isIJson(faults)).toBe(true);
  const keys = Object.fromEntries(Array.from({ length: 5000 }, (_, at) => [`${at}\ud800`, 1]));
  expect(findIJsonFaults(keys)).toHaveLength(50);
});

test("is done with an input that is nested without end before the stack is", () => {
  const deep = JSON.parse(`{"data":${"[".repeat(30_000)}${"]".repeat(30_000)}}`) as unknown;
  expect(findIJsonFaults(deep)).toMatchObject([{ code: "too_deep" }]);
});
