import { problems, type FieldError, type ProblemCode, type ProblemDocument } from "@confab/contracts";
import { Errors } from "moleculer";

const { MoleculerError, Regenerator } = Errors;

/** Facts that go with a problem: `detail` and `errors` are for the asker, the rest for the log. */
export interface ProblemFacts {
  detail?: string;
  /** Seconds. */
  retryAfter?: number;
  errors?: FieldError[];
  [fact: string]: unknown;
}

/**
 * The one error that actions throw. It is told apart by its word (`type`), since classes do not survive the trip
 * between nodes; only the edges (`api`, `io`) turn it into a response.
 */
export class Problem extends MoleculerError {
  declare type: ProblemCode;
  declare data: ProblemFacts;

  constructor(code: ProblemCode, facts: ProblemFacts = {}) {
    const { status, title } = problems[code];
    super(facts.detail ?? title, status, code, facts);
    this.name = "Problem";
  }
}

export function problem(code: ProblemCode, facts?: ProblemFacts): Problem {
  return new Problem(code, facts);
}

/** `bad_input` for one field, where a rule is beyond the contract's schema. */
export function badField(field: string, code: string, message: string): Problem {
  return problem("bad_input", { errors: [{ field, code, message }] });
}

export function isProblem(err: unknown, code?: ProblemCode): err is Problem {
  return err instanceof Problem && (code === undefined || err.type === code);
}

const isProblemCode = (word: unknown): word is ProblemCode => typeof word === "string" && Object.hasOwn(problems, word);

/** Gives a problem that came from another node its class back. */
export class ProblemRegenerator extends Regenerator {
  override restoreCustomError(plain: { name: string; type?: string; data?: unknown }): Error {
    if (plain.name === "Problem" && isProblemCode(plain.type)) return new Problem(plain.type, plain.data as ProblemFacts);
    // The framework takes nothing for an answer and makes an error of its own; its types do not say so.
    return undefined as unknown as Error;
  }
}

/** Moleculer's words for: nobody is there to do it, or whoever did it fell silent. */
const absent = new Set([
  "SERVICE_NOT_FOUND",
  "SERVICE_NOT_AVAILABLE",
  "REQUEST_TIMEOUT",
  "REQUEST_SKIPPED",
  "REQUEST_REJECTED",
  "QUEUE_FULL",
  "GRACEFUL_STOP_TIMEOUT",
]);

/**
 * Any error as a problem: ours as it is, the validator's with its fields, an absent or silent service as
 * `unavailable`, and everything else as `internal`, of which the asker learns nothing but the word.
 */
export function toProblem(err: unknown): Problem {
  if (err instanceof Problem) return err;
  const { name, type, data } = (err ?? {}) as { name?: string; type?: string; data?: unknown };
  if (type === "VALIDATION_ERROR") {
    const errors = (Array.isArray(data) ? data : []) as FieldError[];
    return problem("bad_input", { errors: errors.map(({ field, code, message }) => ({ field, code, message })) });
  }
  // The third is a store's word for a database that does not answer.
  if (absent.has(type ?? "") || name === "BrokerDisconnectedError" || name === "Unavailable") {
    return problem("unavailable", { retryAfter: 1 });
  }
  return problem("internal");
}

/** The RFC 9457 form. Only the edges call this. Names of unknown fields are the client's: an unpaired surrogate in one is replaced. */
export function presentProblem(problem: Problem, requestId: string): ProblemDocument {
  const { retryAfter, errors } = problem.data;
  const { status, title } = problems[problem.type];
  return {
    type: `urn:confab:problem:${problem.type}`,
    title,
    status,
    code: problem.type,
    detail: problem.message.toWellFormed(),
    requestId,
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...(errors === undefined ? {} : { errors: errors.map((error) => ({ ...error, field: error.field.toWellFormed() })) }),
  };
}
