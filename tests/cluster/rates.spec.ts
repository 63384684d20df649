import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { patience, Rates, rateSettings } from "@confab/mixins/rates.ts";
import { noRates } from "@confab/mixins/rates.testing.ts";
import type { Parts } from "../../tools/parts/parts.ts";
import { describeCluster, ownParts } from "../support/parts.ts";
import { eventually } from "../support/wait.ts";

const quiet = { warn: () => {}, info: () => {}, debug: () => {} };

describeCluster("rates on several nodes", () => {
  let parts: Parts;
  const opened: { close(): void }[] = [];
  beforeAll(async () => {
    parts = await ownParts("redis");
  });
  afterEach(() => opened.splice(0).forEach((one) => one.close()));
  afterAll(() => parts?.stop());

  const guess = (rates: Rates, address = "192.0.2.1") => isLet(rates.admit({ budget: "sign-in" }, { address }, {}));
  const ask = (rates: Rates, userId = "ann") => isLet(rates.admit({}, { address: "", userId }, {}));
  const isLet = async (standings: ReturnType<Rates["admit"]>) => !(await standings).some(({ isOver }) => isOver);

  /** Two nodes that count together, as soon as they do. */
  async function nodes(env: Record<string, string>): Promise<[Rates, Rates]> {
    const given: Record<string, string> = { ...noRates, REDIS_URL: parts.redisUrl, NAMESPACE: randomUUID(), ...env };
    const pair: [Rates, Rates] = [new Rates(rateSettings.read(given), quiet), new Rates(rateSettings.read(given), quiet)];
    opened.push(...pair);
    if (given["RATE_SIGN_IN"] !== "0") await together(pair);
    return pair;
  }

  /** Guesses from an address of nobody's, until what one node counts is seen at the other. */
  async function together([one, other]: [Rates, Rates]): Promise<void> {
    await eventually("the nodes count together", async () => {
      const asker = { address: randomUUID() };
      await one.admit({ budget: "sign-in" }, asker, {});
      const [before] = await other.admit({ budget: "sign-in" }, asker, {});
      await one.admit({ budget: "sign-in" }, asker, {});
      const [after] = await other.admit({ budget: "sign-in" }, asker, {});
      return before!.remaining - after!.remaining === 2;
    });
  }

  /** How many of so many are let through, one after another, by the nodes in turn. */
  async function letThrough(of: Rates[], times: number, take: (rates: Rates) => Promise<boolean>): Promise<number> {
    let count = 0;
    for (let at = 0; at < times; at++) {
      if (await take(of[at % of.length]!)) count++;
      // As long as a request takes at least.
      await pause(1);
    }
    return count;
  }

  test("guesses have one budget on all nodes, to the last", async () => {
    const pair = await nodes({ RATE_SIGN_IN: "10" });
    expect(await letThrough(pair, 30, (one) => guess(one))).toBe(10);
    expect(await Promise.all(Array.from({ length: 30 }, (_, at) => guess(pair[at % 2]!, "192.0.2.2")))).toHaveLength(30);
    expect(await letThrough(pair, 10, (one) => guess(one, "192.0.2.2"))).toBe(0);
  });

  test("so many guesses at once get no more", async () => {
    const pair = await nodes({ RATE_SIGN_IN: "10" });
    const answers = await Promise.all(Array.from({ length: 60 }, (_, at) => guess(pair[at % 2]!)));
    expect(answers.filter(Boolean)).toHaveLength(10);
  });

  test("messages have one too, but for what is told in lots, which is how few commands there are", async () => {
    const [one, other] = await nodes({ RATE_SIGN_IN: "100", RATE_USER: "400" });
    const redis = new Redis(parts.redisUrl);
    const commands = async () => {
      const scripts = (await redis.info("commandstats")).matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g);
      return [...scripts].reduce((sum, [, calls]) => sum + Number(calls), 0);
    };
    const before = await commands();
    expect(await letThrough([one], 400, (node) => ask(node))).toBe(400);
    expect((await commands()) - before).toBeLessThanOrEqual(45);
    redis.disconnect();
    expect(await letThrough([other], 100, (node) => ask(node))).toBeLessThanOrEqual(30);
    // Who was refused on one node is on the other.
    expect(await ask(one)).toBe(false);
  });

  describe.each<[string, () => Promise<void>, () => Promise<void>]>([
    ["killed", () => parts.redis.kill(), () => parts.redis.start()],
    ["paused", () => parts.redis.pause(), () => parts.redis.resume()],
  ])("with Redis %s", (_what, strike, mend) => {
    test("messages flow without waiting, guesses are limited on each node, and all is shared again after", async () => {
      const pair = await nodes({ RATE_SIGN_IN: "10", RATE_USER: "1000" });
      await strike();
      try {
        const began = performance.now();
        for (let at = 0; at < 500; at++) expect(await ask(pair[0])).toBe(true);
        expect(performance.now() - began).toBeLessThan(10 * patience);
        for (const node of pair) {
          const began = performance.now();
          expect(await letThrough([node], 30, (one) => guess(one))).toBe(10);
          // It is waited for once, not by each.
          expect(performance.now() - began).toBeLessThan(10 * patience);
        }
      } finally {
        await mend();
      }
      await together(pair);
      expect(await letThrough(pair, 30, (one) => guess(one, "192.0.2.3"))).toBe(10);
      // Nobody's guesses are given back by that.
      for (const node of pair) expect(await guess(node)).toBe(false);
    });
  });

  test("with Redis emptied again and again no node lets more guesses through than it would alone", async () => {
    const pair = await nodes({ RATE_SIGN_IN: "10" });
    const redis = new Redis(parts.redisUrl);
    let count = 0;
    for (let at = 0; at < 60; at++) {
      await redis.flushall();
      if (await guess(pair[at % 2]!)) count++;
    }
    redis.disconnect();
    expect(count).toBe(20);
  });
});
