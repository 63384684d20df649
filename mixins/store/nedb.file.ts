import { closeSync, existsSync, ftruncateSync, openSync, readSync, statSync, writeSync } from "node:fs";

/** Nobody but the owner of the process reads what people write to each other. */
export const fileMode = 0o600;

/**
 * The file of a collection, kept open: what changes becomes lines behind the last one. They are written by the thread that
 * asks, since the system takes them into its memory in less time than another thread takes to wake; so nothing happens
 * between the change in NeDB's memory and the one in the file. A process that is killed then loses nothing that was acknowledged.
 */
export class DataFile {
  readonly #name: string;
  #fd: number | undefined;
  #closed = false;

  constructor(name: string) {
    this.#name = name;
  }

  append(lines: string): void {
    this.requireOpen();
    this.#fd ??= openSync(this.#name, "a", fileMode);
    const bytes = Buffer.from(lines);
    // A disk that fills takes a part first, and refuses the rest.
    for (let at = 0; at < bytes.length;) at += writeSync(this.#fd, bytes, at);
  }

  /** Before another file takes the name: the next append opens that one. */
  release(): void {
    if (this.#fd === undefined) return;
    const fd = this.#fd;
    this.#fd = undefined;
    closeSync(fd);
  }

  /** For good: the file may be another process's from now on. */
  close(): void {
    this.#closed = true;
    this.release();
  }

  requireOpen(): void {
    if (this.#closed) throw new Error(`${this.#name} is closed`);
  }

  /** A process that is killed while it writes leaves half a line, which nobody was told of: cut it off. */
  truncateTornLine(): void {
    if (!existsSync(this.#name)) return;
    const size = statSync(this.#name).size;
    const fd = openSync(this.#name, "r+");
    try {
      const chunk = Buffer.alloc(65_536);
      let end = size;
      while (end > 0) {
        const start = Math.max(0, end - chunk.length);
        const read = readSync(fd, chunk, 0, end - start, start);
        const newline = chunk.subarray(0, read).lastIndexOf(0x0a);
        if (newline >= 0) {
          if (start + newline + 1 < size) ftruncateSync(fd, start + newline + 1);
          return;
        }
        end = start;
      }
      ftruncateSync(fd, 0);
    } finally {
      closeSync(fd);
    }
  }
}
