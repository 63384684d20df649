/* The thread that writes one file. It starts when its parent has claimed the folder. */
import { parentPort, workerData } from "node:worker_threads";
import type { Operation } from "./operations.ts";
import { openWriting } from "./open.ts";
import { Writer } from "./writer.ts";

const { file, refuseScans } = workerData as { file: string; refuseScans: boolean };
const port = parentPort!;

try {
  const database = openWriting(file);
  const writer = new Writer(database, { refuseScans });
  port.on("message", (text: string) => {
    if (text === "close") {
      database.close();
      port.close();
      return;
    }
    port.postMessage(JSON.stringify(writer.apply(JSON.parse(text) as Operation[])));
  });
  port.postMessage("ready");
} catch (err) {
  port.postMessage(JSON.stringify({ refused: (err as Error).message }));
}
