import type { ProblemCode, ProblemDocument } from "@confab/contracts";

/** Confab refused: with which problem. */
export class Refused extends Error {
  readonly problem: ProblemDocument;
  constructor(name: string, problem: ProblemDocument) {
    super(`${name}: ${problem.status} ${problem.code}: ${problem.detail} ${JSON.stringify(problem.errors ?? "")}`);
    this.name = "Refused";
    this.problem = problem;
  }
  get code(): ProblemCode {
    return this.problem.code as ProblemCode;
  }
}

/** Nobody answered: what was asked may or may not have been done. */
export class NoAnswer extends Error {
  constructor(name: string, cause: unknown) {
    super(`${name}: no answer`, { cause });
    this.name = "NoAnswer";
  }
}
