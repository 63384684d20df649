/* MongoDB's query and update language on documents in memory, as far as the adapter supports it. */
import type { Filter, SqliteDocument, Update } from "./schema.ts";

/** Whether the document fulfils every condition. */
export function matches(document: SqliteDocument, filter: Filter): boolean {
  return Object.entries(filter).every(([field, condition]) => {
    if (field.startsWith("$")) return combines(document, field, condition as readonly Filter[]);
    return holds(valueOf(document, field), condition);
  });
}

function combines(document: SqliteDocument, operator: string, filters: readonly Filter[]): boolean {
  const isMatch = (filter: Filter) => matches(document, filter);
  switch (operator) {
    case "$and":
      return filters.every(isMatch);
    case "$or":
      return filters.some(isMatch);
    case "$nor":
      return !filters.some(isMatch);
    default:
      throw new TypeError(`the operator ${operator} is not supported`);
  }
}

/** The value of a field. `a.b` is the field `b` of the object in `a`, unless a field has that very name. */
export function valueOf(document: SqliteDocument, field: string): unknown {
  if (!field.includes(".") || Object.hasOwn(document, field)) return document[field];
  let value: unknown = document;
  for (const key of field.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
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
        return (value !== undefined) === Boolean(operand);
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

type Change = (holder: Record<string, unknown>, key: string, value: unknown) => void;
const changesOf: Record<string, Change | undefined> = {
  $set(holder, key, value) {
    if (value !== undefined) holder[key] = value;
  },
  $unset(holder, key) {
    delete holder[key];
  },
  $inc(holder, key, value) {
    holder[key] = ((holder[key] as number | undefined) ?? 0) + (value as number);
  },
  $push(holder, key, value) {
    const modifier = Object.keys(operatorsOf(value)).find((name) => name !== "$eq");
    if (modifier) throw new TypeError(`the modifier ${modifier} of $push is not supported`);
    holder[key] = [...((holder[key] as unknown[] | undefined) ?? []), value];
  },
};

/** The object that holds a field. What lies on the way to `a.b.c` is copied, or made where it is missing. */
function holderOf(document: Record<string, unknown>, field: string): { holder: Record<string, unknown>; key: string } {
  if (!field.includes(".") || Object.hasOwn(document, field)) return { holder: document, key: field };
  const keys = field.split(".");
  if (keys.includes("__proto__")) throw new TypeError(`${field} is not the name of a field`);
  let holder = document;
  for (const key of keys.slice(0, -1)) {
    const within = Object.hasOwn(holder, key) ? holder[key] : {};
    if (typeof within !== "object" || within === null) throw new TypeError(`${field}: ${key} is not an object`);
    holder = holder[key] = (Array.isArray(within) ? [...(within as unknown[])] : { ...within }) as Record<string, unknown>;
  }
  return { holder, key: keys.at(-1)! };
}

/** The document after the update. */
export function applyUpdate(document: SqliteDocument, update: Update): SqliteDocument {
  const next: SqliteDocument = { ...document };
  for (const [operator, changes] of Object.entries(update) as [string, Record<string, unknown>][]) {
    const change = changesOf[operator];
    if (!change) throw new TypeError(`the update operator ${operator} is not supported`);
    for (const [field, value] of Object.entries(changes ?? {})) {
      const { holder, key } = holderOf(next, field);
      change(holder, key, value);
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
