import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DataFolder } from "@confab/sqlite";
import type { Database } from "@confab/mixins/store/collection.ts";
import { openTestStore } from "@confab/mixins/store/testing.ts";
import { facts } from "../../services/chat/store/documents.ts";
import { readEpoch } from "../../services/chat/store/epoch.ts";

let root: string;
let dataDir: string;
let backup: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "confab-backup-"));
  [dataDir, backup] = [join(root, "data"), join(root, "backup")];
});
afterEach(() => rmSync(root, { recursive: true }));

interface Ended {
  code: number | null;
  said: string;
}

/** Runs the command as an operator does. */
async function run(
  command: "backup" | "restore",
  args: readonly string[],
  { given = [], until }: { given?: readonly string[]; until?: () => boolean } = {},
): Promise<Ended> {
  const script = join(__dirname, `${command}.ts`);
  const child = spawn(process.execPath, [...given, script, ...args], {
    env: { ...process.env, NODE_ENV: "test", DATA_DIR: dataDir, MONGO_URL: "", TRANSPORTER: "" },
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += String(text)));
  const watch = until && setInterval(() => until() && child.kill("SIGKILL"), 1);
  const [code] = (await once(child, "close")) as [number | null];
  clearInterval(watch);
  return { code, said };
}

/** A store of three services in which each has one fact of this value. */
async function makeStore(value: string): Promise<string> {
  let epoch = "";
  for (const name of ["chat", "mail", "user"]) {
    const database = openTestStore(name, dataDir);
    if (name === "chat") epoch = await readEpoch(database);
    await setFact(database, value);
    await database.close();
  }
  writeFileSync(join(dataDir, "signing-key.pem"), `key of ${value}`, { mode: 0o600 });
  mkdirSync(join(dataDir, "media", "ab"), { recursive: true });
  writeFileSync(join(dataDir, "media", "ab", "picture"), `picture of ${value}`);
  return epoch;
}

async function setFact(database: Database, value: string): Promise<void> {
  await (await database.collection(facts)).replaceOne({ _id: "value" }, { _id: "value", value });
}

async function readStore() {
  const values: (string | undefined)[] = [];
  let epoch = "";
  for (const name of ["chat", "mail", "user"]) {
    const database = openTestStore(name, dataDir);
    if (name === "chat") epoch = await readEpoch(database);
    values.push((await (await database.collection(facts)).findOne({ _id: "value" }))?.value);
    await database.close();
  }
  values.push(readFileSync(join(dataDir, "signing-key.pem"), "utf8"), readFileSync(join(dataDir, "media/ab/picture"), "utf8"));
  return { epoch, values };
}

const valuesOf = (value: string) => [value, value, value, `key of ${value}`, `picture of ${value}`];
const asides = () => readdirSync(dataDir).filter((name) => name.startsWith("replaced-"));

test("a backup of a store in use is restored under a new epoch, into an empty folder and in place of another", async () => {
  const epoch = await makeStore("first");
  // This process owns the folder meanwhile.
  const user = openTestStore("user", dataDir);
  await setFact(user, "first");
  expect(await run("backup", [backup])).toMatchObject({ code: 0, said: expect.stringContaining("5 files") });
  await user.close();
  expect(readdirSync(root).sort()).toEqual(["backup", "data"]);
  expect(readdirSync(backup).sort()).toEqual(["chat.db", "mail.db", "manifest.json", "media", "signing-key.pem", "user.db"]);
  expect(statSync(backup).mode & 0o777).toBe(0o700);
  for (const file of ["chat.db", "signing-key.pem", "media/ab/picture", "manifest.json"])
    expect([file, (statSync(join(backup, file)).mode & 0o777).toString(8)]).toEqual([file, "600"]);
  expect(JSON.parse(readFileSync(join(backup, "manifest.json"), "utf8"))).toMatchObject({ format: 1, store: "sqlite", epoch });

  for (const name of ["chat", "mail", "user"]) {
    const database = openTestStore(name, dataDir);
    await setFact(database, "second");
    await database.close();
  }
  expect(await run("restore", [backup])).toMatchObject({ code: 1, said: expect.stringContaining("is not empty") });
  expect((await readStore()).epoch).toBe(epoch);
  expect(await run("restore", [backup, "--replace"])).toMatchObject({ code: 0 });
  const restored = await readStore();
  expect(restored.values).toEqual(valuesOf("first"));
  expect(restored.epoch).not.toBe(epoch);
  expect(readdirSync(join(dataDir, asides()[0]!)).sort()).toEqual(["chat.db", "mail.db", "media", "signing-key.pem", "user.db"]);

  dataDir = join(root, "elsewhere");
  expect(await run("restore", [backup])).toMatchObject({ code: 0 });
  const elsewhere = await readStore();
  expect(elsewhere.values).toEqual(valuesOf("first"));
  expect([epoch, restored.epoch]).not.toContain(elsewhere.epoch);
  expect(readdirSync(dataDir).sort()).toEqual(["chat.db", "mail.db", "media", "owner.db", "signing-key.pem", "user.db"]);
});

test("a process that owns the folder refuses a restore and a new epoch", async () => {
  await makeStore("first");
  await run("backup", [backup]);
  const user = openTestStore("user", dataDir);
  await setFact(user, "in use");
  for (const args of [[backup], [backup, "--replace"], ["--new-epoch"]])
    expect(await run("restore", args)).toMatchObject({ code: 1, said: expect.stringContaining("in use by another process") });
  await user.close();
});

test("a backup with one wrong byte, a missing file or no manifest is refused, and changes nothing", async () => {
  const epoch = await makeStore("first");
  await run("backup", [backup]);
  const file = join(backup, "user.db");
  const whole = readFileSync(file);
  const flipped = Buffer.from(whole);
  flipped[whole.length - 100]! ^= 1;
  writeFileSync(file, flipped);
  expect(await run("restore", [backup, "--replace"])).toMatchObject({ code: 1, said: expect.stringContaining("SHA-256") });
  rmSync(file);
  expect(await run("restore", [backup, "--replace"])).toMatchObject({ code: 1, said: expect.stringContaining("is missing") });
  rmSync(join(backup, "manifest.json"));
  expect(await run("restore", [backup, "--replace"])).toMatchObject({ code: 1, said: expect.stringContaining("not a backup") });
  expect((await readStore()).epoch).toBe(epoch);
  expect(asides()).toEqual([]);
});

test("a backup that is killed or refused leaves nothing that looks like one", async () => {
  await makeStore("first");
  const isBegun = () => readdirSync(root).some((name) => name.startsWith("backup.partial-"));
  expect(await run("backup", [backup], { until: isBegun })).toMatchObject({ code: null });
  expect(existsSync(backup)).toBe(false);
  const [partial] = readdirSync(root).filter((name) => name.startsWith("backup.partial-"));
  expect(await run("restore", [join(root, partial!), "--replace"])).toMatchObject({
    said: expect.stringContaining("not a backup"),
  });
  expect(await run("backup", [backup])).toMatchObject({ code: 0, said: expect.stringContaining(partial!) });
  expect(await run("backup", [backup])).toMatchObject({ code: 1, said: expect.stringContaining("not empty") });
  const inside = join(dataDir, "backup");
  expect(await run("backup", [inside])).toMatchObject({ code: 1, said: expect.stringContaining("inside of DATA_DIR") });
  rmSync(join(dataDir, "mail.db"));
  expect(await run("backup", [`${backup}2`])).toMatchObject({ code: 1, said: expect.stringContaining("mail.db is missing") });
  expect(readdirSync(root).sort()).toEqual(["backup", partial, "data"]);
});

/** Kills the process in place of its nth rename. */
const killAtRename = (nth: number) => {
  const source = `import fs from "node:fs"; import { syncBuiltinESMExports } from "node:module";
    const { renameSync } = fs; let n = 0;
    fs.renameSync = (...args) => (++n === ${nth} ? process.kill(process.pid, "SIGKILL") : renameSync(...args));
    syncBuiltinESMExports();`;
  return ["--import", `data:text/javascript,${encodeURIComponent(source)}`];
};

test("a restore that is killed at any step leaves a store that refuses to start until it is restored", async () => {
  const epoch = await makeStore("first");
  await run("backup", [backup]);
  let database = openTestStore("chat", dataDir);
  await setFact(database, "second");
  await database.close();
  let kills = 0;
  for (;;) {
    const { code } = await run("restore", [backup, "--replace"], { given: killAtRename(kills + 1) });
    if (code === 0) break;
    expect(code).toBe(null);
    kills++;
    expect(() => DataFolder.list(dataDir)).toThrow("A restore into");
    database = openTestStore("chat", dataDir);
    await expect(database.collection(facts)).rejects.toThrow("A restore into");
  }
  expect(kills).toBeGreaterThan(5);
  expect(await run("backup", [join(root, "other")])).toMatchObject({ code: 0 });
  const restored = await readStore();
  expect(restored.values).toEqual(valuesOf("first"));
  expect(restored.epoch).not.toBe(epoch);
}, 120_000);

test("a store that was put back by other means gets a new epoch, where there is one", async () => {
  expect(await run("restore", ["--new-epoch"])).toMatchObject({ code: 1, said: expect.stringContaining("holds no store") });
  const epoch = await makeStore("first");
  expect(await run("restore", ["--new-epoch"])).toMatchObject({ code: 0 });
  const renewed = await readStore();
  expect(renewed.values).toEqual(valuesOf("first"));
  expect(renewed.epoch).not.toBe(epoch);
});

test.each([
  ["backup", []],
  ["backup", ["one", "two"]],
  ["restore", []],
  ["restore", ["one", "--new-epoch"]],
  ["restore", ["one", "--force"]],
] as const)("%s %j is answered by a sentence", async (command, args) => {
  const { code, said } = await run(command, args);
  expect(code).toBe(1);
  expect(said).not.toContain("    at ");
});
