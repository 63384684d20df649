import type { FieldError, ProblemCode, ProblemDocument } from "@confab/contracts";

/** The server's words, and `offline`: nobody could be reached. */
export type ClientProblemCode = ProblemCode | "offline";

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

  /** Whether the same request may go through later, unchanged. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** Nobody could be reached, or whoever was reached fell silent. */
export function offline(detail = "The server cannot be reached"): ApiProblem {
  return new ApiProblem({ type: "about:blank", title: "Offline", status: 0, code: "offline", detail, requestId: "" });
}

/** The problem of an answer that did not go well, also where something in between answered in its own words. */
export async function problemOf(response: Response): Promise<ApiProblem> {
  const body = (await response.json().catch(() => undefined)) as Partial<ProblemDocument> | undefined;
  if (typeof body?.code === "string") return new ApiProblem(body as ProblemDocument);
  const code = response.status >= 500 ? "unavailable" : "bad_request";
  const title = response.statusText || `Status ${response.status}`;
  return new ApiProblem({ type: "about:blank", title, status: response.status, code, detail: title, requestId: "" });
}
