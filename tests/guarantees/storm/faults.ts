import { readFileSync } from "node:fs";
import type { ServiceName } from "../../../moleculer.config.ts";
import type { Parts } from "../../../tools/parts/parts.ts";
import { between, fork, shuffle, type Random } from "../../support/random.ts";
import { eventually, pause } from "../../support/wait.ts";
import type { World } from "../../support/world.ts";

/** Milliseconds that what stands still stands still for, at most. */
const longestPause = 3000;

/** What a storm does to a world, in an order by chance, and the proof that it did. */
export class Faults {
  /** How often each fault struck. */
  readonly struck = new Map<string, number>();
  /** From when to when nothing could be stored. */
  readonly stills: { from: number; to: number }[] = [];
  readonly #world: World;
  readonly #parts: Parts | undefined;
  readonly #random: Random;
  /** How many changes were acknowledged so far. */
  readonly #done: () => number;

  constructor(world: World, parts: Parts | undefined, random: Random, done: () => number) {
    this.#world = world;
    this.#parts = parts;
    this.#random = fork(random);
    this.#done = done;
  }

  /** All faults once, so many times over. */
  async strike(rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      if (this.#world.kind === "embedded") {
        await this.#lane([...this.#times(4, () => this.#kill("chat")), ...this.#times(2, () => this.#freeze())]);
        continue;
      }
      const kills = (["chat", "chat", "io", "api", "user", "mail"] as const).map((service) => () => this.#kill(service));
      const parts = [
        ...this.#times(2, () => this.#stop("mongodb")),
        () => this.#stop("rabbitmq"),
        () => this.#lose("redis"),
        // Takes long to come back, so it is for long storms.
        ...(rounds > 1 ? [() => this.#lose("rabbitmq")] : []),
      ];
      await Promise.all([this.#lane(kills), this.#lane(parts)]);
    }
  }

  /** One fault after another. Between two of them some work is done, however long that takes here. */
  async #lane(faults: (() => Promise<void>)[]): Promise<void> {
    for (const fault of shuffle(this.#random, faults)) {
      const until = this.#done() + between(this.#random, 20, 80);
      await eventually("work goes on", () => this.#done() >= until, { limit: 90_000 });
      await pause(between(this.#random, 0, 300));
      await fault();
    }
  }

  #times(count: number, fault: () => Promise<void>): (() => Promise<void>)[] {
    return Array.from({ length: count }, () => fault);
  }

  #note(fault: string): void {
    this.struck.set(fault, (this.struck.get(fault) ?? 0) + 1);
  }

  /** kill -9, and the process comes again after a while. */
  async #kill(service: ServiceName): Promise<void> {
    const index = this.#random() < 0.5 ? 0 : 1;
    const away = between(this.#random, 0, 800);
    const { pid } = this.#world.node(service, index);
    await this.#world.kill(service, "SIGKILL", index);
    await pause(away);
    await this.#world.revive(service, index);
    if (this.#world.node(service, index).pid === pid) throw new Error(`${service} was not killed`);
    this.#note(`kill ${service}`);
  }

  /** The process stands still, and its files with it. */
  async #freeze(): Promise<void> {
    const node = this.#world.node("chat");
    await this.#still(
      "freeze",
      async () => node.signal("SIGSTOP"),
      async () => node.signal("SIGCONT"),
    );
  }

  async #stop(name: "mongodb" | "rabbitmq"): Promise<void> {
    const part = this.#parts![name];
    await this.#still(
      `pause ${name}`,
      () => part.pause(),
      () => part.resume(),
    );
  }

  async #still(what: string, stop: () => Promise<void>, goOn: () => Promise<void>): Promise<void> {
    const length = between(this.#random, 700, longestPause);
    await stop();
    const from = Date.now();
    try {
      await pause(length);
    } finally {
      if (what !== "pause rabbitmq") this.stills.push({ from, to: Date.now() });
      await goOn();
    }
    this.#note(what);
  }

  /** A part dies with all that it knew and did not write down, and comes again. */
  async #lose(name: "redis" | "rabbitmq"): Promise<void> {
    const part = this.#parts![name];
    await part.kill();
    await pause(between(this.#random, 200, 2000));
    await part.start();
    this.#note(`kill ${name}`);
  }

  /** What the nodes say that they lost, doubled and delayed. */
  countUnruly(): Record<"lost" | "doubled" | "late", number> {
    const logs = this.#world.nodes.map((node) => readFileSync(node.log, "utf8")).join("\n");
    const count = (way: string) => logs.match(new RegExp(`^unruly: ${way} `, "gm"))?.length ?? 0;
    return { lost: count("lost"), doubled: count("doubled"), late: count("late") };
  }
}
