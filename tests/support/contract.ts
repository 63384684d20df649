// What everything that a test sees is compared with. A mismatch throws, whatever the test was about.

import { actions, audienceProblems, commonProblems, ProblemDocument, problems, socketEvents } from "@confab/contracts";
import type { ActionContract, ActionName, ProblemCode, SocketEventName } from "@confab/contracts";
import { compileSchema } from "@confab/mixins/validator.ts";

/** Confab answered otherwise than its contract says. */
export class ContractMismatch extends Error {
  constructor(what: string, seen: unknown) {
    super(`${what}\n${JSON.stringify(seen, undefined, 2)?.slice(0, 2000)}`);
    this.name = "ContractMismatch";
  }
}

/** What the doors say by themselves, before any action is asked. */
const doorProblems: ProblemCode[] = ["bad_json", "bad_request", "too_large", "unsupported_media_type"];
/** What the gateway says of an address that no contract names. */
const addressProblems: ProblemCode[] = [
  "not_found",
  "method_not_allowed",
  "bad_request",
  "too_large",
  "too_many_requests",
  "internal",
  "unavailable",
];

/** Where System.Text.Json stops by default. */
const maxAnswerNesting = 64;

const compiled = new Map<object, ReturnType<typeof compileSchema>>();

function requireShape(what: string, schema: object, value: unknown): void {
  let check = compiled.get(schema);
  if (!check) compiled.set(schema, (check = compileSchema(schema, maxAnswerNesting)));
  // A clone, since the check fills in defaults: a field left out must not look as if it had been there.
  const faults = check(structuredClone(value));
  if (faults.length > 0) throw new ContractMismatch(`${what} is not as its contract says`, { faults, value });
}

export const contractOf = (name: ActionName): ActionContract => actions[name];

export function requireResult(name: ActionName, value: unknown): void {
  requireShape(`the answer of ${name}`, contractOf(name).returns, value);
}

/** A problem document that the action, or with no action named the gateway, may answer. */
export function requireProblem(
  name: ActionName | undefined,
  value: unknown,
  codes = addressProblems,
): asserts value is ProblemDocument {
  const what = name ?? "an address without a contract";
  requireShape(`the problem of ${what}`, ProblemDocument, value);
  const document = value as ProblemDocument;
  const contract = name && contractOf(name);
  const allowed: readonly string[] = contract
    ? [...contract.problems, ...commonProblems, ...doorProblems, ...audienceProblems(contract)]
    : codes;
  if (!allowed.includes(document.code))
    throw new ContractMismatch(`${what} answered a problem that its contract does not name`, document);
  const { status, title } = problems[document.code as ProblemCode];
  if (document.status !== status || document.title !== title)
    throw new ContractMismatch(`${document.code} has another status or title`, document);
}

export function requireSocketEvent(event: string, payload: unknown): asserts event is SocketEventName {
  if (!Object.hasOwn(socketEvents, event)) throw new ContractMismatch(`no contract names the socket event ${event}`, payload);
  requireShape(`the socket event ${event}`, socketEvents[event as SocketEventName].payload, payload);
}
