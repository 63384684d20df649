// npm run dev: the services that SERVICES names, here or in the `.env` of this folder, started anew whenever their code changes.
// With api among them the page is built first, and again whenever its sources change. Arguments are passed on to confab.ts.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, watch } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";

const root = join(import.meta.dirname, "..");
const pageFolder = join(root, "services/api/page");

const hasEnvFile = existsSync(".env");
const fromFile = hasEnvFile ? parseEnv(readFileSync(".env", "utf8"))["SERVICES"] : undefined;
const services = process.env["SERVICES"] ?? fromFile;
const withPage = !services || services.split(",").some((name) => name.trim() === "api");

// Heard from the beginning, and any number of times: npm passes on the signal that the terminal has already sent us.
let ending = false;
let watcher: ReturnType<typeof spawn> | undefined;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    if (ending) return;
    ending = true;
    // Node's watcher waits for what it runs.
    watcher?.kill("SIGTERM");
  });
}

if (withPage) {
  await buildPage();
  watchPage();
}
if (!ending) {
  // Named only where it is: Node 24 dies at its end where it was to watch a file that is not there.
  const envFile = hasEnvFile ? ["--env-file=.env"] : [];
  const command = ["--watch", ...envFile, join(root, "confab.ts"), ...process.argv.slice(2)];
  // In a group of its own, which the terminal's Ctrl-C does not reach.
  watcher = spawn(process.execPath, command, { stdio: "inherit", detached: true });
  const [code] = (await once(watcher, "exit")) as [number | null];
  process.exit(ending ? 0 : (code ?? 1));
}
process.exit(0);

/** In a process of its own: it loads the bundler, and a page that cannot be built ends nothing. */
async function buildPage(): Promise<void> {
  const [code] = (await once(spawn(process.execPath, [join(pageFolder, "build.ts")], { stdio: "inherit" }), "exit")) as [
    number | null,
  ];
  if (code !== 0 && !ending) console.error("The page could not be built; it is tried again when its sources change.");
}

function watchPage(): void {
  let timer: NodeJS.Timeout | undefined;
  let building = Promise.resolve();
  const changed = (_event: string, name: string | null) => {
    if (name?.startsWith("dist")) return;
    clearTimeout(timer);
    // An editor's save is several changes.
    timer = setTimeout(() => {
      building = building.then(buildPage);
    }, 100);
  };
  // The page stands on the client, and that on the contracts.
  for (const folder of [pageFolder, join(root, "sdk"), join(root, "contracts")]) watch(folder, { recursive: true }, changed);
}
