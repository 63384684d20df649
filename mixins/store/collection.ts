/**
 * The port that both databases fill: collections of documents with Mongo's filters and updates, of which only what
 * NeDB and MongoDB understand alike is let through. What a service asks of its data it asks in named operations of
 * its own store, written once on top of this. A document is what JSON can say: times are numbers.
 */
export interface Document {
  _id: string;
}

type Field<D> = keyof D & string;
type ArrayField<D> = { [K in Field<D>]-?: NonNullable<D[K]> extends readonly unknown[] ? K : never }[Field<D>];

/**
 * An index as data. `carries` says which guarantee or read stands on it. An index on an array finds a document by each
 * element; it has no other field, since NeDB would take the array of a compound key for one value.
 */
export type Index<D> = {
  name: string;
  /** Documents without the field are left out. */
  sparse?: boolean;
  /** Made in this database alone. NeDB finds by one field, or by all of several that are each given; MongoDB by the first of several. */
  only?: "nedb" | "mongodb";
  carries: string;
} & (
  { fields: readonly Exclude<Field<D>, ArrayField<D>>[]; unique?: boolean } | { fields: readonly [ArrayField<D>]; unique?: false }
);

export interface CollectionSchema<D extends Document> {
  name: string;
  indexes: readonly Index<D>[];
  /** Only there so that the type of the documents travels with the schema. */
  readonly document?: D;
}

export const collection = <D extends Document>(name: string, indexes: readonly Index<D>[] = []): CollectionSchema<D> => ({
  name,
  indexes,
});

/** What an array is asked is whether it holds an element. Ranges of elements are not asked for: NeDB would answer a document once for each. */
type Condition<V> =
  NonNullable<V> extends readonly (infer E)[]
    ? E | { $in?: readonly E[]; $exists?: boolean }
    : V | { $in?: readonly V[]; $gt?: V; $gte?: V; $lt?: V; $lte?: V; $ne?: V; $exists?: boolean };
export type Filter<D> = { [K in keyof D]?: Condition<D[K]> };
export interface Update<D> {
  $set?: Partial<D>;
  $unset?: { [K in keyof D]?: true };
  $inc?: { [K in keyof D]?: number };
  /** Adds one element to the end of an array, which is made where there is none. */
  $push?: { [K in keyof D]?: NonNullable<D[K]> extends readonly (infer E)[] ? E : never };
}
export interface FindOptions<D> {
  sort?: { [K in keyof D]?: 1 | -1 };
  limit?: number;
}

/** What became of one document of a batch: stored, refused by a unique index, or not tried because an earlier one was refused. */
export type Outcome = "stored" | Conflict | "untried";

export interface Collection<D extends Document> {
  /** Throws Conflict where a unique index has the document already. */
  insert(document: D): Promise<void>;
  /**
   * Stores many with one write. `ordered`: in order, up to the first that is refused. Otherwise each for itself.
   * Throws Unavailable where it cannot be known which were stored.
   */
  insertMany(documents: readonly D[], ordered: boolean): Promise<Outcome[]>;
  find(filter: Filter<D>, options?: FindOptions<D>): Promise<D[]>;
  findOne(filter: Filter<D>, options?: FindOptions<D>): Promise<D | null>;
  /** How many match; `limit` where there are more, so that nobody counts for long. */
  count(filter: Filter<D>, limit: number): Promise<number>;
  /** Changes the first match, atomically, and answers it as it is after that; null where nothing matches. */
  updateOne(filter: Filter<D>, update: Update<D>): Promise<D | null>;
  /** Stores the document whole, in place of the one with its _id if there is one and the filter holds for it. */
  replaceOne(filter: Filter<D> & { _id: string }, document: D): Promise<void>;
  removeMany(filter: Filter<D>): Promise<number>;
}

/** The collections of one service on an open database. */
export interface Database {
  /** Whether other processes write to it too; where not, what this process has folded is all there is. */
  readonly shared: boolean;
  collection<D extends Document>(schema: CollectionSchema<D>): Promise<Collection<D>>;
  /** Leaves nothing in its files of what was removed or replaced up to now: for whose words are to be gone. */
  scrub(): Promise<void>;
  close(): Promise<void>;
}

/** A unique index has this already. */
export class Conflict extends Error {
  readonly index: string;
  constructor(index: string) {
    super(`refused by the unique index ${index}`);
    this.name = "Conflict";
    this.index = index;
  }
}

/** For the `catch` of an insert: false where it was there already; throws all else. */
export function falseAtConflict(err: unknown): false {
  if (err instanceof Conflict) return false;
  throw err;
}

/** The database did not answer, or not in a way that tells what was stored. */
export class Unavailable extends Error {
  constructor(cause: unknown) {
    super("the database is not available", { cause });
    this.name = "Unavailable";
  }
}
