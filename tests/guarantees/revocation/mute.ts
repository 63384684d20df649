// Loaded into every node by --import: while the file that MUTE names is there, nothing that announces an end gets out.
// Each time is a line in the node's log, so that the test can see that it struck.

import { existsSync } from "node:fs";
import { ServiceBroker } from "moleculer";

const announcing = new Set(["user.session.ended", "user.sessions.ended", "chat.entry.appended", "chat.user.appended"]);

type Tell = (this: ServiceBroker, name: string, ...rest: unknown[]) => Promise<void>;
const prototype = ServiceBroker.prototype as unknown as Record<"emit" | "broadcast", Tell>;

for (const way of ["emit", "broadcast"] as const) {
  const tell = prototype[way];
  prototype[way] = function (this: ServiceBroker, name, ...rest) {
    if (!announcing.has(name) || !existsSync(process.env["MUTE"]!)) return tell.call(this, name, ...rest);
    process.stderr.write(`mute: ${name}\n`);
    return Promise.resolve();
  };
}
