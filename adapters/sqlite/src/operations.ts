import type { Filter, SqliteDocument, TableSchema, Update } from "./schema.ts";

/** What the writer is asked for. All of it is JSON, so that one string carries a batch between threads. */
export type Operation =
  /** A commit of no consequence. */
  | { do: "open" }
  | { do: "define"; schema: TableSchema }
  | { do: "insert"; table: string; documents: readonly SqliteDocument[]; ordered: boolean }
  | { do: "updateOne"; table: string; filter: Filter; update: Update }
  | { do: "updateMany"; table: string; filter: Filter; update: Update }
  | { do: "replaceOne"; table: string; filter: Filter; document: SqliteDocument }
  | { do: "removeOne"; table: string; filter: Filter }
  | { do: "removeMany"; table: string; filter: Filter; limit: number }
  /** Content was removed that must be in no file. */
  | { do: "noteScrub" }
  /** Rewrites a file of at most so many pages, where that was noted. */
  | { do: "compact"; maxPages: number }
  | { do: "checkpoint" }
  | { do: "truncateLog" };

/** What became of one document of an insert: stored, not tried, or the name of the unique index that refused it. */
export type Inserted = 0 | 1 | string;
export const inserted = { stored: 1, untried: 0 } as const;

export type Answer =
  | { ok?: unknown }
  /** A unique index refused the change. */
  | { conflict: string }
  /** The request itself is wrong. */
  | { wrong: string };

export interface Batch {
  /** One answer for each operation; all of them are committed. */
  answers?: Answer[];
  /** Nothing of the batch is stored. */
  failed?: { code: number; message: string };
  /** Pages in the write-ahead log. */
  logPages: number;
}
