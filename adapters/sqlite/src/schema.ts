/** A document is what JSON can say, with its own `_id`. */
export interface SqliteDocument {
  _id: string;
  [field: string]: unknown;
}

/** An index as data. */
export interface IndexSchema {
  name: string;
  fields: readonly string[];
  unique?: boolean;
  /** Documents without the first field are left out of the index. */
  sparse?: boolean;
  /** The one field is an array; documents are found by each of its elements. */
  array?: boolean;
}

/**
 * Stores the fields of a table that is written often in as few bytes as possible. Each field is stored once, either in
 * a column or in the JSON of the row.
 */
export interface CompactSchema {
  /** Numbers and short strings. */
  columns?: readonly string[];
  /** Strings that contain UUIDs: each UUID takes 17 bytes instead of 36. They compare for equality; pure UUIDs also keep their order. */
  packed?: readonly string[];
  /** Fields that repeat a value inside the document, by its path. The column serves the index; readers copy the value. */
  copies?: Readonly<Record<string, readonly string[]>>;
  /** Strings of the form `<of>:<number>`, the number with 12 digits. They are stored in the fields they are made of. */
  numbered?: Readonly<Record<string, NumberedField>>;
}

export interface NumberedField {
  of: string;
  number: string;
  /**
   * Another numbered field of the same `of`. This number never falls while that one rises, so a range of this field is
   * found by bisection over the other's index, and needs none of its own.
   */
  risesWith?: string;
}

/** A collection as data. */
export interface TableSchema {
  name: string;
  indexes: readonly IndexSchema[];
  compact?: CompactSchema;
}

/** A value as SQLite stores it. */
export type SqlValue = string | number | bigint | Uint8Array | null;

type Scalar = string | number | boolean | null;
/** What MongoDB's query language says of one field, as far as this adapter supports it. */
export type Condition =
  | Scalar
  | {
      $eq?: unknown;
      $in?: readonly unknown[];
      $gt?: Scalar;
      $gte?: Scalar;
      $lt?: Scalar;
      $lte?: Scalar;
      $ne?: unknown;
      $exists?: boolean;
    };
export type Filter = Readonly<Record<string, unknown>>;

export interface Update {
  $set?: Record<string, unknown>;
  $unset?: Record<string, unknown>;
  $inc?: Record<string, number>;
  $push?: Record<string, unknown>;
}

export interface FindOptions {
  sort?: Record<string, 1 | -1 | undefined>;
  limit?: number;
  offset?: number;
}

export const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;
