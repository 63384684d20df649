// The real RabbitMQ, Redis and MongoDB for development and tests, from wherever they can be had. See README.md.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { claimFolder } from "./claim.ts";
import { dockerPart, requireDocker } from "./docker.ts";
import { findBinary } from "./find.ts";
import type { Found } from "./find.ts";
import { givenPart, variables } from "./given.ts";
import { installPackage } from "./packages.ts";
import { partNames, PartsUnavailable } from "./part.ts";
import type { OwnedPart, Part, PartName, Source } from "./part.ts";
import { plans } from "./plans.ts";
import { serverPart } from "./server.ts";
import { startWatchdog } from "./watchdog.ts";

export { PartsUnavailable } from "./part.ts";
export type { Part, PartName, Source } from "./part.ts";

export interface PartsOptions {
  /** Ports to take if they are free. Otherwise, and by default, any free ones. */
  ports?: Partial<Record<PartName, number>>;
  /** Keeps the data here. By default they lie in a fresh folder that goes when the parts stop. */
  folder?: string;
  /** Redis writes its data down, so that it has them after a kill. By default only when `folder` is given. */
  keepRedis?: boolean;
  /** Hears of steps that take long, such as an install. By default they go to stderr. */
  say?: (line: string) => void;
}

export interface Parts {
  readonly rabbitUrl: string;
  readonly redisUrl: string;
  readonly mongoUrl: string;
  readonly source: Readonly<Record<PartName, Source>>;
  readonly rabbitmq: Part;
  readonly redis: Part;
  readonly mongodb: Part;
  /** Ends all of them and removes their data, unless `folder` was given. */
  stop(): Promise<void>;
}

type Located = { source: "environment"; url: string } | { source: "docker" } | Found;

export async function startParts(options: PartsOptions = {}): Promise<Parts> {
  const located = await locateParts(options.say);
  const disposable = options.folder === undefined;
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "confab-parts-"));
  mkdirSync(folder, { recursive: true });
  const watchdog = startWatchdog(disposable ? folder : undefined, disposable ? 0 : 20);

  let release: () => void;
  try {
    release = claimFolder(folder, watchdog.pid);
  } catch (error) {
    await watchdog.dismiss();
    throw error;
  }

  const opened: OwnedPart[] = [];
  let stopping: Promise<void> | undefined;
  async function stop() {
    const closed = await Promise.allSettled(opened.map((part) => part.close()));
    await watchdog.dismiss(); // ends what could not be closed, too
    release();
    if (disposable) rmSync(folder, { recursive: true, force: true });
    const failed = closed.find((one) => one.status === "rejected");
    if (failed) throw failed.reason;
  }

  async function open(name: PartName): Promise<OwnedPart> {
    const where = located[name];
    const port = options.ports?.[name];
    let part: OwnedPart;
    if ("url" in where) part = givenPart(name, where.url);
    else if ("command" in where) {
      const keepRedis = options.keepRedis ?? !disposable;
      part = serverPart(await plans[name]({ ...where, folder, port, disposable, keepRedis }), watchdog);
    } else part = await dockerPart(name, port, watchdog);
    opened.push(part);
    await part.start();
    return part;
  }

  const [rabbitmq, redis, mongodb] = await Promise.allSettled([open("rabbitmq"), open("redis"), open("mongodb")]);
  if (rabbitmq.status === "rejected" || redis.status === "rejected" || mongodb.status === "rejected") {
    await (stopping ??= stop()).catch(() => {}); // why it could not start says more than why it could not stop
    const outcomes = { rabbitmq, redis, mongodb };
    const reasons: Partial<Record<PartName, string[]>> = {};
    for (const name of partNames) {
      const outcome = outcomes[name];
      if (outcome.status === "rejected")
        reasons[name] = [`found (${located[name].source}), but: ${(outcome.reason as Error).message}`];
    }
    throw new PartsUnavailable(reasons);
  }
  return {
    rabbitUrl: rabbitmq.value.url,
    redisUrl: redis.value.url,
    mongoUrl: mongodb.value.url,
    source: { rabbitmq: rabbitmq.value.source, redis: redis.value.source, mongodb: mongodb.value.source },
    rabbitmq: rabbitmq.value,
    redis: redis.value,
    mongodb: mongodb.value,
    stop: () => (stopping ??= stop()), // twice is once: a test stops them, and its cleanup does too
  };
}

/** Finds or fetches every part without starting any. Rejects with PartsUnavailable when one cannot be had. */
export async function locateParts(say = (line: string) => console.error(`parts: ${line}`)): Promise<Record<PartName, Located>> {
  const reasons: Partial<Record<PartName, string[]>> = {};
  const located: Partial<Record<PartName, Located>> = {};
  let docker: Promise<void> | undefined; // asked once for all three, and only if one is missing

  async function locate(name: PartName): Promise<void> {
    const url = process.env[variables[name]];
    const ways: Array<[string, () => Promise<Located> | Located]> = [
      [variables[name], () => (url ? { source: "environment", url } : fail("not set in the environment"))],
      ["a binary here", () => findBinary(name)],
      ["Docker", () => (docker ??= requireDocker()).then(() => ({ source: "docker" as const }))],
      ["packages", () => installPackage(name, say)],
    ];
    const tried: string[] = [];
    for (const [way, look] of ways) {
      try {
        located[name] = await look();
        return;
      } catch (error) {
        tried.push(`${way}: ${(error as Error).message}`);
      }
    }
    reasons[name] = tried;
  }

  await Promise.all(partNames.map(locate));
  const { rabbitmq, redis, mongodb } = located;
  if (!rabbitmq || !redis || !mongodb) throw new PartsUnavailable(reasons);
  return { rabbitmq, redis, mongodb };
}

function fail(why: string): never {
  throw new Error(why);
}
