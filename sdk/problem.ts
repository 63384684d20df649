import type { FieldError, ProblemCode, ProblemDocument } from "@confab/contracts";
import { jitter } from "./platform.ts";

/** The server's words, and `offline`: nobody could be reached. */
export type ClientProblemCode = ProblemCode | "offline";

/** Nobody there, too slow, too many, and what a server or something before it says while it is not ready. */
const passingStatus = new Set([0, 408, 429, 502, 503, 504]);

/** Whatever went wrong with a request, as the problem document (RFC 9457) that the server answered. */
export class ApiProblem extends Error {
  readonly document: ProblemDocument;

  constructor(document: ProblemDocument) {
    super(document.detail || document.title);
    this.name = "ApiProblem";
    this.document = document;
  }

  /** A stable word, such as `chat.not_found`. A newer server may know words that this client does not. */
  get code(): ClientProblemCode {
    return this.document.code as ClientProblemCode;
  }

  /** The HTTP status; 0 where nobody answered. */
  get status(): number {
    return this.document.status;
  }

  /** Seconds that the server asks to wait. */
  get retryAfter(): number | undefined {
    return this.document.retryAfter;
  }

  /** What is wrong with each field. */
  get errors(): readonly FieldError[] {
    return this.document.errors ?? [];
  }

  /** Whether the same request may go through later, unchanged. A mistake of the server (500) would only be made again. */
  get passing(): boolean {
    return passingStatus.has(this.status);
  }
}

/** Nobody could be reached, or whoever was reached fell silent. */
export function offline(detail = "The server cannot be reached"): ApiProblem {
  return new ApiProblem({ type: "about:blank", title: "Offline", status: 0, code: "offline", detail, requestId: "" });
}

/**
 * Milliseconds to wait before the same is asked again: as long as the server wants, or anywhere up to a time that grows
 * with the attempts. Undefined where asking again is of no use.
 */
export function pauseAfter(err: unknown, attempt: number): number | undefined {
  if (!(err instanceof ApiProblem) || !err.passing) return undefined;
  return err.retryAfter === undefined ? jitter(attempt) : err.retryAfter * 1000 + jitter(0);
}

/** There is nobody whose token could be shown. */
export const nobody = (): ApiProblem =>
  new ApiProblem({
    type: "urn:confab:problem:unauthenticated",
    title: "Sign in first",
    status: 401,
    code: "unauthenticated",
    detail: "Nobody is signed in",
    requestId: "",
  });

/** The problem of an answer that did not go well, also where something in between answered in its own words. */
export async function problemOf(response: Response): Promise<ApiProblem> {
  const body = (await response.json().catch(() => undefined)) as Partial<ProblemDocument> | undefined;
  if (typeof body?.code === "string") return new ApiProblem(body as ProblemDocument);
  const code = response.status >= 500 ? "unavailable" : "bad_request";
  const title = response.statusText || `Status ${response.status}`;
  const wait = Number(response.headers.get("retry-after") ?? NaN);
  const pause = Number.isInteger(wait) && wait >= 0 ? { retryAfter: wait } : {};
  return new ApiProblem({ type: "about:blank", title, status: response.status, code, detail: title, requestId: "", ...pause });
}
