/* The thread that owns the file of the full-text index. */
import { parentPort, workerData } from "node:worker_threads";
import { Engine, type EngineOptions } from "./engine.ts";
import type { Request, Response } from "./host.ts";
import { isDamage } from "./schema.ts";

const engine = new Engine(workerData as EngineOptions);

parentPort!.on("message", ({ id, method, args }: Request) => {
  let response: Response;
  try {
    response = { id, result: (engine[method] as (...args: unknown[]) => unknown)(...args) };
  } catch (err) {
    response = { id, error: (err as Error).message, wasDamaged: isDamage(err) };
  }
  parentPort!.postMessage(response);
});
