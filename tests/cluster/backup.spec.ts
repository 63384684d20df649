// Backup and restore on the real MongoDB.

import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mongoose from "mongoose";
import { Ground, TestNode } from "../support/node.ts";
import { describeCluster, mongoUrl } from "../support/parts.ts";
import { eventually } from "../support/wait.ts";

const script = (command: string) => join(__dirname, "..", "..", "tools", "backup", `${command}.ts`);

describeCluster("a database on MongoDB", () => {
  const folder = mkdtempSync(join(tmpdir(), "confab-backup-"));
  const backup = join(folder, "backup");
  const made: string[] = [];
  const newName = () => {
    made.push(`backup_${randomUUID().slice(0, 8)}`);
    return made.at(-1)!;
  };
  const ground = new Ground();
  let source: string;

  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await ground.clear();
    for (const name of made) await within(name, (database) => database.dropDatabase());
  });

  async function within<T>(name: string, act: (database: mongoose.mongo.Db) => Promise<T>): Promise<T> {
    const connection = await mongoose.createConnection(mongoUrl(name)).asPromise();
    try {
      return await act(connection.db as never);
    } finally {
      await connection.close();
    }
  }

  async function run(command: "backup" | "restore", name: string, args: readonly string[], until?: () => Promise<boolean>) {
    const child = spawn(process.execPath, [script(command), ...args], {
      env: { ...process.env, MONGO_URL: mongoUrl(name), TRANSPORTER: "", NODE_ENV: "test" },
    });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += String(text)));
    const ended = once(child, "close");
    if (until) {
      await eventually("the moment to kill", until, { every: 1 });
      child.kill("SIGKILL");
    }
    const [code] = (await ended) as [number | null];
    return { code, said };
  }

  const epochOf = (name: string) =>
    within(
      name,
      async (database) => (await database.collection<{ _id: string; value: string }>("chat.facts").findOne({}))?.value,
    );

  /** A node that makes the collections and their indexes, and one that is refused. */
  async function startNode(name: string): Promise<TestNode> {
    const node = await TestNode.create(ground, name, { MONGO_URL: mongoUrl(name) });
    node.launch();
    return node;
  }

  const entry = (rev: number) => ({
    _id: `c:${String(rev).padStart(12, "0")}`,
    chatId: "c",
    rev,
    key: `k${rev}`,
    body: "x".repeat(500),
  });

  test("is backed up while others append, restored into an empty one under a new epoch, and nodes start on it", async () => {
    source = newName();
    const node = await startNode(source);
    await node.ready();
    await within(source, async (database) => {
      const entries = database.collection<ReturnType<typeof entry>>("chat.entries");
      await entries.insertMany(Array.from({ length: 20_000 }, (_, at) => entry(at + 1)));
      // A collection that is read later than the entries, and names what is in them.
      const seen = database.collection<{ _id: string }>("user.seen");
      let isWriting = true;
      const writing = (async () => {
        for (let rev = 20_001; isWriting; rev++) {
          await entries.insertOne(entry(rev));
          await seen.insertOne({ _id: entry(rev)._id });
        }
      })();
      expect(await run("backup", source, [backup])).toMatchObject({ code: 0 });
      isWriting = false;
      await writing;
    });
    await node.kill("SIGTERM");
    expect(readdirSync(backup)).toEqual(expect.arrayContaining(["chat.entries.bson", "chat.facts.bson", "manifest.json"]));
    const epoch = await epochOf(source);
    expect(JSON.parse(readFileSync(join(backup, "manifest.json"), "utf8"))).toMatchObject({ store: "mongodb", epoch });

    const target = newName();
    expect(await run("restore", source, [backup])).toMatchObject({ code: 1, said: expect.stringContaining("is not empty") });
    expect(await run("restore", target, [backup])).toMatchObject({ code: 0 });
    const revs = await within(target, async (database) =>
      (await database.collection("chat.entries").find().sort({ _id: 1 }).toArray()).map(({ rev }) => rev as number),
    );
    const seen = await within(target, (database) => database.collection("user.seen").countDocuments());
    expect([revs.length - 20_000, revs.length - 20_001]).toContain(seen);
    // What others append while it is read leaves no hole.
    expect(revs.length).toBeGreaterThanOrEqual(20_000);
    expect(revs).toEqual(revs.map((_, at) => at + 1));
    expect(await epochOf(target)).not.toBe(epoch);
    const restored = await startNode(target);
    await restored.ready();
    await restored.kill("SIGTERM");
  });

  test("whose restore was killed is refused by every node, and by the next restore", async () => {
    const target = newName();
    const isLoading = () =>
      within(target, async (database) => (await database.collection("chat.entries").estimatedDocumentCount()) > 0);
    expect(await run("restore", target, [backup], isLoading)).toMatchObject({ code: null });
    const node = await startNode(target);
    expect(await node.ended(20_000)).toBe("with code 1");
    expect(readFileSync(node.log, "utf8")).toContain("a restore into it was interrupted");
    expect(await run("restore", target, [backup])).toMatchObject({ code: 1, said: expect.stringContaining("is not empty") });
  });

  test("that was put back by other means gets a new epoch, where there is a store", async () => {
    const epoch = await epochOf(source);
    expect(await run("restore", source, ["--new-epoch"])).toMatchObject({ code: 0 });
    expect(await epochOf(source)).not.toBe(epoch);
    expect(await run("restore", newName(), ["--new-epoch"])).toMatchObject({
      code: 1,
      said: expect.stringContaining("no store"),
    });
    expect(await run("restore", source, [backup, "--replace"])).toMatchObject({ code: 1 });
  });
});
