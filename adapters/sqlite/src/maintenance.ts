/* The thread that does what takes long: it copies the log into the file, checks the file and makes backups. */
import { backup } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { numberOf, openWriting } from "./open.ts";

/** What the thread is asked for. */
export type MaintenanceTask = { do: "checkpoint" } | { do: "check" } | { do: "backup"; to: string };

const { file } = workerData as { file: string };
const port = parentPort!;
const database = openWriting(file);

/** Pages of the log that are not in the file yet. */
function checkpoint(): number {
  const [row] = database.prepare("PRAGMA wal_checkpoint(PASSIVE)").all() as { log: number; checkpointed: number }[];
  return Number(row!.log) - Number(row!.checkpointed);
}

async function work(task: MaintenanceTask): Promise<unknown> {
  if (task.do === "checkpoint") return checkpoint();
  if (task.do === "check")
    return database
      .prepare("PRAGMA quick_check(5)")
      .all()
      .map((row) => Object.values(row)[0]);
  // In one step: a copy of one moment, during which others may write.
  await backup(database, task.to, { rate: numberOf(database, "PRAGMA page_count") + 1 });
  return null;
}

port.on("message", (task: MaintenanceTask | "close") => {
  if (task === "close") {
    database.close();
    port.close();
    return;
  }
  work(task).then(
    (done) => port.postMessage({ done }),
    (err: unknown) => port.postMessage({ failed: (err as Error).message }),
  );
});
