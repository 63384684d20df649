/* MongoDB's query and update language on documents in memory, as far as the adapter supports it. */
import type { Filter, SqliteDocument, Update } from "./schema.ts";

/** Whether the document fulfils every condition. */
export function matches(document: SqliteDocument, filter: Filter): boolean {
  return Object.entries(filter).every(([field, condition]) => holds(document[field], condition));
}

/** The operators of a condition; a plain value is compared for equality. */
export function operatorsOf(condition: unknown): Record<string, unknown> {
  const isOperators =
    typeof condition === "object" && condition !== null && Object.keys(condition).some((key) => key.startsWith("$"));
  return isOperators ? (condition as Record<string, unknown>) : { $eq: condition };
}

function holds(value: unknown, condition: unknown): boolean {
  return Object.entries(operatorsOf(condition)).every(([operator, operand]) => {
    switch (operator) {
      case "$eq":
        return equals(value, operand);
      case "$ne":
        return !equals(value, operand);
      case "$in":
        return (operand as readonly unknown[]).some((one) => equals(value, one));
      case "$nin":
        return !(operand as readonly unknown[]).some((one) => equals(value, one));
      case "$exists":
        return (value !== undefined) === operand;
      case "$gt":
        return compare(value, operand, (order) => order > 0);
      case "$gte":
        return compare(value, operand, (order) => order >= 0);
      case "$lt":
        return compare(value, operand, (order) => order < 0);
      case "$lte":
        return compare(value, operand, (order) => order <= 0);
      default:
        throw new TypeError(`the operator ${operator} is not supported`);
    }
  });
}

/** An array equals each of its elements; null equals a missing field. */
function equals(value: unknown, operand: unknown): boolean {
  if (isEqual(value, operand)) return true;
  return Array.isArray(value) && value.some((element) => isEqual(element, operand));
}

function isEqual(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (one === undefined || one === null) return other === undefined || other === null;
  if (typeof one !== "object" || typeof other !== "object") return false;
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Values of different types are not comparable. */
function compare(value: unknown, operand: unknown, verdict: (order: number) => boolean): boolean {
  if (Array.isArray(value)) return value.some((element) => compare(element, operand, verdict));
  if (typeof value === "number" && typeof operand === "number") return verdict(value - operand);
  if (typeof value === "string" && typeof operand === "string") return verdict(compareText(value, operand));
  return false;
}

/** In the order of code points, which is that of UTF-8 and so of SQLite and MongoDB. */
export function compareText(one: string, other: string): number {
  return one === other ? 0 : Buffer.compare(Buffer.from(one), Buffer.from(other));
}

/** The document after the update. */
export function applyUpdate(document: SqliteDocument, update: Update): SqliteDocument {
  const next: SqliteDocument = { ...document };
  for (const [operator, changes] of Object.entries(update) as [keyof Update, Record<string, unknown>][]) {
    for (const [field, value] of Object.entries(changes ?? {})) {
      switch (operator) {
        case "$set":
          if (value === undefined) continue;
          next[field] = value;
          break;
        case "$unset":
          delete next[field];
          break;
        case "$inc":
          next[field] = ((next[field] as number | undefined) ?? 0) + (value as number);
          break;
        case "$push":
          next[field] = [...((next[field] as unknown[] | undefined) ?? []), value];
          break;
        default:
          throw new TypeError(`the operator ${String(operator)} is not supported`);
      }
    }
  }
  if (next._id !== document._id) throw new TypeError("_id cannot be changed");
  return next;
}

/** Compares two values as an index does: missing ones first, then numbers, text, all else. */
export function compareValues(one: unknown, other: unknown): number {
  const [a, b] = [rankOf(one), rankOf(other)];
  if (a !== b) return a - b;
  if (typeof one === "number") return one - (other as number);
  return typeof one === "string" ? compareText(one, other as string) : 0;
}

const rankOf = (value: unknown): number =>
  value === undefined || value === null ? 0 : typeof value === "number" ? 1 : typeof value === "string" ? 2 : 3;
