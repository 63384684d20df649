import { Errors } from "moleculer";
import { badField, presentProblem, problem, toProblem } from "./problem.ts";
import { Conflict, Unavailable } from "./store/collection.ts";

test.each([
  ["a problem as it is", problem("user.not_found"), "user.not_found"],
  ["an absent service", new Errors.ServiceNotFoundError({ action: "mail.job.accept" }), "unavailable"],
  ["a silent service", new Errors.RequestTimeoutError({ action: "mail.job.accept" }), "unavailable"],
  ["a silent database", new Unavailable(new Error("no answer")), "unavailable"],
  ["a silent database of another node", Object.assign(new Error("no answer"), { name: "Unavailable" }), "unavailable"],
  ["what nobody expected", new Conflict("email"), "internal"],
  ["nothing at all", undefined, "internal"],
])("%s", (_, err, code) => {
  expect(toProblem(err).type).toBe(code);
});

test("a field that the client named is presented well formed", () => {
  const { errors } = presentProblem(badField("data.\ud800", "unknown", "there is no such field"), "r1");
  expect(errors).toMatchObject([{ field: "data.\ufffd" }]);
});
