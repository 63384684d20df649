import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Two servers on the same data would ruin them, and RabbitMQ and Redis do not notice. So the folder bears the number of the
 * process that answers for it: the watchdog, which also lives on after a crash until the last part has ended.
 */
export function claimFolder(folder: string, watchdog: number): () => void {
  const file = join(folder, "claimed-by");
  try {
    writeFileSync(file, String(watchdog), { flag: "wx" });
  } catch {
    const holder = Number(readFileSync(file, "utf8"));
    if (lives(holder)) throw new Error(`the parts in ${folder} are running already; process ${holder} watches over them`);
    writeFileSync(file, String(watchdog));
  }
  return () => rmSync(file, { force: true });
}

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
