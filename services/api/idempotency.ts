import type { IncomingMessage } from "node:http";
import type { FieldError } from "@confab/contracts";
import { compileSchema } from "@confab/mixins/validator.ts";

/** The asker's own name of a POST: asked again under the same name, it is done once. */
export const idempotencyHeader = "Idempotency-Key";
export const idempotencyKey = { type: "string", minLength: 1, maxLength: 200, pattern: "^[!-~]+$" };

const faultsOf = compileSchema(idempotencyKey);

/** The key that a request carries, and what is wrong with it. A header given twice is one with a comma and a space, which no key has. */
export function readIdempotencyKey({ method, headers }: IncomingMessage): { key?: string; errors: FieldError[] } {
  const given = headers["idempotency-key"];
  if (method !== "POST" || given === undefined) return { errors: [] };
  const [fault] = faultsOf(given);
  if (!fault) return { key: String(given), errors: [] };
  return { errors: [{ field: idempotencyHeader, code: fault.code, message: "must be 1 to 200 visible ASCII characters" }] };
}
