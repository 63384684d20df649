import type { FieldError } from "@confab/contracts";

/**
 * Levels of objects and arrays that a field may be nested. With the levels of an answer or event around it, it stays below
 * the 64 at which the first strict parsers stop (System.Text.Json).
 */
export const maxNesting = 32;

/** At most so many faults are named: more do not help. */
const maxFaults = 50;
/** A path is made of keys that the client chose: it is cut here, so that the refusal cannot outgrow the request. */
const maxFieldLength = 500;

/**
 * Whether every client can read these params when they are sent out again: I-JSON (RFC 7493), so no unpaired surrogates in
 * strings or keys and no numbers that JSON cannot write, and neither binary values (a socket may carry them) nor deep nesting.
 */
export const isIJson = (params: unknown, levels = maxNesting): boolean => isPortable(params, levels);

/** `levels` is how many more may follow. */
function isPortable(value: unknown, levels: number): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || value === null) return true;
  if (levels < 0 || ArrayBuffer.isView(value)) return false;
  if (Array.isArray(value)) {
    for (const item of value) if (!isPortable(item, levels - 1)) return false;
    return true;
  }
  for (const key in value) {
    if (!key.isWellFormed() || !isPortable((value as Record<string, unknown>)[key], levels - 1)) return false;
  }
  return true;
}

/** What `isIJson` says no to, by field. */
export function findIJsonFaults(params: unknown, levels = maxNesting): FieldError[] {
  const faults: FieldError[] = [];
  collect(params, [], levels, faults);
  return faults;
}

function collect(value: unknown, path: string[], levels: number, faults: FieldError[]): void {
  if (isPortable(value, levels - path.length)) return;
  const add = (code: string, message: string) => void faults.push({ field: presentPath(path), code, message });
  if (typeof value === "string") return add("malformed", "contains an unpaired surrogate");
  if (typeof value === "number") return add("not_finite", "must be a number that JSON can represent");
  if (ArrayBuffer.isView(value)) return add("type", "must be JSON, not binary");
  if (path.length > levels) return add("too_deep", `must not be nested more than ${levels} levels deep`);
  for (const [key, item] of Object.entries(value as object)) {
    if (faults.length >= maxFaults) return;
    const inner = [...path, key];
    if (key.isWellFormed()) collect(item, inner, levels, faults);
    else faults.push({ field: presentPath(inner), code: "malformed", message: "has a name that contains an unpaired surrogate" });
  }
}

/** Well formed itself: the refusal, too, is read by strict parsers. */
function presentPath(path: readonly string[]): string {
  const field = path.join(".");
  return (field.length > maxFieldLength ? `${field.slice(0, maxFieldLength)}…` : field).toWellFormed();
}
