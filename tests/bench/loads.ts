// What is done to a server, each for a time and no longer.

import { randomUUID } from "node:crypto";
import { Agent, request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { BenchSocket, inParallel } from "./client.ts";
import { tally, type Tally } from "./measure.ts";
import type { Crowd } from "./people.ts";
import type { BenchServer } from "./servers.ts";

const text = "The quick brown fox jumps over the lazy dog, and then, being a fox of habit, does it all over again.";

/** Sockets of the first so many people. */
export function openSockets({ server, auths }: Crowd, count: number): Promise<BenchSocket[]> {
  return inParallel(count, 20, (at) => BenchSocket.open(server.url, auths[at % auths.length]!));
}

export function closeSockets(sockets: BenchSocket[]): void {
  for (const socket of sockets) socket.close();
}

export function requireOpen(sockets: BenchSocket[]): void {
  const failure = sockets.find((socket) => socket.failure)?.failure;
  if (failure) throw failure;
}

/** Every pair has one who sends, and waits for the answer before the next; both hear of it. */
export async function sendInPairs({ server, pairs }: Crowd, sockets: BenchSocket[], seconds: number): Promise<Tally> {
  const before = deliveredTo(sockets);
  const result = await tally(server, async () => {
    const waits: number[] = [];
    const end = performance.now() + seconds * 1000;
    await inParallel(pairs.length, pairs.length, async (pair) => {
      for (let now = performance.now(); now < end;) {
        await sockets[2 * pair]!.send(pairs[pair]!, randomUUID(), text);
        waits.push(-now + (now = performance.now()));
      }
    });
    return { done: waits.length, waits };
  });
  await requireDelivered(sockets, before + 2 * result.done);
  return result;
}

/** Keeps a few messages under way to a group whose members all listen; a next one goes when an earlier one has reached everybody. */
export async function sendToGroup({ server, groups }: Crowd, sockets: BenchSocket[], seconds: number): Promise<Tally> {
  const chatId = groups.get(sockets.length)!;
  const underWay = sockets.length >= 1000 ? 4 : 16;
  const before = deliveredTo(sockets);
  let sent = 0;
  const result = await tally(server, async () => {
    await new Promise<void>((resolve, reject) => {
      let delivered = 0;
      let ended = false;
      const sendMore = () => {
        if (ended) return;
        while (sent - Math.floor(delivered / sockets.length) < underWay) {
          sockets[sent % sockets.length]!.send(chatId, randomUUID(), text).catch(reject);
          sent++;
        }
      };
      const timer = setTimeout(() => {
        ended = true;
        if (delivered === sent * sockets.length) resolve();
      }, seconds * 1000);
      for (const socket of sockets) {
        socket.onDelivered = () => {
          delivered++;
          if (ended && delivered === sent * sockets.length) resolve();
          else sendMore();
        };
      }
      setTimeout(() => reject(new Error(`${delivered} deliveries of ${sent * sockets.length}`)), (seconds + 20) * 1000).unref();
      sendMore();
      timer.ref();
    });
    return { done: sent * sockets.length };
  });
  for (const socket of sockets) socket.onDelivered = () => {};
  await requireDelivered(sockets, before + result.done);
  return result;
}

/** Bytes that each of so many sockets costs while it is silent. */
export async function memoryOfIdle(crowd: Crowd, count: number): Promise<number> {
  // A few first, so that what is made once is not counted.
  closeSockets(await openSockets(crowd, Math.min(50, count)));
  await pause(500);
  const before = await crowd.server.memory();
  const sockets = await openSockets(crowd, count);
  await pause(1000);
  const bytes = (await crowd.server.memory()) - before;
  requireOpen(sockets);
  closeSockets(sockets);
  await pause(500);
  return bytes / count;
}

/** One request, which must be answered by 200. */
export interface Request {
  path: string;
  /** Of a POST. */
  body?: object;
  /** Bytes that the answer must have at least and at most: otherwise the figures mean something else. */
  atLeast?: number;
  atMost?: number;
  /** Where the answer is shorter and has a cursor, ask again from there: all of it counts as one. */
  byCursor?: boolean;
}

/** What is asked again and again: `next` makes each request. */
export interface Asks {
  token?: string;
  next: () => Request;
  connections?: number;
}

/** One user's connections to a server. */
export class Asker {
  readonly #server: BenchServer;
  readonly #agent: Agent;
  readonly #headers: Record<string, string>;

  constructor(server: BenchServer, token: string | undefined, connections = 16) {
    this.#server = server;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
    this.#headers = {
      "Content-Type": "application/json",
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    };
  }

  async ask(asked: Request): Promise<void> {
    const { path, atLeast = 1, atMost = Infinity, byCursor = false } = asked;
    let cursor = "";
    for (;;) {
      const { status, bytes, text } = await this.#ask(asked, cursor);
      const next = byCursor && status === 200 && bytes < atLeast ? cursorOf(text) : undefined;
      if (next !== undefined) {
        cursor = `&cursor=${next}`;
        continue;
      }
      if (status === 200 && bytes >= atLeast && bytes <= atMost) return;
      throw new Error(`${path}${cursor} was answered by ${status}, ${bytes} bytes`);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #ask({ path, body, byCursor }: Request, cursor: string): Promise<{ status: number; bytes: number; text: string }> {
    const { hostname, port } = new URL(this.#server.url);
    const method = body ? "POST" : "GET";
    return new Promise((resolve, reject) => {
      const options = { agent: this.#agent, hostname, port, path: `/api/v1${path}${cursor}`, method, headers: this.#headers };
      const asked = request(options, (res) => {
        let bytes = 0;
        let text = "";
        res.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          if (byCursor) text += chunk.toString("latin1");
        });
        res.on("end", () => resolve({ status: res.statusCode!, bytes, text }));
        res.on("error", reject);
      });
      asked.on("error", reject).end(body && JSON.stringify(body));
    });
  }
}

const cursorOf = (text: string) => (JSON.parse(text) as { nextCursor: string | null }).nextCursor ?? undefined;

/** Asks by HTTP over so many connections that are kept open. */
export async function askAgain(server: BenchServer, { token, next, connections = 16 }: Asks, seconds: number): Promise<Tally> {
  const asker = new Asker(server, token, connections);
  try {
    return await tally(server, async () => {
      const waits: number[] = [];
      const end = performance.now() + seconds * 1000;
      await inParallel(connections, connections, async () => {
        for (let now = performance.now(); now < end;) {
          await asker.ask(next());
          waits.push(-now + (now = performance.now()));
        }
      });
      return { done: waits.length, waits };
    });
  } finally {
    asker.close();
  }
}

const deliveredTo = (sockets: BenchSocket[]) => sockets.reduce((sum, { delivered }) => sum + delivered, 0);

/** What was acknowledged must also arrive, once: else the figures are of something else. */
async function requireDelivered(sockets: BenchSocket[], wanted: number): Promise<void> {
  for (let tries = 0; tries < 100 && deliveredTo(sockets) < wanted; tries++) await pause(50);
  await pause(100);
  if (deliveredTo(sockets) !== wanted) throw new Error(`${deliveredTo(sockets)} deliveries where ${wanted} were due`);
}
