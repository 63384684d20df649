import { createServer } from "node:net";

// Below the range from which the kernel takes the near ends of outgoing connections: a part that was killed must find its port
// free when it comes back, and clients that keep trying must not have taken it meanwhile.
const lowest = 20_000;
const highest = 29_999;

const given = new Set<number>();

/** The wanted port if it is free, else any free one. Never the same one twice. */
export async function freePort(wanted?: number): Promise<number> {
  if (wanted && !given.has(wanted) && (await isFree(wanted))) return take(wanted);
  for (let tries = 0; tries < 200; tries++) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest + 1));
    if (!given.has(port) && (await isFree(port))) return take(port);
  }
  throw new Error(`no free port between ${lowest} and ${highest}`);
}

function take(port: number): number {
  given.add(port);
  return port;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
