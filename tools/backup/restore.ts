// npm run restore -- FOLDER [--replace]
// npm run restore -- --new-epoch
//
// Puts a backup in the place of the store that the settings name, under a new epoch; or, after a copy was put back by other
// means, only gives the store a new epoch. Confab must not be running. docs/operations.md#backup-and-restore

import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { placeOfStore, runCommand } from "./command.ts";
import { restoreFolder } from "./embedded.ts";
import { renewEpochOfFolder, renewEpochOfMongo } from "./epoch.ts";
import { restoreMongo } from "./mongo.ts";
import { Refusal } from "./refusal.ts";

await runCommand(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { replace: { type: "boolean", default: false }, "new-epoch": { type: "boolean", default: false } },
  });
  const [backup, ...more] = positionals;
  const place = placeOfStore();
  if (values["new-epoch"] && backup === undefined && !values.replace) {
    const epoch = "mongoUrl" in place ? await renewEpochOfMongo(place.mongoUrl) : await renewEpochOfFolder(place.dataDir);
    return `The store has the new epoch ${epoch}. Clients start over when they connect again.`;
  }
  if (backup === undefined || more.length > 0 || values["new-epoch"])
    throw new Refusal(
      "Name one backup: npm run restore -- FOLDER [--replace]\nOr, after other means: npm run restore -- --new-epoch",
    );
  if ("mongoUrl" in place) {
    if (values.replace)
      throw new Refusal("--replace is for DATA_DIR alone. Name an empty database in MONGO_URL, and start the nodes on it.");
    const { manifest, epoch } = await restoreMongo(backup, place.mongoUrl);
    return `Restored the backup of ${manifest.createdAt} under the new epoch ${epoch}.`;
  }
  const { manifest, epoch, aside } = await restoreFolder(backup, place.dataDir, values);
  const left = aside ? `\nWhat was there before is in ${aside}. Remove it when you are sure that you need none of it.` : "";
  return `Restored the backup of ${manifest.createdAt} to ${resolve(place.dataDir)} under the new epoch ${epoch}.${left}`;
});
