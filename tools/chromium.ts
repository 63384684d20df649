import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

const names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/** Where Chromium is, or a browser that is as good; undefined where there is none. */
export function findChromium(): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/bin", "/snap/bin"].filter(Boolean);
  const places = folders.flatMap((folder) => names.map((name) => join(folder, name)));
  return [process.env["CHROMIUM"], ...places].find((place) => place !== undefined && existsSync(place));
}

/** Installs Debian's, where one may. */
function installChromium(): void {
  const mayInstall = process.getuid?.() === 0 && existsSync("/usr/bin/apt-get");
  if (!mayInstall)
    throw new Error("There is no Chromium, and only root on Debian can install it here. CHROMIUM names one that lies elsewhere.");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [
    ["update", "-q"],
    ["install", "-y", "-q", "--no-install-recommends", "chromium"],
  ]) {
    const { status } = spawnSync("apt-get", args, { stdio: ["ignore", "ignore", "inherit"], env });
    if (status !== 0) throw new Error(`apt-get ${args[0]} ended with ${status}`);
  }
}

if (process.argv[1]?.endsWith(join("tools", "chromium.ts"))) {
  if (!findChromium()) installChromium();
  console.log(findChromium() ?? "Chromium was installed, but is not to be found.");
}
