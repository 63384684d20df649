import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { installFromDebian } from "./fetch/debian.ts";
import type { Say } from "./fetch/run.ts";

const names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/** Where Chromium, or a browser that is built on it, is; undefined where there is none. CHROMIUM names one that lies elsewhere. */
export function findChromium(): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/bin", "/snap/bin"].filter(Boolean);
  const places = folders.flatMap((folder) => names.map((name) => join(folder, name)));
  return [process.env["CHROMIUM"], ...places].find((place) => place !== undefined && existsSync(place));
}

/** Installs Debian's, unless there is one. */
export async function fetchChromium(say: Say): Promise<string> {
  if (!findChromium()) await installFromDebian(["chromium"], say);
  const found = findChromium();
  if (!found) throw new Error("Chromium was installed, but is not on the PATH; CHROMIUM names one that lies elsewhere.");
  return found;
}
