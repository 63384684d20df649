/* What `npm run backup` and `npm run restore` have in common. */
import { storeSettings } from "@confab/mixins/store/store.mixin.ts";
import { inMemory, StoreRefused } from "@confab/mixins/store/sqlite.ts";
import { SettingsError } from "@confab/mixins/settings.ts";
import { Refusal } from "./refusal.ts";

/** Where the settings say that the data is. */
export function placeOfStore(): { mongoUrl: string } | { dataDir: string } {
  const { MONGO_URL, DATA_DIR } = storeSettings.read();
  if (MONGO_URL) return { mongoUrl: MONGO_URL };
  if (DATA_DIR === inMemory) throw new Refusal("DATA_DIR is memory: nothing of it can be backed up or restored.");
  return { dataDir: DATA_DIR };
}

/** Ends the process with 1 where it was refused, after the sentence that says why. */
export async function runCommand(run: () => Promise<string>): Promise<void> {
  try {
    console.log(await run());
  } catch (err) {
    const isExpected =
      err instanceof Refusal ||
      err instanceof StoreRefused ||
      err instanceof SettingsError ||
      String((err as { code?: unknown }).code).startsWith("ERR_PARSE_ARGS") ||
      ["ENOSPC", "EACCES", "EROFS"].includes((err as NodeJS.ErrnoException).code ?? "");
    console.error(isExpected ? (err as Error).message : err);
    process.exitCode = 1;
  }
}

export function presentBytes(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB"];
  const at = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${at === 0 ? bytes : (bytes / 1000 ** at).toFixed(1)} ${units[at]}`;
}
