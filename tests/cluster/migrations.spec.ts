import { spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Database } from "@confab/mixins/store/collection.ts";
import { migrationsSuite } from "@confab/mixins/store/migrations.suite.ts";
import { personId, sortNameOf, type StoredPerson } from "@confab/mixins/store/migrations.testing.ts";
import { openMongo } from "@confab/mixins/store/mongo.ts";
import type { Service } from "moleculer";
import { Ground, TestNode } from "../support/node.ts";
import { describeCluster, mongoUrl } from "../support/parts.ts";
import { seededRandom } from "../support/random.ts";
import { eventually } from "../support/wait.ts";

jest.setTimeout(120_000);

const count = 400;
const leaseMs = 1500;
const worker = join(__dirname, "migrations.worker.ts");

describeCluster("migrations in MongoDB", () => {
  migrationsSuite((): Database => {
    const service = {
      name: `people_${randomUUID().slice(0, 8)}`,
      broker: {},
      logger: { ...console, warn() {}, info() {} },
      schema: {},
    } as unknown as Service;
    return openMongo(service, mongoUrl("migrations"));
  });
});

describe("a store of an older schema, embedded", () => {
  const folder = mkdtempSync(join(tmpdir(), "confab-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  test("is brought forward by the starts after each kill, while it is written to", async () => {
    const env = { DATA_DIR: folder };
    const random = seededRandom();
    await run("prepare", env);
    const told: string[] = [];
    for (let kills = 0; kills < 3; kills++) {
      const node = start("work", env, `Kill${kills}`);
      await node.saves(1 + Math.floor(random() * 6));
      await node.kill();
      told.push(...node.lines);
    }
    const last = start("work", env, "Last");
    await last.over();
    told.push(...last.lines);
    await check(env, told);
    // Each start went on where the one before it was killed, and not from the beginning.
    const begun = told.filter((line) => line.startsWith("began"));
    expect(begun[0]).toBe("began anew");
    expect(begun.slice(1).every((line) => /^began person:\d+$/.test(line))).toBe(true);
    expect(begun.toSorted()).toEqual([...begun.slice(1), begun[0]!].toSorted());
  });
});

describeCluster("a store of an older schema, in MongoDB", () => {
  test("is brought forward by one node at a time, another when that is killed, while both write", async () => {
    const env = { MONGO_URL: mongoUrl(`migrations_${randomUUID().slice(0, 8)}`) };
    const random = seededRandom();
    await run("prepare", env);
    const nodes = [start("work", env, "One"), start("work", env, "Two")];
    const runner = await eventually("one of them runs it", () => nodes.find(({ lines }) => lines.some(isSave)));
    await runner.saves(1 + Math.floor(random() * 6));
    const other = nodes.find((node) => node !== runner)!;
    expect(other.lines.some(isSave)).toBe(false);
    await runner.kill();
    const reached = runner.lines.filter(isSave).at(-1)!.replace("saved ", "");
    await other.over();
    const [begun] = other.lines.filter((line) => line.startsWith("began"));
    // The kill may have met it between a save and its line.
    expect(begun! >= `began ${reached}`).toBe(true);
    await check(env, [...runner.lines, ...other.lines]);
  });
});

const refusal = (place: string) =>
  `The data of user in ${place} has schema 8, which needs a version that knows schema 7 or a later one; ` +
  "this version knows schema 0. Start a newer version, or choose another store.";

describe("a store that a newer version has migrated", () => {
  let ground: Ground;
  beforeAll(() => void (ground = new Ground()));
  afterAll(() => ground.clear());

  async function startConfab(name: string, env: Record<string, string>): Promise<string> {
    const node = await TestNode.create(ground, name, env);
    node.launch();
    const ended = await node.ended(20_000);
    await node.kill("SIGKILL");
    expect(ended).toBe("with code 1");
    return readFileSync(node.log, "utf8");
  }

  test("stops the start with one sentence that names the folder", async () => {
    const folder = join(ground.folder, "future");
    await run("future", { DATA_DIR: folder });
    const said = await startConfab("embedded", { DATA_DIR: folder });
    expect(said).toContain(refusal(folder));
    expect(said).not.toContain("    at ");
  });

  describeCluster("in MongoDB", () => {
    test("stops the start with one sentence that names the database, and not its address", async () => {
      const database = `migrations_${randomUUID().slice(0, 8)}`;
      await run("future", { MONGO_URL: mongoUrl(database) });
      const said = await startConfab("mongo", { MONGO_URL: mongoUrl(database) });
      expect(said).toContain(refusal(`the MongoDB database ${database}`));
      expect(said).not.toContain("    at ");
    });
  });
});

const isSave = (line: string) => line.startsWith("saved");

interface Node {
  lines: string[];
  /** Resolves once it has saved so many times. */
  saves(times: number): Promise<unknown>;
  kill(): Promise<void>;
  over(): Promise<void>;
}

function start(task: string, env: Record<string, string>, name = "Nobody"): Node {
  const unset = { MONGO_URL: "", TRANSPORTER: "", DATA_DIR: "memory" };
  const child: ChildProcess = spawn(process.execPath, [worker, task, String(count), name, String(leaseMs)], {
    env: { ...process.env, ...unset, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  const lines: string[] = [];
  createInterface({ input: child.stdout! }).on("line", (line) => lines.push(line));
  return {
    lines,
    saves: (times) =>
      eventually(`${name} saves ${times} times`, () => {
        if (child.exitCode !== null) throw new Error("it is over");
        return lines.filter(isSave).length >= times;
      }),
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
    async over() {
      await ended;
      expect(child.exitCode).toBe(0);
    },
  };
}

async function run(task: string, env: Record<string, string>): Promise<string[]> {
  const node = start(task, env);
  await node.over();
  return node.lines;
}

/** Everybody has a sort name, and what was acknowledged is there, or what its writer wrote after it. */
async function check(env: Record<string, string>, told: readonly string[]): Promise<void> {
  const found = JSON.parse((await run("look", env))[0]!) as StoredPerson[];
  const names = new Map(found.map(({ _id, name }) => [_id, name]));
  for (let at = 0; at < count; at++) expect(names.has(personId(at))).toBe(true);
  for (const { name, sortName } of found) expect(sortName).toBe(sortNameOf(name));
  const written = told.flatMap((line) => {
    const [, id, name] = /^wrote (\S+) (.+)$/.exec(line) ?? [];
    return id && name ? [[id, name] as const] : [];
  });
  expect(written.length).toBeGreaterThan(10);
  for (const [id, name] of new Map(written)) {
    const stored = names.get(id)!;
    const [writer, number] = stored.split(" ") as [string, string];
    const isSame = writer === name.split(" ")[0];
    if (id.startsWith("new:") || isSame) expect(isSame && number >= name.split(" ")[1]!).toBe(true);
    // Another node renamed the same person.
    else expect(written.some(([, other]) => other.startsWith(`${writer} `))).toBe(true);
  }
}
