// npm run parts            starts the parts for development, and keeps them until Ctrl-C
// npm run parts -- install fetches what is missing and starts nothing, to prepare a CI image

import { join } from "node:path";
import { presentEnv } from "./env.ts";
import { locateParts, startParts } from "./parts.ts";

const command = process.argv[2];
try {
  if (command === "install") await install();
  else if (command === undefined) await serve();
  else throw new Error(`unknown command "${command}"; there is "install", or none to start the parts`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function install() {
  for (const [name, where] of Object.entries(await locateParts())) console.log(`${name}: ${where.source}`);
}

async function serve() {
  // Heard from the beginning, so that a Ctrl-C during the start also ends in order. A second one changes nothing: npm passes on
  // the signal that the terminal has already sent us.
  const interrupted = new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => resolve());
  });
  const folder = join(import.meta.dirname, "..", "..", ".parts");
  const parts = await startParts({ folder, ports: { rabbitmq: 5672, redis: 6379, mongodb: 27017 } });
  const sources = Object.entries(parts.source).map(([name, source]) => `${name} from ${source}`);
  console.log(`
# ${sources.join(", ")}. Data in ${folder}
${presentEnv(parts)}

# Ctrl-C stops them.`);

  const awake = setInterval(() => {}, 1 << 30); // the parts do not keep this process alive, so that tests can end
  await interrupted;
  clearInterval(awake);
  console.log("stopping");
  await parts.stop();
}
