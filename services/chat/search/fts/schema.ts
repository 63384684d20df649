/* The file of the full-text index: its tables, how it is opened, and whether its content can be relied on. */
import { closeSync, openSync, readFileSync, rmSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { tokenCharacters } from "./tokens.ts";

/** A file of another version is deleted and filled again from the log. */
const version = 1;

/**
 * `messages.id` is also the row of the message in `fts`: order of arrival * 2^20 + the low bits of the chat's number.
 * `messages.words` holds the message's tokens, without which FTS5 could not remove them; null once they were removed.
 * `eras` and `blocks` tell the times within ranges of orders, see `layout.ts`.
 */
const tables = `
  create table meta (name text primary key, value any) strict, without rowid;
  create table chats (number integer primary key, id text not null unique, removed integer not null default 0) strict;
  create index removals on chats (number) where removed = 1;
  create table people (number integer primary key, id text not null unique) strict;
  create table messages (
    id integer primary key, chat integer not null, seq integer not null, rev integer not null,
    sender integer, at integer, words text
  ) strict;
  create unique index places on messages (chat, seq);
  create table eras (era integer primary key, minAt integer not null, maxAt integer not null) strict;
  create table blocks (block integer primary key, minAt integer not null, maxAt integer not null) strict;
  create virtual table fts using fts5(
    words, content='', columnsize=0, detail=none, tokenize="ascii tokenchars '${tokenCharacters}'"
  );
  insert into fts(fts, rank) values ('secure-delete', 1);
  pragma user_version = ${version};
`;

/** How far the content of a file that was just opened can be relied on. */
export type Condition =
  /** It was closed, and holds everything that was ever confirmed. */
  | "complete"
  /** The same, but the process was killed: what it had not confirmed may be missing. */
  | "killed"
  /** The newest transactions may be missing, because the machine stopped; what is there is consistent. */
  | "behind"
  /** It was just created. */
  | "empty";

export interface Opened {
  db: DatabaseSync;
  condition: Condition;
}

export const filesOf = (path: string): string[] => ["", "-wal", "-shm"].map((suffix) => path + suffix);

/** Opens the file for this epoch of the log. One that is damaged, of another epoch or of another version is replaced. */
export function openFile(path: string, epoch: string): Opened {
  if (path === ":memory:") return create(path, epoch);
  try {
    const opened = openExisting(path, epoch);
    if (opened) return opened;
  } catch (err) {
    if (!isUnusable(err)) throw err;
  }
  removeFile(path);
  return create(path, epoch);
}

export function removeFile(path: string): void {
  for (const file of filesOf(path)) rmSync(file, { force: true });
}

function openExisting(path: string, epoch: string): Opened | undefined {
  if (!sizeOf(path)) return undefined;
  // While a file is in use its WAL exists. If somebody deleted it, the file may be half of a checkpoint.
  const hasWal = sizeOf(`${path}-wal`) !== undefined;
  const db = new DatabaseSync(path);
  try {
    configure(db);
    if (db.prepare("pragma user_version").get()!["user_version"] !== version) return void db.close();
    const meta = readMeta(db);
    const boot = bootId();
    const wasClosed = meta.get("closed") === 1;
    const isSameBoot = boot !== undefined && meta.get("boot") === boot;
    const isUsable = meta.get("epoch") === epoch && (wasClosed || hasWal);
    if (!isUsable || (!wasClosed && !isSameBoot && !passesQuickCheck(db))) return void db.close();
    markOpen(db, boot);
    return { db, condition: wasClosed ? "complete" : isSameBoot ? "killed" : "behind" };
  } catch (err) {
    db.close();
    throw err;
  }
}

function create(path: string, epoch: string): Opened {
  // Readable by its owner only; SQLite gives the WAL the same mode. Nothing here has it open yet, whose locks this would drop.
  if (path !== ":memory:") closeSync(openSync(path, "a", 0o600));
  const db = new DatabaseSync(path);
  configure(db);
  db.exec(`begin; ${tables} commit`);
  writeMeta(db, "epoch", epoch);
  markOpen(db, bootId());
  return { db, condition: "empty" };
}

/**
 * `synchronous=NORMAL` flushes the disk only at checkpoints, and keeps the file consistent through a power cut: it can
 * lose its newest transactions, but no older one. The log has them all.
 */
function configure(db: DatabaseSync): void {
  db.exec(`
    pragma journal_mode = wal;
    pragma synchronous = normal;
    pragma secure_delete = on;
    pragma temp_store = memory;
    pragma cache_size = -8000;
    pragma busy_timeout = 2000;
    pragma journal_size_limit = 8000000;
  `);
}

/** Before anything else is written, and durably: otherwise a power cut could lose writes from a file that still says it was closed. */
function markOpen(db: DatabaseSync, boot: string | undefined): void {
  durably(db, () => {
    writeMeta(db, "closed", 0);
    writeMeta(db, "boot", boot ?? null);
  });
  // Into the file itself, so that it does not look closed if its WAL is deleted.
  db.exec("pragma wal_checkpoint(passive)");
}

export function closeFile(db: DatabaseSync): void {
  db.exec("pragma wal_checkpoint(truncate)");
  durably(db, () => writeMeta(db, "closed", 1));
  db.close();
}

function durably(db: DatabaseSync, write: () => void): void {
  db.exec("pragma synchronous = full");
  db.exec("begin immediate");
  write();
  db.exec("commit");
  db.exec("pragma synchronous = normal");
}

export function readMeta(db: DatabaseSync): Map<string, unknown> {
  return new Map(
    db
      .prepare("select name, value from meta")
      .all()
      .map(({ name, value }) => [name as string, value]),
  );
}

export function writeMeta(db: DatabaseSync, name: string, value: string | number | null): void {
  db.prepare("insert into meta values (?, ?) on conflict do update set value = excluded.value").run(name, value);
}

const passesQuickCheck = (db: DatabaseSync): boolean => db.prepare("pragma quick_check(1)").get()?.["quick_check"] === "ok";

/** Names this start of the operating system: as long as it is the same, what a killed process wrote is there. Undefined if unknown. */
function bootId(): string | undefined {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return undefined;
  }
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}

const sqlError = 1;
const corrupt = 11;
const notADatabase = 26;

/** SQLite's primary result code; undefined for other errors. */
function errorCode(err: unknown): number | undefined {
  const { code, errcode } = err as { code?: string; errcode?: number };
  return code === "ERR_SQLITE_ERROR" && errcode !== undefined ? errcode & 0xff : undefined;
}

/** Whether the error says that the file is damaged. */
export const isDamage = (err: unknown): boolean => [corrupt, notADatabase].includes(errorCode(err) ?? 0);

/** The same when opening, where no statement depends on input: an SQL error means that a table is missing. */
export const isUnusable = (err: unknown): boolean => isDamage(err) || errorCode(err) === sqlError;
