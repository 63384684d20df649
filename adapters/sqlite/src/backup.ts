/* Copies of database files that another process may be writing to. */
import { existsSync, readdirSync } from "node:fs";
import { backup, DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { StoreRefused, codeOf, explain } from "./errors.ts";
import { DataFolder } from "./folder.ts";
import { applicationId, numberOf, openReading } from "./open.ts";

/** Tries to open all files between two commits, before copies that are milliseconds apart are taken. */
const maxTries = 200;

/** The names of the database files of a folder, whether or not a process owns it. Throws StoreRefused where one is missing. */
export function databasesIn(folder: string): string[] {
  return DataFolder.list(folder) ?? lookFor(folder);
}

/**
 * Copies database files, all as they are at one moment, into another folder; each copy is one file, checked and synced.
 * A process that owns the files goes on meanwhile. Where it commits without a pause, each copy is later than those before
 * it by the fraction of a millisecond, in the order of `names`.
 */
export async function copyDatabases(folder: string, names: readonly string[], to: string): Promise<void> {
  const opened: DatabaseSync[] = [];
  const open = (name: string) => {
    const database = openReading(join(folder, name));
    opened.push(database);
    return database;
  };
  try {
    const sources = names.map(open);
    await beginTogether(sources, names.map(open));
    for (const [at, source] of sources.entries()) {
      // In one step, from the snapshot that the transaction holds.
      await backup(source, join(to, names[at]!), { rate: numberOf(source, "PRAGMA page_count") + 1 });
      source.exec("COMMIT");
    }
  } catch (err) {
    throw codeOf(err) === 0 ? err : explain(folder, codeOf(err), (err as Error).message);
  } finally {
    for (const database of opened) database.close();
  }
  for (const name of names) makeSingleFile(join(to, name));
}

/** Throws StoreRefused where SQLite finds anything wrong in a file that no process uses. */
export function requireSound(file: string): void {
  let found: unknown[];
  const database = new DatabaseSync(file);
  try {
    found = database
      .prepare("PRAGMA integrity_check(3)")
      .all()
      .map((row) => Object.values(row)[0]);
  } catch (err) {
    throw explain(file, codeOf(err), (err as Error).message);
  } finally {
    database.close();
  }
  if (found.join() !== "ok") throw new StoreRefused(`${file} is damaged: ${found.join("; ")}`);
}

/** Begins to read from all of them with no commit in between. The watchers are second connections to the same files. */
async function beginTogether(sources: readonly DatabaseSync[], watchers: readonly DatabaseSync[]): Promise<void> {
  const versions = () => watchers.map((watcher) => numberOf(watcher, "PRAGMA data_version")).join();
  for (let tries = 1; ; tries++) {
    const before = versions();
    for (const source of sources) {
      source.exec("BEGIN");
      numberOf(source, "SELECT count(*) FROM sqlite_schema");
    }
    if (versions() === before || tries === maxTries) return;
    for (const source of sources) source.exec("ROLLBACK");
    await pause(1);
  }
}

/** A copy of a file in WAL mode would leave two more beside it as soon as it is read. */
function makeSingleFile(file: string): void {
  const database = new DatabaseSync(file);
  try {
    database.exec("PRAGMA journal_mode = DELETE");
    // Before VACUUM, which would hide that an index is damaged.
    requireSound(file);
    // Despite secure_delete, pages keep fragments of removed rows where SQLite has moved rows between pages.
    database.exec("VACUUM");
  } finally {
    database.close();
  }
}

/** The owner has checked that its files are there; nobody else can read its list. */
function lookFor(folder: string): string[] {
  const names = readdirSync(folder);
  const orphan = names.find((name) => name.endsWith(".db-wal") && !existsSync(join(folder, name.slice(0, -4))));
  if (orphan) throw new StoreRefused(`${join(folder, orphan.slice(0, -4))} is missing, but its log is there.`);
  return names.filter((name) => name.endsWith(".db") && name !== "owner.db" && isOurs(join(folder, name))).sort();
}

function isOurs(file: string): boolean {
  const database = openReading(file);
  try {
    return numberOf(database, "PRAGMA application_id") === applicationId;
  } finally {
    database.close();
  }
}
