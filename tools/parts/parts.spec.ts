import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import amqplib from "amqplib";
import { Redis } from "ioredis";
import { MongoClient } from "mongodb";
import { describeNeeding } from "../../tests/support/needs.ts";
import { variables } from "./given.ts";
import { PartsUnavailable, startParts } from "./parts.ts";
import type { Parts } from "./parts.ts";

// The full test run names its own parts here, for all specs. These we break, so we want others.
for (const variable of Object.values(variables)) delete process.env[variable];

// The parts of the whole run (tests/support/global.setup.ts) are not to be broken here: this file starts its own.
const missing =
  process.env.TEST_PARTS === "given" ? "parts were given, and are not to be broken" : process.env.TEST_PARTS_MISSING;
const describeOwn = (name: string, tests: () => void) => describeNeeding(missing, name, tests);
for (const name of ["TEST_RABBIT_URL", "TEST_REDIS_URL", "TEST_MONGO_URL"]) delete process.env[name];

describeOwn("the real parts", () => {
  let parts: Parts;

  beforeAll(async () => {
    parts = await startParts();
  });

  afterAll(() => parts?.stop());

  test("RabbitMQ confirms into a quorum queue, and keeps what it confirmed through a kill", async () => {
    const before = await amqplib.connect(parts.rabbitUrl);
    before.on("error", () => {});
    const channel = await before.createConfirmChannel();
    channel.on("error", () => {});
    await channel.assertQueue("orders", { durable: true, arguments: { "x-queue-type": "quorum" } });
    channel.sendToQueue("orders", Buffer.from("kept"), { persistent: true });
    await channel.waitForConfirms();
    // RabbitMQ 3.10 writes the name of a new quorum queue down half a second later; killed before, the queue never has a leader again.
    await new Promise((resolve) => setTimeout(resolve, 1_500));

    const [epmd, vm] = parts.rabbitmq.pids();
    await parts.rabbitmq.kill();
    await expect(amqplib.connect(parts.rabbitUrl)).rejects.toThrow("ECONNREFUSED");
    await parts.rabbitmq.start();
    expect(parts.rabbitmq.pids()[0]).toBe(epmd);
    expect(parts.rabbitmq.pids()[1]).not.toBe(vm);

    const after = await amqplib.connect(parts.rabbitUrl);
    after.on("error", () => {});
    const message = await (await after.createChannel()).get("orders", { noAck: true });
    expect(message && message.content.toString()).toBe("kept");
    await after.close();
  });

  test("Redis carries sharded publishing, and comes back empty from a kill", async () => {
    const sender = new Redis(parts.redisUrl);
    const listener = new Redis(parts.redisUrl);
    for (const redis of [sender, listener]) redis.on("error", () => {}); // the kill is meant
    const heard = new Promise<string>((resolve) => listener.on("smessage", (_channel, text) => resolve(text)));
    await listener.ssubscribe("chat:1");
    expect(await sender.spublish("chat:1", "hello")).toBe(1);
    expect(await heard).toBe("hello");

    await sender.set("a", "1");
    await parts.redis.kill();
    expect(parts.redis.pids()).toEqual([]);
    await parts.redis.start();
    expect(await sender.get("a")).toBeNull();
    for (const redis of [sender, listener]) redis.disconnect();
  });

  test("MongoDB writes by majority under a unique index, and answers nothing while it is paused", async () => {
    const client = await MongoClient.connect(parts.mongoUrl);
    const entries = client.db("parts").collection("entries");
    await entries.createIndex({ chatId: 1, rev: 1 }, { unique: true });
    const majority = { writeConcern: { w: "majority" as const, j: true } };
    await entries.insertOne({ chatId: "c", rev: 1 }, majority);
    await expect(entries.insertOne({ chatId: "c", rev: 1 }, majority)).rejects.toMatchObject({ code: 11000 });
    await client.withSession((session) => session.withTransaction(() => entries.insertOne({ chatId: "c", rev: 2 }, { session })));

    await parts.mongodb.pause();
    let answered = false;
    const insert = entries.insertOne({ chatId: "c", rev: 3 }, majority).then(() => (answered = true));
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(answered).toBe(false);
    await parts.mongodb.resume();
    await insert;
    expect(await entries.countDocuments()).toBe(3);

    await parts.mongodb.restart();
    expect(await entries.countDocuments()).toBe(3); // by the same client
    await client.close();
  });

  test("stop() leaves no process behind, from a pause either", async () => {
    const pids = allPids(parts);
    expect(pids).toHaveLength(4);
    await parts.redis.pause();
    await parts.stop();
    expect(pids.filter(lives)).toEqual([]);
  });
});

describeOwn("runs that start the parts", () => {
  test("a run that is killed leaves neither processes nor data behind", async () => {
    const folder = mkdtempSync(join(tmpdir(), "confab-abandoned-"));
    const child = spawn("node", [join(__dirname, "abandoned.ts")], {
      env: { ...process.env, TMPDIR: folder },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const pids = await new Promise<number[]>((resolve, reject) => {
      child.stdout.once("data", (line) => resolve(JSON.parse(String(line))));
      child.once("exit", (code) => reject(new Error(`it ended with code ${code} before it had started the parts`)));
    });
    expect(pids.filter(lives)).toHaveLength(4);
    expect(readdirSync(folder)).toHaveLength(1);

    child.kill("SIGKILL");
    const deadline = Date.now() + 15_000;
    while ((pids.some(lives) || readdirSync(folder).length > 0) && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(pids.filter(lives)).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
    rmdirSync(folder);
  });

  test("parts that were given are used as they are, and refuse to be broken", async () => {
    const owner = await startParts();
    const names = { TEST_RABBIT_URL: owner.rabbitUrl, TEST_REDIS_URL: owner.redisUrl, TEST_MONGO_URL: owner.mongoUrl };
    Object.assign(process.env, names);
    try {
      const guest = await startParts();
      expect(guest.source).toEqual({ rabbitmq: "environment", redis: "environment", mongodb: "environment" });
      expect(guest.mongoUrl).toBe(owner.mongoUrl);
      await expect(guest.redis.kill()).rejects.toThrow("redis was given by TEST_REDIS_URL");
      await guest.stop();
      expect(allPids(owner).filter(lives)).toHaveLength(4);
    } finally {
      for (const name of Object.keys(names)) delete process.env[name];
      await owner.stop();
    }
  });
});

test("PartsUnavailable tells for each part what was tried", () => {
  const error = new PartsUnavailable({ redis: ["a binary here: not on the PATH", "Docker: no daemon\nsecond line"] });
  expect(error.message).toContain("REDIS\n    - a binary here: not on the PATH\n    - Docker: no daemon\n      second line");
  expect(error.message).not.toContain("MONGODB");
});

function allPids(parts: Parts): number[] {
  return [parts.rabbitmq, parts.redis, parts.mongodb].flatMap((part) => part.pids());
}

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
