/** Describes tests that need something. Where that is missing they are skipped, which the end of the run says loudly; in CI they fail. */
export function describeNeeding(missing: string | undefined, name: string, tests: () => void): void {
  if (!missing) return describe(name, tests);
  if (!process.env["CI"]) return describe.skip(`${name} (${missing.trim().split("\n")[0]})`, tests);
  describe(name, () => {
    test("has what it needs", () => {
      throw new Error(missing);
    });
  });
}
