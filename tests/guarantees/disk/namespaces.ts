import type { Launcher } from "../../support/node.ts";

/** Who is not root gets a user namespace, in which mounting is allowed. */
const unshare = ["unshare", ...(process.getuid!() === 0 ? [] : ["--user", "--map-root-user"])];

/** Runs a script with the command as its arguments, in a mount namespace that ends with the process. */
const inMounts = (script: string): Launcher => [...unshare, "--mount", "sh", "-ec", `${script}; exec "$@"`, "sh"];

/** The folder is a small disk of its own. From outside it is at `insideOf`. */
export const onSmallDisk = (folder: string, megabytes: number): Launcher =>
  inMounts(`mount -t tmpfs -o size=${megabytes}m none '${folder}'`);

/** The folder can be read but not changed. */
export const onReadOnlyDisk = (folder: string): Launcher =>
  inMounts(`mount --bind '${folder}' '${folder}'; mount -o remount,ro,bind '${folder}'`);

/** Another container with the same volume: its processes have numbers of their own, and the folder another path. */
export const inContainer = (folder: string, mountedAt: string): Launcher => [
  ...unshare,
  ...["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"],
  ...["sh", "-ec", `mount --bind '${folder}' '${mountedAt}'; exec "$@"`, "sh"],
];

/** Where a path of a process with its own mounts is seen from outside. */
export const insideOf = (pid: number, path: string): string => `/proc/${pid}/root${path}`;
