/* Backup and restore of a DATA_DIR. */
import { copyDatabases, databasesIn, DataFolder, requireSound } from "@confab/sqlite";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { join, resolve } from "node:path";
import { renewEpochOfFolder } from "./epoch.ts";
import { copyPrivate, filesBelow, syncFile, syncFolders } from "./files.ts";
import { readManifest, writeManifest, type Manifest } from "./manifest.ts";
import { Refusal } from "./refusal.ts";

/**
 * In this order, should the copies not be of one moment after all: chat names users, and what causes a mail holds it until
 * the mail service has it. So nothing refers to what is missing, and no mail is lost.
 */
const order = ["chat.db", "user.db"];
const last = "mail.db";
/** What lies beside the databases and belongs to them: a file, and a folder. */
const signingKey = "signing-key.pem";
const media = "media";

/** Inside of DATA_DIR, which may be a mount point that cannot be renamed. */
const draftName = "restore.partial";
const asideName = /^replaced-/;
const ownerFile = /^owner\.db/;
/** Of the file system, at the root of a volume. */
const lostAndFound = "lost+found";

/** Copies a DATA_DIR, whose owner may be running, into an empty folder. */
export async function backUpFolder(dataDir: string, to: string): Promise<Manifest> {
  const createdAt = new Date().toISOString();
  const found = databasesIn(dataDir);
  if (!found.includes("chat.db")) throw new Refusal(`${resolve(dataDir)} holds no chat.db: there is nothing to back up.`);
  const first = order.filter((name) => found.includes(name));
  const others = found.filter((name) => !order.includes(name) && name !== last);
  await copyDatabases(dataDir, [...first, ...others, ...found.filter((name) => name === last)], to);
  if (existsSync(join(dataDir, signingKey))) copyPrivate(join(dataDir, signingKey), join(to, signingKey));
  // Later than the databases: what they name was stored before.
  if (existsSync(join(dataDir, media)))
    for (const path of filesBelow(join(dataDir, media))) copyPrivate(join(dataDir, media, path), join(to, media, path));
  return writeManifest(to, { store: "sqlite", createdAt, epoch: epochIn(join(to, "chat.db")) });
}

/**
 * Puts a backup in the place of what is in DATA_DIR, under a new epoch. With `replace` the files that are there are moved
 * into a folder beside, whose path is answered. Killed at any moment, it leaves the store of before, or one that refuses
 * to start until it is restored again.
 */
export async function restoreFolder(
  backup: string,
  dataDir: string,
  { replace = false } = {},
): Promise<{ manifest: Manifest; epoch: string; aside?: string }> {
  const manifest = await readManifest(backup, "sqlite");
  const folder = DataFolder.claim(dataDir, { toReplace: true });
  try {
    if (contentOf(folder.path).length > 0 && !replace && folder.unfinished === undefined)
      throw new Refusal(
        `${folder.path} is not empty. Say --replace to move what is there into a folder of its own, or choose another DATA_DIR.`,
      );
    const draft = join(folder.path, draftName);
    rmSync(draft, { recursive: true, force: true });
    const epoch = await prepare(backup, manifest, draft);
    folder.beginReplacing(`A restore into ${folder.path} was interrupted. Run it again: npm run restore -- FOLDER --replace`);
    const aside = moveAside(folder.path);
    for (const name of readdirSync(draft)) renameSync(join(draft, name), join(folder.path, name));
    syncFile(folder.path);
    folder.finishReplacing(manifest.files.map(({ path }) => path).filter(isDatabase));
    rmSync(draft, { recursive: true, force: true });
    return { manifest, epoch, aside };
  } finally {
    folder.release();
  }
}

const isDatabase = (path: string) => /^[^/]+\.db$/.test(path);

const contentOf = (dataDir: string) =>
  readdirSync(dataDir).filter(
    (name) => !ownerFile.test(name) && !asideName.test(name) && name !== draftName && name !== lostAndFound,
  );

/** Copies the backup into a folder, checks it there and gives it a new epoch, all of it synced. */
async function prepare(backup: string, { files }: Manifest, draft: string): Promise<string> {
  try {
    mkdirSync(draft, { mode: 0o700 });
    for (const { path } of files) {
      copyPrivate(join(backup, path), join(draft, path));
      if (isDatabase(path)) requireSound(join(draft, path));
      syncFile(join(draft, path));
    }
    const lister = DataFolder.claim(draft);
    lister.finishReplacing(files.map(({ path }) => path).filter(isDatabase));
    lister.release();
    const epoch = await renewEpochOfFolder(draft);
    for (const name of readdirSync(draft)) if (ownerFile.test(name)) rmSync(join(draft, name));
    syncFolders(draft);
    return epoch;
  } catch (err) {
    rmSync(draft, { recursive: true, force: true });
    throw err;
  }
}

function moveAside(dataDir: string): string | undefined {
  const content = contentOf(dataDir);
  if (content.length === 0) return undefined;
  const aside = join(dataDir, `replaced-${new Date().toISOString().replaceAll(":", "-")}`);
  mkdirSync(aside, { mode: 0o700 });
  for (const name of content) renameSync(join(dataDir, name), join(aside, name));
  syncFile(aside);
  syncFile(dataDir);
  return aside;
}

function epochIn(file: string): string {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const facts = database.prepare("SELECT doc FROM facts").all();
    const found = facts.map(({ doc }) => JSON.parse(doc as string) as { _id: string; value: string });
    return found.find(({ _id }) => _id === "epoch")?.value ?? "";
  } finally {
    database.close();
  }
}
