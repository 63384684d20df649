import { isProblem } from "@confab/mixins/problem.ts";
import argon2 from "argon2";
import { checkPassword, Passwords } from "./passwords.ts";

const cost = { PASSWORD_MEMORY: 19_456, PASSWORD_PASSES: 2 };

test("they are hashed by argon2id at the cost that is set, and know their own", async () => {
  const passwords = new Passwords(cost);
  const hash = await passwords.hash("correct horse");
  expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,(p=1,t=2|t=2,p=1)\$/);
  expect(await passwords.matches(hash, "correct horse")).toBe(true);
  expect(await passwords.matches(hash, "correct horsf")).toBe(false);
  expect(await passwords.hash("correct horse")).not.toBe(hash);
});

test("all 128 characters count, of whatever script, however they are composed", async () => {
  const passwords = new Passwords(cost);
  const long = "ё".repeat(127);
  const hash = await passwords.hash(`${long}a`);
  expect(await passwords.matches(hash, `${long}b`)).toBe(false);
  expect(await passwords.matches(await passwords.hash("caf\u00e9 caf\u00e9"), "cafe\u0301 cafe\u0301")).toBe(true);
});

test("where there is no hash nothing matches, and that is worked for as much", async () => {
  const verify = jest.spyOn(argon2, "verify");
  const passwords = new Passwords(cost);
  expect(await passwords.matches(undefined, "nobody's")).toBe(false);
  expect(verify).toHaveBeenCalledTimes(1);
  verify.mockRestore();
});

test("a hash of a lower cost is outdated, one of a higher is not", async () => {
  const hash = await new Passwords(cost).hash("correct horse");
  expect(new Passwords(cost).isOutdated(hash)).toBe(false);
  expect(new Passwords({ ...cost, PASSWORD_PASSES: 3 }).isOutdated(hash)).toBe(true);
  expect(new Passwords({ ...cost, PASSWORD_MEMORY: 20_000 }).isOutdated(hash)).toBe(true);
  const dear = await new Passwords({ PASSWORD_MEMORY: 20_000, PASSWORD_PASSES: 3 }).hash("correct horse");
  expect(new Passwords(cost).isOutdated(dear)).toBe(false);
});

test("no more are hashed at once than cores, some wait, and who finds the line full is told to come again", async () => {
  const passwords = new Passwords(cost, 1);
  let inHand = 0;
  let most = 0;
  const verify = jest.spyOn(argon2, "verify").mockImplementation(async () => {
    most = Math.max(most, ++inHand);
    await new Promise((resolve) => setTimeout(resolve, 1));
    inHand--;
    return true;
  });
  const asked = await Promise.allSettled(Array.from({ length: 120 }, () => passwords.matches("$argon2id$", "x")));
  verify.mockRestore();
  const refused = asked.filter(({ status }) => status === "rejected");
  expect(most).toBe(1);
  expect(refused).toHaveLength(120 - 101);
  for (const { reason } of refused as PromiseRejectedResult[]) {
    expect(isProblem(reason, "unavailable")).toBe(true);
    expect(reason.data.retryAfter).toBeGreaterThan(0);
  }
});

test.each([
  ["password1", "too_common"],
  ["PASSWORD1", "too_common"],
  ["12345678", "too_common"],
  ["ann.lee@example.org", "is_email"],
  ["Ann.Lee@Example.org", "is_email"],
  ["ann.lee0", undefined],
  ["        ", undefined],
  ["correct horse battery staple", undefined],
])("%p is refused as %p", (password, code) => {
  const check = () => checkPassword(password, "ann.lee@example.org");
  if (!code) return expect(check).not.toThrow();
  expect(check).toThrow(
    expect.objectContaining({ type: "bad_input", data: { errors: [expect.objectContaining({ field: "password", code })] } }),
  );
});
