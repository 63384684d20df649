// Debian's packages. Their signatures are checked by apt; its mirrors keep no older versions, so they are not pinned.

import { onPath } from "../parts/find.ts";
import { output, thrice, type Say } from "./run.ts";

// Debian starts a service when its package is installed, unless policy-rc.d says 101. One that was there is put back. What starts
// all the same (it runs as one of these users) is ended. With systemd the services would also start at every boot: not those we
// brought. Two installs at once wait for each other at our own lock; others hold apt's. DPkg::Lock::Timeout waits for one of
// apt's locks only, so a command that met another one is tried again. What is slow is the download: it has a limit of its own,
// since an install that is killed half-way has to be repaired.
const script = `
exec 9>/tmp/confab-fetch.lock; flock --timeout 900 9 || exit 1
update=$1; shift
policy=/usr/sbin/policy-rc.d; kept=$policy.confab-kept; said=$(mktemp)
restore() { rm -f "$said"; if [ -e "$kept" ]; then mv "$kept" "$policy"; else rm -f "$policy"; fi; }
services() { for user in rabbitmq redis epmd; do pgrep -u "$user" 2>/dev/null; done; }
apt_get() {
  limit=$1; shift; until=$(( $(date +%s) + 300 ))
  while :; do
    timeout --kill-after=30 "$limit" apt-get --quiet --yes -o Acquire::Retries=3 -o Acquire::http::Timeout=30 \\
      -o DPkg::Lock::Timeout=300 "$@" >"$said" 2>&1 9>&-
    code=$?; cat "$said"
    [ "$code" -ne 0 ] && grep -q 'Could not get lock' "$said" && [ "$(date +%s)" -lt "$until" ] || return "$code"
    sleep 2
  done
}
before=$(services)
new=; for package in "$@"; do dpkg -s "$package" >/dev/null 2>&1 || new="$new $package"; done
if [ -e "$policy" ] && ! grep -q 'confab fetch' "$policy"; then mv "$policy" "$kept"; fi
trap restore EXIT; trap 'exit 1' INT TERM HUP
printf '#!/bin/sh\\n# confab fetch: nothing is started while we install\\nexit 101\\n' >"$policy"; chmod 755 "$policy"
export DEBIAN_FRONTEND=noninteractive
dpkg --configure -a >/dev/null 2>&1 9>&- # an install that was killed
[ "$update" = no ] || apt_get 180 update || echo 'apt-get update failed; trying with the lists that are here'
apt_get 600 install --no-install-recommends --no-upgrade --download-only "$@" || exit
apt_get 900 install --no-install-recommends --no-upgrade "$@"; code=$?
for pid in $(services); do echo "$before" | grep -qx "$pid" || kill "$pid"; done
if [ -d /run/systemd/system ]; then
  for package in $new; do systemctl disable --quiet "$package"; done
fi
exit $code
`;
/** Longer than the script takes by its own limits. */
const limitMs = 3_600_000;

let isUpdated = false;
let turn: Promise<unknown> = Promise.resolve();

/** Installs packages, one call after another. Rejects with the reason and with what to do by hand. */
export function installFromDebian(packages: readonly string[], say: Say): Promise<void> {
  const installed = turn.then(() => install(packages, say));
  turn = installed.catch(() => {});
  return installed;
}

async function install(packages: readonly string[], say: Say): Promise<void> {
  const byHand = `apt-get install --no-install-recommends ${packages.join(" ")}`;
  if (!onPath("apt-get")) throw new Error(`this is no Debian (no apt-get), where we would run: ${byHand}`);
  if (process.getuid?.() !== 0) throw new Error(`only root may install; by hand: sudo ${byHand}`);
  say(`installing Debian's ${packages.join(" and ")}`);
  await thrice(async () => {
    const update = isUpdated ? "no" : "yes";
    isUpdated = false; // if it fails, the lists may be why
    await output("sh", ["-c", script, "confab-fetch", update, ...packages], limitMs);
    isUpdated = true;
  });
}
