/**
 * The port that SQLite and MongoDB implement: collections of documents with MongoDB's filters and updates, as far as both
 * support them. Services use it through named operations of their own stores. A document is what JSON can say: times are numbers.
 */
export interface Document {
  _id: string;
}

type Field<D> = keyof D & string;
type ArrayField<D> = { [K in Field<D>]-?: NonNullable<D[K]> extends readonly unknown[] ? K : never }[Field<D>];

/**
 * An index as data. `carries` says which guarantee or read needs it. An index on an array finds a document by each
 * element, and has no other field.
 */
export type Index<D> = {
  name: string;
  /** Documents without the first field are left out. */
  sparse?: boolean;
  carries: string;
} & (
  | { fields: readonly Exclude<Field<D>, ArrayField<D>>[]; unique?: boolean; array?: false }
  | { fields: readonly [ArrayField<D>]; unique?: false; array: true }
);

/** How SQLite stores a collection that is written often, so that each field is stored once and in few bytes. */
export interface Compact<D> {
  /** Numbers and short strings. */
  columns?: readonly Field<D>[];
  /** Strings that contain UUIDs. */
  packed?: readonly Field<D>[];
  /** Fields that repeat a value inside the document, by its path. */
  copies?: { readonly [K in Field<D>]?: readonly string[] };
  /** Strings of the form `of:number`. */
  numbered?: { readonly [K in Field<D>]?: { of: Field<D>; number: Field<D>; risesWith?: Field<D> } };
}

export interface CollectionSchema<D extends Document> {
  name: string;
  indexes: readonly Index<D>[];
  compact?: Compact<D>;
  /** Only there so that the type of the documents travels with the schema. */
  readonly document?: D;
}

export const collection = <D extends Document>(
  name: string,
  indexes: readonly Index<D>[] = [],
  { compact }: { compact?: Compact<D> } = {},
): CollectionSchema<D> => ({ name, indexes, compact });

/** An array is only asked whether it holds an element. */
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
  /** The folder of the embedded store; undefined in memory and on MongoDB. */
  readonly folder?: string;
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
