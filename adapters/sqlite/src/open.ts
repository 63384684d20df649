import { DatabaseSync } from "node:sqlite";
import { StoreRefused, codeOf, explain } from "./errors.ts";

/** The format of the files that this version writes; a newer one is refused. */
export const formatVersion = 1;
/** In the header of each file, so that `file` and other tools can tell it. */
export const applicationId = 0x43_6f_6e_66;
/** Older versions may corrupt a database when the write-ahead log is reset (fixed in 3.51.3). */
const oldestSqlite = [3, 51, 3] as const;

/** Milliseconds that a connection waits for another of the same process, such as a checkpoint that ends. */
export const timeout = 5000;
const megabyte = 1024 * 1024;

/** Opens a file for writing: write-ahead log, every commit synced, removed content overwritten. */
export function openWriting(file: string): DatabaseSync {
  requireSqlite();
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { timeout });
    prepareFile(database, file);
    return database;
  } catch (err) {
    database?.close();
    throw err instanceof StoreRefused ? err : explain(file, codeOf(err), (err as Error).message);
  }
}

function prepareFile(database: DatabaseSync, file: string): void {
  const version = numberOf(database, "PRAGMA user_version");
  if (version > formatVersion) {
    throw new StoreRefused(
      `${file} was written by a newer version of Confab (format ${version}; this version reads ${formatVersion}). Start that version, or restore a backup of this one.`,
    );
  }
  // One page per change reaches the disk less often, and the log is read back only after a crash.
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA secure_delete = ON;
    PRAGMA wal_autocheckpoint = 0;
    PRAGMA journal_size_limit = ${64 * megabyte};
    PRAGMA cache_size = -${16 * 1024};
    PRAGMA temp_store = MEMORY;
  `);
  // Reads the whole schema, so a damaged header shows here.
  numberOf(database, "SELECT count(*) FROM sqlite_schema");
  if (version === 0) database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${formatVersion};`);
}

/** A database in memory, of one connection. */
export function openInMemory(): DatabaseSync {
  requireSqlite();
  return new DatabaseSync(":memory:");
}

/** Opens a file that another connection has prepared. */
export function openReading(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { readOnly: true, timeout });
  database.exec(`PRAGMA cache_size = -${16 * 1024}; PRAGMA temp_store = MEMORY;`);
  return database;
}

export function numberOf(database: DatabaseSync, sql: string): number {
  return Number(Object.values(database.prepare(sql).get() ?? {})[0] ?? 0);
}

function requireSqlite(): void {
  const parts = (process.versions.sqlite ?? "0").split(".").map(Number);
  const difference = oldestSqlite.map((wanted, at) => (parts[at] ?? 0) - wanted).find((one) => one !== 0) ?? 0;
  if (difference < 0)
    throw new StoreRefused(`SQLite ${oldestSqlite.join(".")} or later is needed; this Node.js has ${parts.join(".")}.`);
}
