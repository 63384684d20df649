import { closeSync, existsSync, mkdirSync, openSync, readdirSync, realpathSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { FolderRefused, StoreRefused, codeOf, explain } from "./errors.ts";

const ownerFile = "owner.db";

/**
 * What is known of a file of the folder. `new`: it is being created, and nothing in it was acknowledged. `open`: its log may hold
 * changes that the file lacks. `clean`: it was closed properly.
 */
const states = ["open", "clean", "new"] as const;
type FileState = (typeof states)[number];

/** Folders that this process owns, each with the number of stores that use it. */
const owned = new Map<string, { folder: DataFolder; users: number }>();

/**
 * A folder of database files that one process owns. The lock is that of the file system on `owner.db`, so it also holds between
 * containers that share a volume, and ends with the process. `owner.db` also lists the files, so that a missing one is noticed.
 */
export class DataFolder {
  readonly path: string;
  readonly #owner: DatabaseSync;

  private constructor(path: string) {
    this.path = path;
    this.#owner = claimOwner(path);
  }

  /**
   * Makes the folder if it is missing, and claims it for this process. Each claim needs its own `release`.
   * A folder whose files are half replaced is refused, unless the claim is made to replace them.
   */
  static claim(path: string, { toReplace = false } = {}): DataFolder {
    openFolder(path);
    const real = realpathSync(path);
    const known = owned.get(real);
    if (known) {
      known.users++;
      return known.folder;
    }
    const folder = new DataFolder(real);
    const { unfinished } = folder;
    if (unfinished !== undefined && !toReplace) {
      folder.#owner.close();
      throw new StoreRefused(unfinished);
    }
    owned.set(real, { folder, users: 1 });
    return folder;
  }

  /**
   * The files that were opened in a folder, as its last owner left them; undefined while a process owns it.
   * Throws StoreRefused where one of them is missing or has lost its log.
   */
  static list(path: string): string[] | undefined {
    const file = join(path, ownerFile);
    if (!existsSync(file)) throw new StoreRefused(`${resolve(path)} holds no store: ${ownerFile} is missing.`);
    const owner = new DatabaseSync(file, { timeout: 0 });
    try {
      const [unfinished] = owner.prepare("SELECT what FROM unfinished").all();
      if (unfinished) throw new StoreRefused(unfinished["what"] as string);
      const rows = owner.prepare("SELECT name, state FROM files ORDER BY name").all() as { name: string; state: number }[];
      const opened = rows.filter(({ state }) => states[state] !== "new");
      for (const { name, state } of opened) requireFile(join(path, name), states[state]!);
      return opened.map(({ name }) => name);
    } catch (err) {
      if ((codeOf(err) & 0xff) === 5) return undefined;
      throw err instanceof StoreRefused ? err : explain(file, codeOf(err), (err as Error).message);
    } finally {
      owner.close();
    }
  }

  /** Why the folder cannot be used, where its files were being replaced and the process that did so ended before `finishReplacing`. */
  get unfinished(): string | undefined {
    return this.#owner.prepare("SELECT what FROM unfinished").get()?.["what"] as string | undefined;
  }

  /** From here to `finishReplacing` no other claim succeeds, also after this process was killed; they are refused with this sentence. */
  beginReplacing(sentence: string): void {
    this.#owner.prepare("INSERT INTO unfinished VALUES (1, ?) ON CONFLICT (n) DO UPDATE SET what = excluded.what").run(sentence);
  }

  /** The folder now has these files, each closed properly, and no others. */
  finishReplacing(names: readonly string[]): void {
    this.#owner.exec("BEGIN IMMEDIATE; DELETE FROM files; DELETE FROM unfinished;");
    for (const name of names) this.#write(name, "clean");
    this.#owner.exec("COMMIT");
  }

  release(): void {
    const known = owned.get(this.path);
    if (!known || --known.users > 0) return;
    owned.delete(this.path);
    this.#owner.close();
  }

  /** Refuses a file that is missing, or that lost the log of its last changes; the path where it is fit to be opened. */
  prepare(name: string): string {
    const file = join(this.path, name);
    const state = this.#read(name);
    if (!state && existsSync(file))
      throw new StoreRefused(
        `${file} is not listed in ${join(this.path, ownerFile)}. Restore the whole folder from a backup, or move it away.`,
      );
    // Listed before it exists: a start that is cut off here must not leave a file that the next one refuses.
    if (!state) this.#write(name, "new");
    if (!state || state === "new") createPrivate(file);
    else requireFile(file, state);
    return file;
  }

  /** To be called when the file's log exists, and before anything is acknowledged. */
  markOpen(name: string): void {
    this.#write(name, "open");
  }

  /** To be called when the log is copied into the file, and before it is removed. */
  markClean(name: string): void {
    this.#write(name, "clean");
  }

  #read(name: string): FileState | undefined {
    const row = this.#owner.prepare("SELECT state FROM files WHERE name = ?").get(name);
    return row && states[Number(row["state"])];
  }

  #write(name: string, state: FileState): void {
    this.#owner
      .prepare("INSERT INTO files (name, state) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET state = excluded.state")
      .run(name, states.indexOf(state));
  }
}

function requireFile(file: string, state: FileState): void {
  const exists = existsSync(file);
  if (!exists || statSync(file).size === 0)
    throw new StoreRefused(
      `${file} is ${exists ? "empty" : "missing"}. Restore it from a backup, or move the whole folder away to start with an empty store.`,
    );
  // SQLite would go on without a lost log, and so without what was acknowledged last.
  if (state === "open" && !existsSync(`${file}-wal`))
    throw new StoreRefused(
      `${file}-wal is missing: the last changes of ${file} are lost. Put it back, restore a backup, or move the whole folder away to start with an empty store.`,
    );
}

function openFolder(path: string): void {
  try {
    makeFolder(path);
    readdirSync(path);
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException;
    throw new FolderRefused(
      `The folder ${resolve(path)} cannot be created or read (${code}). Make it writable for this user, or choose another folder.`,
      { cause: err },
    );
  }
}

/** Creates a folder and its parents. Node's `recursive` loops for ever if mkdir fails with ENOENT in a folder that exists, as in /proc. */
export function makeFolder(path: string): void {
  const folder = resolve(path);
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== "EEXIST") throw err;
  }
}

/** Readable by the owner of the process alone; SQLite gives the log the same mode. Where it fails, SQLite says why. */
function createPrivate(file: string): void {
  try {
    closeSync(openSync(file, "wx", 0o600));
  } catch {
    // It exists already, or SQLite will explain what is wrong.
  }
}

function claimOwner(path: string): DatabaseSync {
  const file = join(path, ownerFile);
  createPrivate(file);
  let owner: DatabaseSync | undefined;
  try {
    owner = new DatabaseSync(file, { timeout: 0 });
    // Taken by the first write, and kept until the connection is closed or the process ends.
    owner.exec(`
      PRAGMA locking_mode = EXCLUSIVE;
      PRAGMA journal_mode = DELETE;
      PRAGMA synchronous = FULL;
      BEGIN IMMEDIATE;
      CREATE TABLE IF NOT EXISTS files (name TEXT PRIMARY KEY, state INTEGER NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS unfinished (n INTEGER PRIMARY KEY, what TEXT NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS owner (n INTEGER PRIMARY KEY, pid INTEGER) STRICT;
      INSERT INTO owner VALUES (1, ${process.pid}) ON CONFLICT (n) DO UPDATE SET pid = excluded.pid;
      COMMIT;
    `);
    return owner;
  } catch (err) {
    owner?.close();
    const code = codeOf(err);
    if ((code & 0xff) === 5)
      throw new FolderRefused(
        `The folder ${path} is in use by another process. It has one process at a time: stop the other, or choose another folder.`,
      );
    throw explain(file, code, (err as Error).message);
  }
}
