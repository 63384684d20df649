import { output, thrice } from "./run.ts";

test("a command that does not end in time is killed, and the error says so", async () => {
  const began = Date.now();
  await expect(output("sleep", ["60"], 200)).rejects.toThrow("sleep 60… did not end within 0.2 s");
  expect(Date.now() - began).toBeLessThan(20_000);
});

test("a command that fails is shown with its last lines", async () => {
  await expect(output("sh", ["-c", "echo said; echo wrong >&2; exit 3"], 20_000)).rejects.toThrow("failed:\nsaid\n\nwrong");
});

test.each([
  [1, "done"],
  [3, "done"],
  [4, "attempt 3 failed"],
])("an attempt that succeeds at try %i of three", async (succeedsAt, outcome) => {
  let tries = 0;
  const attempt = async () => {
    if (++tries < succeedsAt) throw new Error(`attempt ${tries} failed`);
    return "done";
  };
  expect(await thrice(attempt, 1).catch((error: Error) => error.message)).toBe(outcome);
});
