import type { AggregatedResult, Reporter } from "@jest/reporters";

/** What tools/test.ts makes the closing line of. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** The runner's real counts. A suite that could not run at all is a failure, and so is a run in which no test ran. */
export function countResults(results: AggregatedResult): Counts {
  const silent = results.testResults.filter(({ numFailingTests, testExecError, failureMessage }) => {
    return numFailingTests === 0 && (testExecError !== undefined || Boolean(failureMessage));
  });
  const passed = results.numPassedTests;
  const failed = results.numFailedTests + silent.length;
  const skipped = results.numPendingTests + results.numTodoTests;
  const nothing = passed + failed === 0 || (results.wasInterrupted === true && failed === 0);
  return { passed, failed: nothing ? failed + 1 : failed, skipped };
}

export function presentCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/** Says loudly what was not run for want of the real parts, and ends in the counts. */
export default class ClosingReporter implements Pick<Reporter, "onRunComplete"> {
  onRunComplete(_contexts: unknown, results: AggregatedResult): void {
    const missing = process.env["TEST_PARTS_MISSING"];
    if (missing) process.stderr.write(presentMissing(results, missing));
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

function presentMissing({ testResults }: AggregatedResult, reason: string): string {
  const skipped = testResults.flatMap(({ testResults }) => testResults).filter(({ status }) => status === "pending");
  const bar = "!".repeat(100);
  const lines = [
    bar,
    `NOT RUN: ${skipped.length} tests that need the real RabbitMQ, Redis and MongoDB:`,
    ...skipped.map(({ fullName }) => `  - ${fullName}`),
    "",
    reason.trimEnd(),
    bar,
  ];
  return `\n${lines.join("\n")}\n`;
}
