// A disk that can be cut off and disturbed: an environment that puts shim.c under a process.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";

const source = join(import.meta.dirname, "shim.c");

/** Compiles shim.c, once for each version of it. Needs gcc. */
export function buildShim(): string {
  const hash = createHash("sha256").update(readFileSync(source)).digest("hex").slice(0, 16);
  const library = join(tmpdir(), `confab-disk-shim-${hash}.so`);
  if (statSync(library, { throwIfNoEntry: false })) return library;
  const made = `${library}.${process.pid}`;
  try {
    execFileSync("gcc", ["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o", made, source, "-ldl", "-lpthread"]);
  } catch (error) {
    throw new Error("tests/support/disk/shim.c could not be compiled; these tests need gcc (Debian: gcc, libc6-dev)", {
      cause: error,
    });
  }
  // Another test may be doing the same: the last one wins, whole.
  renameSync(made, library);
  return library;
}

/** Where each field of shim.c's `struct control` is. */
const fields = {
  /** Bytes by which files may still grow; below zero: no limit. */
  room: 0,
  roomError: 8,
  writeError: 12,
  syncError: 16,
  /** For what changes a folder or opens a file for writing. */
  changeError: 20,
  readError: 24,
  /** Microseconds. */
  syncDelay: 28,
  writeDelay: 32,
  /** Whatever changes the disk waits until it is 0 again. */
  frozen: 36,
} as const;
export type Faults = Partial<Record<keyof typeof fields, number>>;

export const { ENOSPC, EDQUOT, EIO, EROFS } = constants.errno;

const none: Required<Faults> = {
  room: -1,
  roomError: ENOSPC,
  writeError: 0,
  syncError: 0,
  changeError: 0,
  readError: 0,
  syncDelay: 0,
  writeDelay: 0,
  frozen: 0,
};

export class FaultyDisk {
  /** Outside of what is recorded. */
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), "confab-disk-")));
  /** What is recorded and disturbed. */
  readonly root: string;
  readonly journal = join(this.folder, "journal");
  readonly #control: number;
  readonly #journal: number;
  readonly #library: string;

  /** `root` is a folder that is there already. */
  constructor(root: string) {
    this.root = realpathSync(root);
    this.#library = buildShim();
    this.#journal = openSync(this.journal, "a+");
    this.#control = openSync(join(this.folder, "control"), "w+");
    this.set(none);
  }

  /** What a process runs with. */
  get env(): Record<string, string> {
    const { journal, root } = this;
    return { LD_PRELOAD: this.#library, DISK_ROOT: root, DISK_JOURNAL: journal, DISK_CONTROL: join(this.folder, "control") };
  }

  /** Changes faults, of running processes too. */
  set(faults: Faults): void {
    for (const [name, value] of Object.entries(faults) as [keyof Faults, number][]) {
      const field = Buffer.alloc(name === "room" ? 8 : 4);
      if (name === "room") field.writeBigInt64LE(BigInt(value));
      else field.writeInt32LE(value);
      writeSync(this.#control, field, 0, field.length, fields[name]);
    }
  }

  /**
   * Where the journal ends. What a process answered before this was asked rests on records before this position: an
   * fsync is recorded before it returns. So a cut here or later must find it.
   */
  position(): number {
    return fstatSync(this.#journal).size;
  }

  remove(): void {
    closeSync(this.#journal);
    closeSync(this.#control);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
