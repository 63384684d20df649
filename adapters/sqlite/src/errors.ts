/** A unique index has this already. */
export class UniqueConflict extends Error {
  /** The status that Moleculer and moleculer-web answer. */
  readonly code = 409;
  readonly type = "UNIQUE_CONFLICT";
  readonly data: { index: string };
  constructor(index: string) {
    super(`refused by the unique index ${index}`);
    this.name = "UniqueConflict";
    this.data = { index };
  }

  get index(): string {
    return this.data.index;
  }
}

/** The change was not stored: the disk is full, the file cannot be written, or the store is closed. It may be tried again. */
export class WriteFailed extends Error {
  /** The status that Moleculer and moleculer-web answer. */
  readonly code = 503;
  readonly type = "WRITE_FAILED";
  /** SQLite's extended result code; 0 where the store is closed. */
  readonly errcode: number;
  constructor(errcode: number, message: string) {
    super(message);
    this.name = "WriteFailed";
    this.errcode = errcode;
  }
}

/** The files cannot be opened. The message names the file and what to do, and is meant for the operator. */
export class StoreRefused extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StoreRefused";
  }
}

/** The folder cannot be used by this process, whatever is in it; another one may do. */
export class FolderRefused extends StoreRefused {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "FolderRefused";
  }
}

const primaryCode = (code: number) => code & 0xff;
const codes = { busy: 5, locked: 6, readOnly: 8, io: 10, corrupt: 11, full: 13, cannotOpen: 14, notADatabase: 26 } as const;
const repair = "Restore it from a backup, or move the whole folder away to start with an empty store.";

/** Says what an error of SQLite means for a file, and what the operator can do. */
export function explain(file: string, code: number, message: string): StoreRefused {
  switch (primaryCode(code)) {
    case codes.busy:
    case codes.locked:
      return new StoreRefused(`${file} is locked by another process. Stop that process first.`);
    case codes.readOnly:
    case codes.cannotOpen:
      return new StoreRefused(`${file} cannot be opened for writing. Make the file and its folder writable for this user.`);
    case codes.full:
      return new StoreRefused(`${file} cannot be written: the disk is full. Free some space and start again.`);
    case codes.corrupt:
      return new StoreRefused(`${file} is damaged (${message}). ${repair}`);
    case codes.notADatabase:
      return new StoreRefused(`${file} is not a SQLite database. ${repair}`);
    default:
      return new StoreRefused(`${file} cannot be opened: ${message} (SQLite code ${code}).`);
  }
}

/** Says what an error of SQLite means for a file that is in use, and what the operator can do. */
export function explainFailure(file: string, code: number, message: string): string {
  const until = "Changes are refused until then; no restart is needed.";
  switch (primaryCode(code)) {
    case codes.full:
      return `${file} cannot be written: the disk is full. Free some space. ${until}`;
    case codes.corrupt:
    case codes.notADatabase:
      return `${file} is damaged (${message}). Stop this process. ${repair}`;
    default:
      return `${file} cannot be written: ${message} (SQLite code ${code}). Check the disk and the rights of the folder. ${until}`;
  }
}

/** SQLite's extended code, 0 for an error that is not SQLite's. */
export const codeOf = (err: unknown): number => (err as { errcode?: number }).errcode ?? 0;
