import { hashCode, newCode } from "./codes.ts";
import { openKeys } from "./signing-key.ts";

const keys = openKeys({ DATA_DIR: "memory" });

test("a code has six digits, also where it begins with noughts", () => {
  const codes = Array.from({ length: 2000 }, newCode);
  expect(codes.filter((code) => !/^\d{6}$/.test(code))).toEqual([]);
  expect(codes.some((code) => code.startsWith("0"))).toBe(true);
  expect(new Set(codes).size).toBeGreaterThan(1900);
});

test("its hash is another one in another flow and under another key", () => {
  const hash = hashCode(keys, "flow", "123456");
  expect(hashCode(keys, "flow", "123456")).toBe(hash);
  expect(hashCode(keys, "other", "123456")).not.toBe(hash);
  expect(hashCode(keys, "flow", "123457")).not.toBe(hash);
  expect(hashCode(openKeys({ DATA_DIR: "memory" }), "flow", "123456")).not.toBe(hash);
});
