import { Report } from "./report.ts";

test("a measure that fails is a line of the table, with its reason below, and the others are measured", async () => {
  const report = new Report("embedded", ["Confab", "baseline"]);
  await report.measure("sends", () => Promise.resolve([{ what: "sends /s", cells: ["1,000", "500"] }]));
  expect(report.failed).toBe(false);
  await report.measure("pages", () => Promise.reject(new Error("answered by 500")));
  await report.measure("syncs", () => Promise.resolve([{ what: "syncs /s", cells: ["7", "14"] }]));
  expect(report.failed).toBe(true);
  expect(String(report).split("\n")).toEqual([
    "embedded  Confab  baseline",
    "--------------------------",
    "sends /s   1,000       500",
    "pages     failed",
    "syncs /s       7        14",
    "",
    "failed: pages: answered by 500",
  ]);
});

test("a measure that hangs fails when its time is over", async () => {
  const report = new Report("embedded", ["Confab"]);
  await report.measure("sends", () => new Promise(() => {}), 20);
  expect(String(report)).toContain("failed: sends: took longer than 0.02 s");
});
