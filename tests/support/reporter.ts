import type { AggregatedResult, Reporter } from "@jest/reporters";

/** What tools/test.ts makes the closing line of. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/**
 * The runner's real counts. A suite that could not run at all is a failure, and so is a run in which no test ran. In CI, so
 * is a test that was skipped.
 */
export function countResults(results: AggregatedResult): Counts {
  const silent = results.testResults.filter(({ numFailingTests, testExecError, failureMessage }) => {
    return numFailingTests === 0 && (testExecError !== undefined || Boolean(failureMessage));
  });
  const passed = results.numPassedTests;
  const notRun = results.numPendingTests + results.numTodoTests;
  const skipped = process.env["CI"] ? 0 : notRun;
  const failed = results.numFailedTests + silent.length + notRun - skipped;
  const nothing = passed + failed === 0 || (results.wasInterrupted === true && failed === 0);
  return { passed, failed: nothing ? failed + 1 : failed, skipped };
}

export function presentCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/** Says loudly what was not run, and ends in the counts. */
export default class ClosingReporter implements Pick<Reporter, "onRunComplete"> {
  onRunComplete(_contexts: unknown, results: AggregatedResult): void {
    process.stderr.write(presentSkipped(results, process.env["TEST_PARTS_MISSING"]));
    const counts = countResults(results);
    // Under tools/test.ts the line comes from there, after everything else has had its say.
    if (process.send) process.send(counts);
    else process.stderr.write(`\n${presentCounts(counts)}\n`);
    // Whoever has to end a run that does not end by itself wants to know what held it.
    setTimeout(() => {
      process.stderr.write(`Still open: ${process.getActiveResourcesInfo().join(", ")}\n`);
    }, 30_000).unref();
  }
}

/** What was not run, by its outermost description, which names what is missing. */
export function presentSkipped({ testResults }: Pick<AggregatedResult, "testResults">, missing = ""): string {
  const skipped = testResults
    .flatMap(({ testResults }) => testResults)
    .filter(({ status }) => status === "pending" || status === "todo");
  if (skipped.length === 0) return "";
  const groups = Map.groupBy(skipped, ({ ancestorTitles, title }) => ancestorTitles[0] ?? title);
  const bar = "!".repeat(100);
  const lines = [
    bar,
    `NOT RUN: ${skipped.length} tests`,
    ...[...groups].map(([name, tests]) => `  - ${tests.length} of: ${name}`),
    "",
    missing.trimEnd(),
    "npm run fetch brings what tests need, and says why it cannot.",
    bar,
  ];
  return `\n${lines.join("\n")}\n`;
}
