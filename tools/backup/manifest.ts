/* What a backup consists of. A folder without a manifest is no backup. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { filesBelow, hashOf, sizeOf, syncFile } from "./files.ts";
import { Refusal } from "./refusal.ts";

const fileName = "manifest.json";
/** Of the manifest and the folder around it. */
const format = 1;

export type StoreKind = "sqlite" | "mongodb";

export interface Manifest {
  format: number;
  /** The version of Confab that made it. */
  version: string;
  store: StoreKind;
  createdAt: string;
  /** The epoch of the store that was copied. A restored store gets a new one. */
  epoch: string;
  files: { path: string; size: number; sha256: string }[];
}

/** Syncs and lists what is in the folder. The last step of a backup. */
export async function writeManifest(folder: string, about: Pick<Manifest, "store" | "createdAt" | "epoch">): Promise<Manifest> {
  const files: Manifest["files"] = [];
  for (const path of filesBelow(folder)) {
    const file = join(folder, path);
    chmodSync(file, 0o600);
    syncFile(file);
    files.push({ path, size: sizeOf(file), sha256: await hashOf(file) });
  }
  const manifest: Manifest = { format, version: packageJson.version, ...about, files };
  const file = join(folder, fileName);
  writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
  syncFile(file);
  return manifest;
}

/** Throws Refusal where the folder is not a whole and unchanged backup of this kind of store. */
export async function readManifest(folder: string, store: StoreKind): Promise<Manifest> {
  const file = join(folder, fileName);
  if (!existsSync(file)) throw new Refusal(`${folder} is not a backup: it has no ${fileName}.`);
  const manifest = parse(file);
  if (manifest.format !== format)
    throw new Refusal(
      `${folder} has backup format ${manifest.format}; this version reads ${format}. Restore it with Confab ${manifest.version}.`,
    );
  if (manifest.store !== store)
    throw new Refusal(
      `${folder} is a backup of ${nameOf[manifest.store]}, and the settings name ${nameOf[store]}. MONGO_URL decides which it is.`,
    );
  for (const { path, size, sha256 } of manifest.files) {
    const listed = join(folder, path);
    if (path.split("/").includes("..") || !existsSync(listed)) throw new Refusal(`${listed} is missing. Use another backup.`);
    if (sizeOf(listed) !== size || (await hashOf(listed)) !== sha256)
      throw new Refusal(`${listed} is not as it was when the backup was made: its SHA-256 differs. Use another backup.`);
  }
  return manifest;
}

const nameOf: Record<StoreKind, string> = { sqlite: "an embedded store", mongodb: "a MongoDB database" };

function parse(file: string): Manifest {
  try {
    const manifest = JSON.parse(readFileSync(file, "utf8")) as Manifest;
    if (Array.isArray(manifest.files)) return manifest;
  } catch {
    // The same refusal.
  }
  throw new Refusal(`${file} is damaged. Use another backup.`);
}
