// A process that runs Confab on one folder after another: the start of a process is most of what a start costs.

import { startNode, type ConfabNode } from "../../../node.ts";

let node: ConfabNode | undefined;

process.on("message", (env: Record<string, string> | "stop") => {
  void (async () => {
    try {
      if (env === "stop") await node!.stop();
      else node = await startNode(env);
      process.send!({});
    } catch (error) {
      process.send!({ error: (error as Error).stack });
    }
  })();
});
process.on("disconnect", () => process.exit());
