import type { ActionName, Params, ProblemDocument, Result } from "@confab/contracts";
import { ContractMismatch, contractOf, requireProblem, requireResult } from "./contract.ts";
import { NoAnswer, Refused } from "./refusal.ts";
import { noteSecrets } from "./secrets.ts";
import { TestSocket } from "./socket.ts";

export type Answer<N extends ActionName> =
  | { status: number; headers: Headers; data: Result<N>; problem?: undefined }
  | { status: number; headers: Headers; data?: undefined; problem: ProblemDocument };

const patience = 20_000;

/** REST and sockets of one pair of nodes, typed by the contracts and compared with them at every answer. */
export class TestClient {
  /** Where REST and sockets are; asked each time, since a restarted node may be elsewhere. */
  readonly at: { api: string; io: string };
  token: string | undefined;

  constructor(at: { api: string; io: string }, token?: string) {
    this.at = at;
    this.token = token;
  }

  /** Calls an action by its route; throws Refused where Confab said no. */
  async call<N extends ActionName>(name: N, params: Params<N>): Promise<Result<N>> {
    const answer = await this.ask(name, params);
    if (answer.problem) throw new Refused(name, answer.problem);
    return answer.data;
  }

  /** The same with the whole answer, whatever it is. `params` may be as wrong as a test wants. */
  async ask<N extends ActionName>(name: N, params: Params<N> | Record<string, unknown>): Promise<Answer<N>> {
    noteSecrets(params);
    const contract = contractOf(name);
    if (!contract.rest) throw new Error(`${name} has no route`);
    const [method, template] = contract.rest.split(" ") as [string, string];
    const rest = { ...(params as Record<string, unknown>) };
    const path = template.replace(/:(\w+)/g, (_, field: string) => {
      const value = rest[field];
      delete rest[field];
      return encodeURIComponent(String(value));
    });
    if (method !== "GET" && method !== "DELETE") return this.send(name, method, path, JSON.stringify(rest));
    return this.send(name, method, `${path}${presentQuery(rest)}`);
  }

  /** Sends a body as it is to an action's route, or to any address: `name` tells whose contract holds for the answer. */
  async send<N extends ActionName>(
    name: N | undefined,
    method: string,
    path: string,
    body?: string | Uint8Array<ArrayBuffer>,
    type = "application/json",
  ): Promise<Answer<N>> {
    const what = name ?? `${method} ${path}`;
    const headers = {
      ...(this.token === undefined ? {} : { Authorization: `Bearer ${this.token}` }),
      ...(body === undefined ? {} : { "Content-Type": type }),
    };
    const init = { method, headers, signal: AbortSignal.timeout(patience), ...(body === undefined ? {} : { body }) };
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${this.at.api}/api/v1${path}`, init);
      text = await response.text();
    } catch (error) {
      throw new NoAnswer(what, error);
    }
    return compare(name, what, response, text) as Answer<N>;
  }

  /** Opens a socket and waits for its `ready`; refused in the handshake it throws Refused. */
  socket(): Promise<TestSocket> {
    return TestSocket.open(this.at.io, this.token);
  }
}

function presentQuery(fields: Record<string, unknown>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) query.append(name, typeof value === "string" ? value : JSON.stringify(value));
  }
  return query.size > 0 ? `?${query}` : "";
}

function compare(name: ActionName | undefined, what: string, response: Response, text: string): Answer<ActionName> {
  const { status, headers } = response;
  const type = headers.get("content-type")?.split(";")[0];
  if (status >= 400) {
    if (type !== "application/problem+json") throw new ContractMismatch(`${what} answered ${status} as ${type}`, text);
    const problem = parse(what, text);
    requireProblem(name, problem);
    if (problem.status !== status) throw new ContractMismatch(`${what}: the status line says ${status}`, problem);
    const pause = headers.get("retry-after");
    if (String(problem.retryAfter ?? null) !== String(pause))
      throw new ContractMismatch(`${what}: Retry-After is ${pause}`, problem);
    // Whoever is told to come back is told when (G7, G8).
    if ((status === 503 || status === 429) && pause === null)
      throw new ContractMismatch(`${what}: ${status} without Retry-After`, problem);
    return { status, headers, problem };
  }
  if (!name) throw new ContractMismatch(`${what} answered ${status}, where no contract says anything`, text);
  if (!contractOf(name).status.includes(status)) throw new ContractMismatch(`${what} answered ${status}`, text);
  if (status !== 204 && type !== "application/json") throw new ContractMismatch(`${what} answered as ${type}`, text);
  const data = status === 204 ? null : parse(what, text);
  noteSecrets(data);
  requireResult(name, data);
  return { status, headers, data: data as Result<ActionName> };
}

function parse(what: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ContractMismatch(`${what} answered something that is no JSON`, text);
  }
}
