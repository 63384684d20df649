import type { Context, Middleware } from "moleculer";
import { problem } from "./problem.ts";

/** Two of our own heartbeats, which come back to us like all others. */
const silentAfter = 4000;
const looks = 8;

/**
 * Gives up calls to other nodes once nothing at all is heard of the broker between us, not even one's own heartbeats: a
 * broker that stands still keeps its connections open, and whoever asks would wait until the call times out. What was
 * asked may yet be done, as after any call that was given up.
 */
export function silenceMiddleware(milliseconds = silentAfter): Middleware {
  const waiting = new Set<(err: Error) => void>();
  let timer: NodeJS.Timeout | undefined;
  /** Looks since something was heard. Counted, so that a process that itself stood still takes nobody for silent. */
  let quiet = 0;
  const unavailable = () => problem("unavailable", { detail: "The message broker is silent", retryAfter: 2 });

  function look(): void {
    if (++quiet < looks) return;
    for (const giveUp of waiting) giveUp(unavailable());
    waiting.clear();
  }
  function hear(): void {
    quiet = 0;
    timer ??= setInterval(look, milliseconds / looks).unref();
  }

  return {
    name: "Silence",
    transporterReceive: (next: (...packet: unknown[]) => unknown) =>
      function (this: unknown, ...packet: unknown[]) {
        hear();
        return next.apply(this, packet);
      },
    remoteAction: (next: (ctx: Context) => Promise<unknown>) => async (ctx: Context) => {
      if (quiet >= looks) throw unavailable();
      let giveUp: (err: Error) => void = () => {};
      const silence = new Promise<never>((_, reject) => waiting.add((giveUp = reject)));
      try {
        return await Promise.race([next(ctx), silence]);
      } finally {
        waiting.delete(giveUp);
      }
    },
    stopped: async () => clearInterval(timer),
  } as unknown as Middleware;
}
