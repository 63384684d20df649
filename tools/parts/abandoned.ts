// Started by parts.spec.ts to be killed: starts the parts, says which processes are theirs, and waits.

import { startParts } from "./parts.ts";

const parts = await startParts();
console.log(JSON.stringify([parts.rabbitmq, parts.redis, parts.mongodb].flatMap((part) => part.pids())));
setInterval(() => {}, 1 << 30);
