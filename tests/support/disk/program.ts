// What shim.spec.ts runs on a faulty disk: reads one call a line, `[name, ...arguments]`, and answers each by one line.

import { closeSync, fsyncSync, openSync, mkdirSync, renameSync, rmSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";

let database: DatabaseSync | undefined;
const files = new Map<string, number>();

const calls = {
  /** Opens a database as Confab does, but for `synchronous`. */
  open(file: string, synchronous: "OFF" | "NORMAL" | "FULL"): void {
    database = new DatabaseSync(file);
    database.exec(`pragma journal_mode = wal; pragma synchronous = ${synchronous}; pragma wal_autocheckpoint = 50`);
    database.exec("create table if not exists rows (number integer primary key, text)");
  },
  /** Inserts rows in one transaction. */
  insert(first: number, count: number): void {
    const insert = database!.prepare("insert into rows values (?, ?)");
    database!.exec("begin immediate");
    try {
      for (let number = first; number < first + count; number++) insert.run(number, textOf(number));
      database!.exec("commit");
    } catch (error) {
      if (database!.isTransaction) database!.exec("rollback");
      throw error;
    }
  },
  exec(sql: string): void {
    database!.exec(sql);
  },
  close(): void {
    database!.close();
  },
  write: (file: string, text: string) => writeFileSync(file, text),
  openFile: (file: string, flags: string) => void files.set(file, openSync(file, flags)),
  append: (file: string, text: string) => void writeSync(files.get(file)!, text),
  closeFile: (file: string) => closeSync(files.get(file)!),
  rename: (from: string, to: string) => renameSync(from, to),
  remove: (file: string) => rmSync(file),
  truncate: (file: string, size: number) => truncateSync(file, size),
  mkdir: (folder: string) => mkdirSync(folder),
  /** Of a file or a folder. */
  sync(path: string): void {
    const fd = openSync(path, "r");
    fsyncSync(fd);
    closeSync(fd);
  },
};

function textOf(number: number): string {
  return `row ${number} `.repeat(40);
}

const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const [name, ...args] = JSON.parse(line) as [keyof typeof calls, ...never[]];
  try {
    const call: (...args: never[]) => void = calls[name];
    call(...args);
    console.log("ok");
  } catch (error) {
    console.log((error as Error).message);
  }
});
