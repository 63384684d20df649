// A test run that is killed with SIGKILL cannot clean up after itself. So a small shell, in a session of its own, is told what
// was started and reads until its stdin closes, which the kernel sees to when this process dies, however it dies. Then it ends
// what is left. It is a shell and not a Node process because it costs 1 MB and needs no file of ours on the disk.

import { spawn } from "node:child_process";
import type { Socket } from "node:net";

const script = `
folder=$1 grace=$2 pids= containers=
while read -r word id; do
  case $word in
    process) pids="$pids $id" ;;
    ended) rest=; for pid in $pids; do [ "$pid" = "$id" ] || rest="$rest $pid"; done; pids=$rest ;;
    container) containers="$containers $id" ;;
    removed) rest=; for name in $containers; do [ "$name" = "$id" ] || rest="$rest $name"; done; containers=$rest ;;
  esac
done
running() { for pid in $pids; do kill -0 "$pid" && return 0; done; return 1; }
if [ "$grace" -gt 0 ]; then
  for pid in $pids; do kill -CONT "$pid"; kill -TERM "$pid"; done
  while [ "$grace" -gt 0 ] && running; do sleep 1; grace=$((grace - 1)); done
fi
for pid in $pids; do kill -KILL "$pid"; done
for name in $containers; do docker rm --force --volumes "$name"; done
[ -z "$folder" ] || rm -rf -- "$folder"
`;

export interface Watchdog {
  readonly pid: number;
  tell(what: "process" | "ended" | "container" | "removed", id: string | number): void;
  /** Lets it go, and waits until it has. What it still has on its list is ended. */
  dismiss(): Promise<void>;
}

/** `removes` is the folder that goes with the parts; `grace` the seconds they get to save their data before SIGKILL. */
export function startWatchdog(removes: string | undefined, grace: number): Watchdog {
  const shell = spawn("sh", ["-c", script, "confab-parts-watchdog", removes ?? "", String(grace)], {
    detached: true, // else a Ctrl-C in the terminal would take it along
    stdio: ["pipe", "ignore", "ignore"],
  });
  const input = shell.stdin as Socket;
  input.on("error", () => {}); // it was killed from outside: nothing left to tell
  // Neither may keep a finished process from exiting: that exit is what the shell waits for.
  shell.unref();
  input.unref();
  const gone = new Promise<void>((resolve) => shell.once("exit", () => resolve()));

  return {
    pid: shell.pid ?? 0,
    tell: (what, id) => void input.write(`${what} ${id}\n`),
    async dismiss() {
      shell.ref();
      input.end();
      await gone;
    },
  };
}
