// npm run backup -- FOLDER
//
// Copies the store that the settings name into a folder that does not exist yet, while Confab runs. docs/operations.md#backup-and-restore

import { setPriority } from "node:os";
import { relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { placeOfStore, presentBytes, runCommand } from "./command.ts";
import { asOneStep } from "./draft.ts";
import { backUpFolder } from "./embedded.ts";
import type { Manifest } from "./manifest.ts";
import { backUpMongo } from "./mongo.ts";
import { Refusal } from "./refusal.ts";

await runCommand(async () => {
  const { positionals } = parseArgs({ allowPositionals: true });
  const [folder, ...more] = positionals;
  if (folder === undefined || more.length > 0) throw new Refusal("Name one folder: npm run backup -- FOLDER");
  const place = placeOfStore();
  if ("dataDir" in place && !relative(resolve(place.dataDir), resolve(folder)).startsWith(".."))
    throw new Refusal(`${resolve(folder)} is inside of DATA_DIR, which a restore replaces. Name a folder elsewhere.`);
  // The server goes first.
  setPriority(10);
  let manifest: Manifest | undefined;
  await asOneStep(folder, async (draft) => {
    manifest = "mongoUrl" in place ? await backUpMongo(place.mongoUrl, draft) : await backUpFolder(place.dataDir, draft);
  });
  const { files } = manifest!;
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  return `${resolve(folder)} holds a backup of ${files.length} files, ${presentBytes(bytes)}. It contains personal data and secrets: keep it safe.`;
});
