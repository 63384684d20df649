import type { Layout } from "./layout.ts";
import { operatorsOf } from "./matching.ts";
import { quote, type Filter, type FindOptions, type SqlValue } from "./schema.ts";
import { joinNumbered, splitNumbered } from "./values.ts";

/** A filter as SQL. */
export interface Selection {
  /** Nothing can match. */
  isEmpty: boolean;
  /** Conditions joined by AND; empty where there is none. */
  where: string;
  params: SqlValue[];
  /** What SQL does not decide: checked on each document that it finds. */
  residual: readonly Filter[];
  orderBy: string;
  /** Whether documents must be sorted after they were read. */
  sortsAfter: boolean;
}

/** The first number of the other field at which this one reaches `number`; see `NumberedField.risesWith`. */
export type Bisect = (field: string, of: string, number: number) => number;

/** Above so many other rows among those that are wanted, each wanted row is looked up by itself. */
const sparseFactor = 4;
const sparseLimit = 256;

/** Operands that are compared with a column; `null` needs the document. */
const isScalar = (value: unknown): boolean =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean";

/** Translates a filter. Conditions on fields without a column remain for `residual`. */
export function select(layout: Layout, filter: Filter, { sort = {} }: FindOptions, bisect: Bisect): Selection {
  const selection = new SelectionBuilder(layout, bisect);
  for (const [field, condition] of Object.entries(filter)) selection.add(field, condition);
  return selection.build(sort);
}

const signs: Record<string, string | undefined> = { $gt: ">", $gte: ">=", $lt: "<", $lte: "<=" };

class SelectionBuilder {
  readonly #layout: Layout;
  readonly #bisect: Bisect;
  readonly #where: string[] = [];
  readonly #params: SqlValue[] = [];
  readonly #residual: Filter[] = [];
  #isEmpty = false;

  constructor(layout: Layout, bisect: Bisect) {
    this.#layout = layout;
    this.#bisect = bisect;
  }

  build(sort: NonNullable<FindOptions["sort"]>): Selection {
    const order = this.#orderBy(sort);
    return {
      isEmpty: this.#isEmpty,
      where: this.#where.join(" AND "),
      params: this.#params,
      residual: this.#residual,
      orderBy: order ?? "",
      sortsAfter: order === undefined,
    };
  }

  add(field: string, condition: unknown): void {
    if (field === "$and") {
      for (const filter of condition as readonly Filter[]) for (const [one, its] of Object.entries(filter)) this.add(one, its);
      return;
    }
    const array = this.#layout.arrays.find(({ fields }) => fields[0] === field);
    if (array) return this.#addElements(field, this.#layout.sideTable(array), condition);
    if (this.#layout.numbered.has(field)) return this.#addNumbered(field, condition);
    const column = this.#layout.column(field);
    if (!column) return this.#keep(field, condition);
    const operators = operatorsOf(condition);
    for (const [operator, operand] of Object.entries(operators)) {
      if (!this.#addScalar(field, operator, operand)) this.#keep(field, { [operator]: operand });
    }
    this.#boundType(field, operators);
  }

  #push(sql: string, ...params: SqlValue[]): true {
    this.#where.push(sql);
    this.#params.push(...params);
    return true;
  }

  #keep(field: string, condition: unknown): void {
    this.#residual.push({ [field]: condition });
  }

  /** Whether SQL decides the condition. */
  #addScalar(field: string, operator: string, operand: unknown): boolean {
    const column = this.#layout.column(field)!;
    const name = quote(field);
    const encode = (value: unknown) => this.#layout.encode(column, value);
    switch (operator) {
      case "$eq":
        return isScalar(operand) && this.#push(`${name} = ?`, encode(operand));
      case "$ne":
        // A missing field is not equal either.
        return isScalar(operand) && this.#push(`${name} IS NOT ?`, encode(operand));
      case "$in": {
        const values = operand as readonly unknown[];
        if (values.length === 0) this.#isEmpty = true;
        if (!values.every(isScalar)) return false;
        return this.#push(`${name} IN (${placeholders(values.length)})`, ...pad(values.map(encode)));
      }
      case "$gt":
        return this.#push(`${name} > ?`, encode(operand));
      case "$gte":
        return this.#push(`${name} >= ?`, encode(operand));
      case "$lt":
        return this.#push(`${name} < ?`, encode(operand));
      case "$lte":
        return this.#push(`${name} <= ?`, encode(operand));
      case "$exists":
        return this.#push(operand ? `${name} IS NOT NULL` : `${name} IS NULL`);
      default:
        return false;
    }
  }

  /** SQLite orders numbers before text before blobs; a range holds values of its own type only. */
  #boundType(field: string, operators: Record<string, unknown>): void {
    const lower = operators["$gt"] ?? operators["$gte"];
    const upper = operators["$lt"] ?? operators["$lte"];
    if (lower === undefined && upper === undefined) return;
    const column = this.#layout.column(field)!;
    if (column.kind === "packed" || column.kind === "copy") return;
    const name = quote(field);
    const isNumber = typeof (lower ?? upper) === "number";
    if (isNumber && upper === undefined) this.#push(`${name} < ''`);
    else if (!isNumber && upper === undefined) this.#push(`${name} < x''`);
    else if (!isNumber && lower === undefined) this.#push(`${name} >= ''`);
    if (lower !== undefined && upper !== undefined && typeof lower !== typeof upper) this.#isEmpty = true;
  }

  #addElements(field: string, side: string, condition: unknown): void {
    const { $eq, $in, ...others } = operatorsOf(condition) as { $eq?: unknown; $in?: readonly unknown[] };
    const values = $in ?? [$eq];
    if (values.length === 0) this.#isEmpty = true;
    if (Object.keys(others).length > 0 || !values.every(isScalar)) return this.#keep(field, condition);
    const encoded = pad(values.map((value) => this.#layout.encode({ field, kind: "value" }, value)));
    this.#push(`n IN (SELECT n FROM ${side} WHERE value IN (${placeholders(values.length)}))`, ...encoded);
  }

  #addNumbered(field: string, condition: unknown): void {
    const operators = operatorsOf(condition);
    const { $eq, $in, $exists, ...range } = operators as Record<string, unknown> & { $in?: readonly string[] };
    if ($exists !== undefined) return this.#keep(field, condition);
    if ($eq !== undefined) this.#addPlaces(field, [$eq as string]);
    if ($in) this.#addPlaces(field, $in);
    if (Object.keys(range).length > 0) this.#addRange(field, range as Record<string, string>);
    if (this.#layout.column(field)) this.#push(`${quote(field)} = 1`);
  }

  #addPlaces(field: string, values: readonly string[]): void {
    const places = values.map((value) => splitNumbered(value)).filter((place) => place !== undefined);
    if (places.length === 0) return void (this.#isEmpty = true);
    const { of, number, risesWith } = this.#layout.numbered.get(field)!;
    const column = this.#layout.column(of)!;
    const key = risesWith ? this.#layout.numbered.get(risesWith)!.number : number;
    const byName = Map.groupBy(places, (place) => place.of);
    const found = [...byName].flatMap(([name, ofName]) => {
      const packed = this.#layout.encode(column, name);
      // The first row that reaches a number is the one that has it, if any has.
      return ofName.map((place) => [packed, BigInt(risesWith ? this.#bisect(field, name, place.number) : place.number)] as const);
    });
    if (byName.size === 1) {
      const numbers = found.map(([, at]) => at);
      this.#push(`${quote(of)} = ? AND ${quote(key)} IN (${placeholders(found.length)})`, found[0]![0], ...pad(numbers));
    } else {
      const pairs = pad(found);
      const rows = pairs.map(() => "(?,?)").join(",");
      this.#push(`(${quote(of)}, ${quote(key)}) IN (VALUES ${rows})`, ...pairs.flat());
    }
    if (risesWith)
      this.#push(`${quote(number)} IN (${placeholders(places.length)})`, ...pad(places.map((place) => BigInt(place.number))));
  }

  #addRange(field: string, range: Record<string, string>): void {
    const { of, number, risesWith } = this.#layout.numbered.get(field)!;
    const [operators, bounds] = [Object.keys(range), Object.values(range)];
    if (!risesWith && bounds.length === 1) {
      // One end alone, for a walk through the whole table.
      const place = splitNumbered(bounds[0]!) ?? { of: bounds[0]!, number: 0 };
      const packed = this.#layout.encode(this.#layout.column(of)!, place.of);
      const sign = signs[operators[0]!];
      if (!sign) throw new TypeError(`${field} is not searched by ${operators[0]}`);
      return void this.#push(`(${quote(of)}, ${quote(number)}) ${sign} (?, ?)`, packed, BigInt(place.number));
    }
    const { name, from, to } = readRange(field, of, range);
    if (to < from) return void (this.#isEmpty = true);
    const column = this.#layout.column(of)!;
    const packed = this.#layout.encode(column, name);
    const within = (key: string, low: number, high: number) =>
      this.#push(`${quote(key)} >= ? AND ${quote(key)} <= ?`, BigInt(low), BigInt(high));
    if (!risesWith) {
      this.#push(`${quote(of)} = ?`, packed);
      within(number, from, to);
      return;
    }
    const [first, last] = [this.#bisect(field, name, from), this.#bisect(field, name, to)];
    const count = to - from + 1;
    if (count <= sparseLimit && last - first > sparseFactor * (count + sparseLimit)) {
      this.#addPlaces(
        field,
        Array.from({ length: count }, (_, at) => joinNumbered(name, from + at)),
      );
      return;
    }
    this.#push(`${quote(of)} = ?`, packed);
    within(this.#layout.numbered.get(risesWith)!.number, first, last);
    within(number, from, to);
  }

  /** Undefined where a field has no column to sort by. */
  #orderBy(sort: NonNullable<FindOptions["sort"]>): string | undefined {
    const terms: string[] = [];
    for (const [field, direction] of Object.entries(sort)) {
      const suffix = direction === -1 ? " DESC" : "";
      const numbered = this.#layout.numbered.get(field);
      if (numbered) {
        const { number } = numbered.risesWith ? this.#layout.numbered.get(numbered.risesWith)! : numbered;
        terms.push(...[numbered.of, number].map((name) => `${quote(name)}${suffix}`));
      } else if (this.#layout.column(field)) terms.push(`${quote(field)}${suffix}`);
      else return undefined;
    }
    return terms.join(", ");
  }
}

function readRange(field: string, of: string, range: Record<string, string>): { name: string; from: number; to: number } {
  let [from, to] = [-Infinity, Infinity];
  const names = new Set<string>();
  for (const [operator, bound] of Object.entries(range)) {
    const place = splitNumbered(bound);
    if (!place) break;
    names.add(place.of);
    if (operator === "$gt") from = Math.max(from, place.number + 1);
    else if (operator === "$gte") from = Math.max(from, place.number);
    else if (operator === "$lt") to = Math.min(to, place.number - 1);
    else if (operator === "$lte") to = Math.min(to, place.number);
  }
  const [name] = names;
  if (name === undefined || names.size !== 1 || from === -Infinity || to === Infinity)
    throw new TypeError(`a range of ${field} needs both ends, of the same ${of}`);
  return { name, from, to };
}

/** SQLite takes 32,766 parameters. */
const longestList = 2 ** 14;
/** List lengths are rounded up, so that few statements serve all of them. */
const roundUp = (length: number): number => (length <= 1 ? length : 2 ** Math.ceil(Math.log2(length)));
const placeholders = (length: number): string => Array.from({ length: roundUp(length) }, () => "?").join(",");

function pad<T>(values: readonly T[]): T[] {
  const last = values.at(-1);
  if (last === undefined) return [];
  if (values.length > longestList) throw new TypeError(`a list in a filter has at most ${longestList} values`);
  return [...values, ...Array.from({ length: roundUp(values.length) - values.length }, () => last)];
}
