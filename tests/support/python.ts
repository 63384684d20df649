import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { findPackages, python, whyNoPython } from "../../tools/fetch/python.ts";
import { describeNeeding } from "./needs.ts";

/* Programs in Python that were not written for Confab, with packages that `npm run fetch` brought. */

export type RunPython = (args: string[], timeoutMs?: number) => Promise<{ stdout: string; stderr: string }>;

/** Describes tests that run scripts with the packages of a requirements.txt. */
export function describeWithPython(name: string, requirements: string, tests: (run: RunPython) => void): void {
  const noPython = whyNoPython();
  const packages = noPython ? undefined : findPackages(requirements);
  const missing = noPython ?? (packages ? undefined : `${requirements} was not installed; npm run fetch does.`);
  const env = { ...process.env, PYTHONPATH: packages, PYTHONDONTWRITEBYTECODE: "1" };
  const run: RunPython = (args, timeoutMs = 120_000) => promisify(execFile)(python, args, { env, timeout: timeoutMs });
  describeNeeding(missing, name, () => tests(run));
}
