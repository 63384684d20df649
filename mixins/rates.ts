import type { ActionContract } from "@confab/contracts";
import { Redis } from "ioredis";
import { LRUCache } from "lru-cache";
import type { Service, ServiceBroker } from "moleculer";
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import { networkOf } from "./address.ts";
import { clusterDeclarations } from "./cluster.ts";
import { problem } from "./problem.ts";
import { declareSettings, integer, type Values } from "./settings.ts";

const { REDIS_URL, NAMESPACE } = clusterDeclarations;

/** How much may be asked. Both doors read these, and share what they count. */
export const rateSettings = declareSettings("rates", {
  REDIS_URL,
  NAMESPACE,
  RATE_ADDRESS: integer({
    about: "Requests a minute from one address by nobody who is known; of IPv6 from one /64. 0 is no limit.",
    default: 1200,
  }),
  RATE_USER: integer({ about: "Requests and socket events a minute of one account. 0 is no limit.", default: 600 }),
  RATE_KEY: integer({ about: "Requests a minute with one server key. 0 is no limit.", default: 6000 }),
  RATE_CHAT: integer({ about: "Messages, edits, deletions and reactions a minute in one chat. 0 is no limit.", default: 1200 }),
  RATE_FIND: integer({ about: "Searches and other costly requests a minute of one account. 0 is no limit.", default: 60 }),
  RATE_SIGN_IN: integer({
    about: "Requests a minute from one address that guess or mail something. 0 is no limit.",
    default: 120,
  }),
});
export type RateSettings = Values<typeof rateSettings.declarations>;

const limitOf = {
  address: "RATE_ADDRESS",
  user: "RATE_USER",
  key: "RATE_KEY",
  chat: "RATE_CHAT",
  find: "RATE_FIND",
  "sign-in": "RATE_SIGN_IN",
} as const satisfies Record<string, keyof RateSettings>;
export type RateName = keyof typeof limitOf;

/** Seconds after which a budget is whole again. */
export const rateWindow = 60;

/** How a budget stands. */
export interface Standing {
  name: RateName;
  limit: number;
  remaining: number;
  /** Seconds until it is whole again. */
  wholeIn: number;
  isOver: boolean;
}

/** Who asks, as far as that is known. */
export interface Asker {
  address: string;
  userId?: string | undefined;
  keyId?: string | undefined;
}

type Contract = Pick<ActionContract, "budget">;
type Log = Pick<Service["logger"], "warn" | "info" | "debug">;

/**
 * The budgets of a process. What is asked is counted in memory, at once; what was counted is told to Redis in lots and
 * beside the request, and what the other nodes counted is learnt from its answers. So a request waits for nothing, and
 * where Redis is away, silent or empty each node goes by its own count. Only guesses ask Redis each time.
 */
export class Rates {
  readonly #budgets: ReadonlyMap<RateName, SharedBudget>;
  readonly #redis: SharedCounts | undefined;

  constructor(settings: RateSettings, logger: Log) {
    this.#redis = settings.REDIS_URL ? new SharedCounts(settings.REDIS_URL, logger) : undefined;
    const names = (Object.keys(limitOf) as RateName[]).filter((name) => settings[limitOf[name]] > 0);
    this.#budgets = new Map(
      names.map((name) => {
        const keyPrefix = `${settings.NAMESPACE}:rate:${name}`;
        return [name, new SharedBudget(name, { points: settings[limitOf[name]], duration: rateWindow, keyPrefix }, this.#redis)];
      }),
    );
  }

  /** Takes one request of an address, before anything of it is looked at. Answers nothing where there is no limit. */
  async admitAddress(address: string): Promise<Standing[]> {
    return this.#take("address", networkOf(address));
  }

  /** Gives that back for whoever is known, and has a budget of their own: an office is many behind one address. */
  forgiveAddress(address: string): void {
    this.#budgets.get("address")?.giveBack(networkOf(address));
  }

  /** Takes what an action costs whoever asks; the last that is answered is the one that is over, if any is. */
  async admit({ budget }: Contract, { address, userId, keyId }: Asker, params: object): Promise<Standing[]> {
    const steps: (() => Promise<Standing[]>)[] = [];
    if (userId !== undefined) steps.push(() => this.#take("user", userId));
    if (keyId !== undefined) steps.push(() => this.#take("key", keyId));
    if (budget === "sign-in") steps.push(() => this.#take("sign-in", networkOf(address), { strict: true }));
    if (budget === "find") steps.push(() => this.#take("find", userId ?? keyId ?? networkOf(address)));
    if (budget === "chat") steps.push(() => this.#look("chat", chatOf(params)));
    const standings: Standing[] = [];
    for (const step of steps) {
      standings.push(...(await step()));
      if (standings.at(-1)?.isOver) break;
    }
    return standings;
  }

  /** Counts what was written into a chat, once it was: whoever may not write there uses nothing up for those who may. */
  noteDone({ budget }: Contract, params: object): void {
    if (budget === "chat") void this.#take("chat", chatOf(params));
  }

  close(): void {
    this.#redis?.close();
  }

  async #take(name: RateName, key: string, options?: { strict: boolean }): Promise<Standing[]> {
    const standing = await this.#budgets.get(name)?.take(key, options);
    return standing ? [standing] : [];
  }

  async #look(name: RateName, key: string): Promise<Standing[]> {
    const standing = await this.#budgets.get(name)?.look(key);
    return standing ? [standing] : [];
  }
}

/** Of params that nobody has checked yet. */
function chatOf(params: object): string {
  const { chatId } = params as { chatId?: unknown };
  return typeof chatId === "string" ? chatId : "";
}

/** Throws where a budget is used up. */
export function requireRoom(standings: readonly Standing[]): void {
  const over = standings.find(({ isOver }) => isOver);
  if (!over) return;
  const { name, limit, wholeIn } = over;
  throw problem("too_many_requests", { retryAfter: wholeIn, detail: `The budget ${name} is used up: ${limit} a minute` });
}

/** The budgets as the fields of an answer, by the IETF's draft of RateLimit header fields. */
export function presentRates(standings: readonly Standing[]): Record<string, string> {
  if (standings.length === 0) return {};
  return {
    "RateLimit-Policy": standings.map(({ name, limit }) => `"${name}";q=${limit};w=${rateWindow}`).join(", "),
    RateLimit: standings.map(({ name, remaining, wholeIn }) => `"${name}";r=${remaining};t=${wholeIn}`).join(", "),
  };
}

interface BudgetOptions {
  points: number;
  duration: number;
  keyPrefix: string;
}

class SharedBudget {
  readonly #name: RateName;
  readonly #limit: number;
  /** So many are told to Redis together; each alone where the limit is small. */
  readonly #lot: number;
  readonly #own: RateLimiterMemory;
  readonly #all: RateLimiterRedis | undefined;
  readonly #redis: SharedCounts | undefined;
  /** What was counted here and not told yet. */
  readonly #untold = new LRUCache<string, number>({ max: 100_000 });

  constructor(name: RateName, options: BudgetOptions, redis: SharedCounts | undefined) {
    this.#name = name;
    this.#limit = options.points;
    this.#lot = Math.max(1, Math.min(10, Math.floor(options.points / 20)));
    this.#own = new RateLimiterMemory(options);
    this.#redis = redis;
    this.#all = redis?.counter(options);
  }

  /** Takes one. `strict` waits for what the other nodes counted. */
  async take(key: string, { strict = false } = {}): Promise<Standing> {
    const own = await settled(this.#own.consume(key));
    if (own.consumedPoints > this.#limit || !this.#all) return this.#present(own);
    // Each by its own place among all of them, so that of many at once as many are let through as there is room for.
    if (strict) return this.#present((await this.#tell(key, 1)) ?? own);
    const untold = (this.#untold.get(key) ?? 0) + 1;
    this.#untold.set(key, untold >= this.#lot ? 0 : untold);
    if (untold >= this.#lot) void this.#tell(key, untold);
    return this.#present(own);
  }

  /** How it stands, with nothing taken: over where one more would be too much. */
  async look(key: string): Promise<Standing> {
    const own = await this.#own.get(key);
    if (!own) return { name: this.#name, limit: this.#limit, remaining: this.#limit, wholeIn: rateWindow, isOver: false };
    const standing = this.#present(own);
    return { ...standing, isOver: standing.remaining === 0 };
  }

  giveBack(key: string): void {
    void this.#own.reward(key);
    this.#untold.set(key, (this.#untold.get(key) ?? 0) - 1);
  }

  /** Tells Redis how many there were. What all nodes counted holds here where it is more than was known. */
  async #tell(key: string, points: number): Promise<RateLimiterRes | undefined> {
    const all = await this.#redis!.ask(() => settled(this.#all!.consume(key, points)));
    if (!all || all.msBeforeNext <= 0) return undefined;
    const known = (await this.#own.get(key))?.consumedPoints ?? 0;
    const seen = all.consumedPoints + (this.#untold.get(key) ?? 0);
    if (seen > known) await this.#own.set(key, seen, all.msBeforeNext / 1000);
    return all;
  }

  #present({ consumedPoints, msBeforeNext }: RateLimiterRes): Standing {
    return {
      name: this.#name,
      limit: this.#limit,
      remaining: Math.max(0, this.#limit - consumedPoints),
      wholeIn: Math.max(1, Math.ceil(msBeforeNext / 1000)),
      isOver: consumedPoints > this.#limit,
    };
  }
}

/** The library throws its answer where a budget is over. */
function settled(asking: Promise<RateLimiterRes>): Promise<RateLimiterRes> {
  return asking.catch((err: unknown) => {
    if (err instanceof RateLimiterRes) return err;
    throw err;
  });
}

/** Milliseconds after which Redis is taken to be away. Sign-ins wait for it so long, once. */
export const patience = 250;

/** What all nodes count together. */
class SharedCounts {
  readonly #redis: Redis;
  readonly #logger: Log;
  #isThere = false;
  #isClosing = false;

  constructor(redisUrl: string, logger: Log) {
    this.#logger = logger;
    this.#redis = new Redis(redisUrl, {
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      commandTimeout: patience,
      disconnectTimeout: patience,
      retryStrategy: (times) => Math.min(times * 100, 1000),
    });
    let wasAway = false;
    this.#redis.on("ready", () => {
      this.#isThere = true;
      if (wasAway) this.#logger.info("Redis is back: rates are counted together again.");
      wasAway = false;
    });
    this.#redis.on("close", () => {
      this.#isThere = false;
      if (!wasAway && !this.#isClosing) this.#logger.warn("Redis is away: each node counts rates alone.");
      wasAway = true;
    });
    this.#redis.on("error", (err: unknown) => this.#logger.debug("Redis", err));
  }

  counter(options: BudgetOptions): RateLimiterRedis {
    return new RateLimiterRedis({ ...options, storeClient: this.#redis });
  }

  /** Nothing where Redis is away. */
  async ask<T>(question: () => Promise<T>): Promise<T | undefined> {
    if (!this.#isThere) return undefined;
    try {
      return await question();
    } catch (err) {
      this.#logger.debug("Rates could not be counted together just now.", err);
      // One that is silent is not asked again before it answers on a new connection: questions would pile up.
      if (this.#isThere && (err as Error).message === "Command timed out") {
        this.#isThere = false;
        this.#redis.disconnect(true);
      }
      return undefined;
    }
  }

  close(): void {
    this.#isClosing = true;
    this.#redis.disconnect();
  }
}

const opened = new WeakMap<ServiceBroker, Rates>();

/** The budgets of a node, shared by its doors. To be asked for once it starts. */
export function ratesOf(broker: ServiceBroker, settings: RateSettings): Rates {
  let rates = opened.get(broker);
  if (!rates) {
    opened.set(broker, (rates = new Rates(settings, broker.getLogger("rates"))));
    broker.localBus.once("$broker.stopped", () => rates!.close());
  }
  return rates;
}
