/* A backup appears under its name when it is whole, and not before. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { syncFile, syncFolders } from "./files.ts";
import { Refusal } from "./refusal.ts";

/** Fills a folder beside the wanted one, which takes its name at the end. Whatever fails or interrupts leaves nothing. */
export async function asOneStep(wanted: string, fill: (draft: string) => Promise<void>): Promise<void> {
  const folder = resolve(wanted);
  const parent = dirname(folder);
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new Refusal(`${folder} is there and not empty. Name a folder that does not exist yet.`);
  mkdirSync(parent, { recursive: true });
  const prefix = `${basename(folder)}.partial-`;
  for (const left of readdirSync(parent).filter((name) => name.startsWith(prefix)))
    console.error(`${join(parent, left)} is left over from a backup that was killed, or belongs to one that is running.`);
  const draft = join(parent, `${prefix}${process.pid}`);
  const remove = () => rmSync(draft, { recursive: true, force: true });
  const interrupt = () => {
    remove();
    process.exit(130);
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.once(signal, interrupt);
  // A process of the same number, in another container or before a restart.
  remove();
  mkdirSync(draft, { mode: 0o700 });
  try {
    await fill(draft);
    syncFolders(draft);
    renameSync(draft, folder);
    syncFile(parent);
  } catch (err) {
    remove();
    const { code } = err as NodeJS.ErrnoException;
    if (code === "EBUSY" || code === "EXDEV" || code === "ENOTEMPTY")
      throw new Refusal(`${folder} cannot be put in place (${code}). Name a folder inside of it that does not exist yet.`);
    throw err;
  } finally {
    for (const signal of signals) process.removeListener(signal, interrupt);
  }
}
