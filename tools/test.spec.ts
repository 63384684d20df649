import type { AggregatedResult } from "@jest/reporters";
import { countResults, presentSkipped } from "../tests/support/reporter.ts";

const skipped = { status: "pending", ancestorTitles: ["the page (There is no Chromium)", "settings"], title: "open" };
const passed = { status: "passed", ancestorTitles: [], title: "adds" };
const results = {
  ...{ numPassedTests: 1, numFailedTests: 0, numPendingTests: 2, numTodoTests: 0 },
  testResults: [{ numFailingTests: 0, testResults: [passed, skipped, skipped] }],
} as unknown as AggregatedResult;

describe("a test that was skipped", () => {
  const ci = process.env["CI"];
  afterEach(() => {
    if (ci === undefined) delete process.env["CI"];
    else process.env["CI"] = ci;
  });

  test("is named at the end of the run, with what is missing", () => {
    expect(presentSkipped(results)).toContain("NOT RUN: 2 tests\n  - 2 of: the page (There is no Chromium)\n");
    expect(presentSkipped({ testResults: [] })).toBe("");
  });

  test.each([
    [undefined, { passed: 1, failed: 0, skipped: 2 }],
    ["true", { passed: 1, failed: 2, skipped: 0 }],
  ])("counts where CI is %s", (value, counts) => {
    if (value === undefined) delete process.env["CI"];
    else process.env["CI"] = value;
    expect(countResults(results)).toEqual(counts);
  });
});
