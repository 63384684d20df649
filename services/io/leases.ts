import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Presence } from "@confab/contracts";
import { Redis } from "ioredis";
import { retryStrategy } from "./cluster.adapter.ts";

/** What a node says of somebody who has sockets on it. Times are milliseconds since 1970. */
export interface Hold {
  /** The last sign that somebody sits there. */
  activeAt: number;
  isAway: boolean;
}

/** What all nodes together say of somebody. */
export interface Seen {
  state: Presence["state"];
  activeAt: number | undefined;
  /** By this node's clock: until then that holds, if nothing is heard. */
  until: number;
}

/**
 * Where nodes say who is there. What a node says holds for the time of a lease and has to be said again; of a node that
 * died nothing is left after it.
 */
export interface Leases {
  renew(holds: ReadonlyMap<string, Hold>): Promise<void>;
  /** Their last socket on this node has gone. */
  release(userId: string, activeAt: number): Promise<void>;
  read(userIds: readonly string[]): Promise<Map<string, Seen>>;
  close(): Promise<void>;
}

interface Word extends Hold {
  until: number;
}

const nobody: Seen = { state: "offline", activeAt: undefined, until: 0 };

function sum(words: readonly Word[], now: number): Seen {
  if (words.length === 0) return nobody;
  const good = words.filter(({ until }) => until > now);
  const state = good.length === 0 ? "offline" : good.some(({ isAway }) => !isAway) ? "online" : "away";
  return {
    state,
    activeAt: Math.max(...words.map(({ activeAt }) => activeAt)),
    until: Math.max(0, ...good.map(({ until }) => until)),
  };
}

/** People of whom it is remembered when they were last there. */
const maxGone = 10_000;

/** Of a process that is all there is. */
export class MemoryLeases implements Leases {
  readonly #words = new Map<string, Word>();
  readonly #leaseMs: number;

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs;
  }

  async renew(holds: ReadonlyMap<string, Hold>): Promise<void> {
    const until = Date.now() + this.#leaseMs;
    for (const [userId, hold] of holds) this.#words.set(userId, { ...hold, until });
  }

  async release(userId: string, activeAt: number): Promise<void> {
    // Last in the order of the map is who went last.
    this.#words.delete(userId);
    this.#words.set(userId, { activeAt, isAway: false, until: 0 });
    if (this.#words.size <= maxGone) return;
    for (const [other, { until }] of this.#words) {
      if (this.#words.size <= maxGone) return;
      if (until < Date.now()) this.#words.delete(other);
    }
  }

  async read(userIds: readonly string[]): Promise<Map<string, Seen>> {
    const now = Date.now();
    const wordsOf = (userId: string) => [this.#words.get(userId) ?? []].flat();
    return new Map(userIds.map((userId) => [userId, sum(wordsOf(userId), now)]));
  }

  async close(): Promise<void> {}
}

/** Milliseconds for which Redis remembers when somebody was last there. */
const keepFor = 30 * 86_400_000;
const sendAtOnce = 500;

/**
 * Of many nodes: a hash for each person, with a field for each node. A field carries its own end, by the clock of
 * Redis, since the nodes' may differ.
 */
export class RedisLeases implements Leases {
  readonly #redis: Redis;
  readonly #namespace: string;
  readonly #leaseMs: number;
  readonly #node = randomUUID();
  /** What the clock of Redis is ahead of ours. */
  #ahead = 0;

  constructor(
    redisUrl: string,
    namespace: string,
    leaseMs: number,
    { onReturn, onError }: { onReturn: () => void; onError: (err: unknown) => void },
  ) {
    this.#namespace = namespace;
    this.#leaseMs = leaseMs;
    // What cannot be said now is said again soon; one that does not answer is not waited for.
    this.#redis = new Redis(redisUrl, {
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      commandTimeout: 2000,
      retryStrategy,
    });
    let wasReady = false;
    this.#redis.on("ready", () => {
      if (wasReady) onReturn();
      wasReady = true;
    });
    this.#redis.on("error", onError);
  }

  async renew(holds: ReadonlyMap<string, Hold>): Promise<void> {
    await this.#setClock();
    const until = Date.now() + this.#ahead + this.#leaseMs;
    const all = [...holds];
    for (let from = 0; from < all.length; from += sendAtOnce) {
      const lot = all.slice(from, from + sendAtOnce);
      await this.#send(lot.flatMap(([userId, hold]) => this.#say(userId, { ...hold, until })));
    }
  }

  async release(userId: string, activeAt: number): Promise<void> {
    await this.#send(this.#say(userId, { activeAt, isAway: false, until: 0 }));
  }

  async read(userIds: readonly string[]): Promise<Map<string, Seen>> {
    const seen = new Map<string, Seen>();
    for (let from = 0; from < userIds.length; from += sendAtOnce) {
      const lot = userIds.slice(from, from + sendAtOnce);
      const answers = (await this.#send(lot.map((userId) => ["hgetall", this.#key(userId)]))) as Record<string, string>[];
      const now = Date.now() + this.#ahead;
      const stale: string[][] = [];
      for (const [at, userId] of lot.entries()) {
        const words = Object.entries(answers[at]!).map(([node, text]) => ({ node, ...parse(text) }));
        const one = sum(words, now);
        seen.set(userId, { ...one, until: one.until - this.#ahead });
        // Of words that hold no more the latest tells when they were last there; the others are of nodes that are gone.
        const old = words.filter(({ until, activeAt }) => until <= now && activeAt < one.activeAt!);
        if (old.length > 0) stale.push(["hdel", this.#key(userId), ...old.map(({ node }) => node)]);
      }
      if (stale.length > 0) await this.#send(stale);
    }
    return seen;
  }

  async close(): Promise<void> {
    await Promise.race([this.#redis.quit().catch(() => {}), pause(500)]);
    this.#redis.disconnect();
  }

  async #setClock(): Promise<void> {
    const asked = Date.now();
    const [seconds, micros] = await this.#redis.time();
    // As if Redis had looked at its clock half way.
    this.#ahead = Number(seconds) * 1000 + Number(micros) / 1000 - (asked + Date.now()) / 2;
  }

  readonly #key = (userId: string) => `${this.#namespace}:presence:${userId}`;

  #say(userId: string, { until, activeAt, isAway }: Word): string[][] {
    const key = this.#key(userId);
    return [
      ["hset", key, this.#node, `${Math.round(until)} ${Math.round(activeAt)} ${isAway ? "away" : "online"}`],
      ["pexpire", key, String(keepFor)],
    ];
  }

  async #send(commands: string[][]): Promise<unknown[]> {
    const answers = (await this.#redis.pipeline(commands).exec()) ?? [];
    const failure = answers.find(([err]) => err)?.[0];
    if (failure) throw failure;
    return answers.map(([, answer]) => answer);
  }
}

function parse(text: string): Word {
  const [until, activeAt, state] = text.split(" ");
  return { until: Number(until), activeAt: Number(activeAt), isAway: state === "away" };
}
