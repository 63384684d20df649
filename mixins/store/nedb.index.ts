import type { Document, Filter, FindOptions } from "./collection.ts";

/** What NeDB 4.1.2 keeps to itself of its indexes, as far as we reach for it. */
export interface OpenIndexes<D> {
  /** By field, or by fields in the order of the alphabet with commas between. */
  indexes: Record<string, OpenIndex<D>>;
  /** Fills all indexes anew, after it has read the file. */
  _resetIndexes(documents?: D[]): void;
}
interface OpenIndex<D> {
  readonly _fields: readonly string[];
  /** Of the trees that this index makes from now on. */
  readonly treeOptions: { compareKeys: Compare };
  reset(documents: D[]): void;
  /** What is handed out is NeDB's own. */
  getMatching(key: unknown): readonly D[];
  readonly tree: { readonly tree: Node<D> };
}
interface Node<D> {
  readonly key: unknown;
  readonly data: readonly D[];
  readonly left: Node<D> | null;
  readonly right: Node<D> | null;
}
type Compare = (a: unknown, b: unknown) => number;

/**
 * Makes the indexes of a database compare keys at less cost, to the same order. NeDB's comparison asks each value for one
 * type after another, and sorts the names of a compound key's fields anew each time.
 */
export function quickenIndexes<D>(db: OpenIndexes<D>): void {
  const quickened = new WeakSet<OpenIndex<D>>();
  const fill = db._resetIndexes.bind(db);
  // Reading the file makes indexes of its own.
  db._resetIndexes = (documents) => {
    for (const index of Object.values(db.indexes)) {
      if (quickened.has(index)) continue;
      quickened.add(index);
      const { treeOptions, _fields: fields } = index;
      treeOptions.compareKeys =
        fields.length === 1 ? byValue(treeOptions.compareKeys) : byFields(fields, treeOptions.compareKeys);
    }
    fill(documents);
  };
}

const byValue =
  (compare: Compare): Compare =>
  (a, b) => {
    if (typeof a !== "string" || typeof b !== "string") return compare(a, b);
    if (a === b) return 0;
    return a < b ? -1 : 1;
  };

/** The fields are in the order of the alphabet already. */
function byFields(fields: readonly string[], compare: Compare): Compare {
  const compareValues = byValue(compare);
  return (a, b) => {
    for (const field of fields) {
      const order = compareValues((a as Record<string, unknown>)[field], (b as Record<string, unknown>)[field]);
      if (order !== 0) return order;
    }
    return 0;
  };
}

/**
 * Copies of what a filter on one indexed field finds, in the order of the index: NeDB would match each document again
 * and sort what is sorted. Undefined where the filter is another, and NeDB has to search by itself.
 */
export function readByIndex<D extends Document>(
  indexes: OpenIndexes<D>["indexes"],
  filter: Filter<D>,
  { sort, limit }: FindOptions<D>,
): D[] | undefined {
  const fields = Object.keys(filter) as (keyof D & string)[];
  const [field] = fields;
  if (field === undefined || fields.length > 1 || !Object.hasOwn(indexes, field)) return undefined;
  const direction = sort?.[field];
  if (sort && (direction === undefined || Object.keys(sort).length > 1)) return undefined;
  let found = search(indexes[field]!, field, filter[field], direction !== undefined);
  // In an index of arrays a document lies once for each element.
  if (!found || found.some((document) => Array.isArray(document[field]))) return undefined;
  if (direction === -1) found = found.toReversed();
  if (limit) found = found.slice(0, limit);
  return found.map(copy);
}

type Bound = (key: unknown) => boolean;
const lower: Record<string, (compare: Compare, bound: unknown) => Bound> = {
  $gt: (compare, bound) => (key) => compare(key, bound) > 0,
  $gte: (compare, bound) => (key) => compare(key, bound) >= 0,
};
const upper: typeof lower = {
  $lt: (compare, bound) => (key) => compare(key, bound) < 0,
  $lte: (compare, bound) => (key) => compare(key, bound) <= 0,
};

function search<D>(index: OpenIndex<D>, field: keyof D, condition: unknown, sorted: boolean): readonly D[] | undefined {
  if (isKey(condition)) return index.getMatching(condition);
  if (typeof condition !== "object" || condition === null) return undefined;
  const operators = Object.entries(condition);
  if (operators.length === 0) return undefined;
  const [operator, value] = operators[0] as [string, unknown];
  if (operator === "$in" && operators.length === 1 && !sorted && Array.isArray(value) && value.every(isKey)) {
    return [...new Set(value)].flatMap((key) => index.getMatching(key));
  }
  const type = typeof value;
  let above: Bound | undefined;
  let below: Bound | undefined;
  for (const [name, bound] of operators) {
    if (!isKey(bound) || typeof bound !== type) return undefined;
    if (Object.hasOwn(lower, name) && !above) above = lower[name]!(index.treeOptions.compareKeys, bound);
    else if (Object.hasOwn(upper, name) && !below) below = upper[name]!(index.treeOptions.compareKeys, bound);
    else return undefined;
  }
  // The tree holds values of all types, one type after another, and documents without the field before all.
  return collect(index.tree.tree, above, below, []).filter((document) => typeof document[field] === type);
}

/**
 * What is between two bounds, in order. Beside a node that is within a bound, all on one side of it are too; NeDB's own way
 * compares whatever it finds with both bounds.
 */
function collect<D>(node: Node<D> | null, above: Bound | undefined, below: Bound | undefined, found: D[]): D[] {
  if (!node) return found;
  const isAbove = !above || above(node.key);
  const isBelow = !below || below(node.key);
  if (isAbove) collect(node.left, above, isBelow ? undefined : below, found);
  if (isAbove && isBelow) found.push(...node.data);
  if (isBelow) collect(node.right, isAbove ? undefined : above, below, found);
  return found;
}

/** NeDB's trees take a NaN to be equal to everything. */
const isKey = (value: unknown): value is string | number => typeof value === "string" || Number.isFinite(value);

/** NeDB's own documents must stay as they are in its file; whoever reads one may do with it what they like. */
function copy<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return (value as unknown[]).map(copy) as T;
  const copied = { ...value };
  for (const key in copied) if (typeof copied[key] === "object") copied[key] = copy(copied[key]);
  return copied;
}
