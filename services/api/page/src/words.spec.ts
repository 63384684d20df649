import { ApiProblem } from "@confab/sdk";
import { fieldWords, wordsFor } from "./words.ts";

const problem = (status: number, code: string, more: object = {}) =>
  new ApiProblem({ type: "", title: code, status, code, detail: code, requestId: "", ...more });
const bad = (field: string, code = "pattern") => ({ field, code, message: "is wrong" });

test("who has to wait is told how long", () => {
  expect(wordsFor(problem(429, "user.too_many_tries", { retryAfter: 90 }))).toMatch(/Wait 2 min\.$/);
  expect(wordsFor(problem(429, "user.too_many_codes"))).not.toContain("Wait");
});

test("what is wrong with a field stands there, if the form shows it", () => {
  const err = problem(422, "bad_input", { errors: [bad("email"), bad("password", "too_common")] });
  expect(fieldWords(err, ["email", "password", "name"])).toEqual({
    email: expect.stringContaining("e-mail address"),
    password: expect.stringContaining("commonest"),
  });
  // Else all of it is told beneath the form, so that nothing is lost.
  expect(fieldWords(err, ["email"])).toBeUndefined();
  expect(wordsFor(err)).toContain("e-mail address");
});

test("a wrong code is the code's fault; a wrong password may be the address's", () => {
  expect(fieldWords(problem(401, "user.wrong_code"), ["code", "totp"])).toHaveProperty("code");
  expect(fieldWords(problem(401, "user.wrong_totp"), ["code", "totp"])).toHaveProperty("totp");
  expect(fieldWords(problem(401, "user.wrong_credentials"), ["email", "password"])).toBeUndefined();
  expect(fieldWords(new Error("x"), ["email"])).toBeUndefined();
});
