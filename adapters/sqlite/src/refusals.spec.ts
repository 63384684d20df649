import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";
import { SqliteAdapter, StoreRefused } from "./index.ts";

/* What the adapter says of files that it cannot use, and which process owns a folder. */

const refusedWithin = 5000;
const nobody = 65_534;
const isRoot = process.getuid?.() === 0;
// Other users may enter it.
const home = mkdtempSync(join(tmpdir(), "sqlite-refusals-"));
chmodSync(home, 0o755);
const children = new Set<ChildProcess>();
afterAll(async () => {
  for (const child of children) if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
  rmSync(home, { recursive: true, force: true });
});

const source = join(__dirname, "index.ts");
/** A program that opens the store, stores documents for as long as it lives, and prints each that is stored. */
const program = (folder: string) => `
  const { SqliteAdapter } = await import(${JSON.stringify(source)});
  const adapter = new SqliteAdapter({ folder: ${JSON.stringify(folder)}, name: "things" });
  try { await adapter.connect(); } catch (err) { console.log(err.name + ": " + err.message); process.exit(3); }
  for (let n = 0; ; n++) { await adapter.insert({ _id: String(n), text: "x".repeat(100) }); console.log("stored " + n); }`;

/** Starts a process on the folder and waits until it has stored some documents. */
async function startWriter(folder: string): Promise<{ child: ChildProcess; kill: () => Promise<number> }> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", program(folder)], { stdio: ["ignore", "pipe", "inherit"] });
  children.add(child);
  let said = "";
  await new Promise<void>((resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (said.includes("stored 20\n")) resolve();
    });
    child.once("close", () => reject(new Error(`the writer has ended: ${said}`)));
  });
  const kill = async () => {
    child.kill("SIGKILL");
    await once(child, "close");
    return Number(/stored (\d+)\n(?!.*stored \d+\n)/s.exec(said)![1]) + 1;
  };
  return { child, kill };
}

let made = 0;
const newFolder = () => join(home, `store${++made}`);

/** A folder with a store of some documents, closed properly. */
async function newStore(): Promise<string> {
  const folder = newFolder();
  const adapter = new SqliteAdapter({ folder, name: "things" });
  await adapter.connect();
  await adapter.insertMany(Array.from({ length: 2000 }, (_, n) => ({ _id: String(n), text: "x".repeat(100) })));
  await adapter.disconnect();
  return folder;
}

/** What opening the folder says, which must be a refusal in time. */
async function refusal(folder: string): Promise<string> {
  const began = performance.now();
  const adapter = new SqliteAdapter({ folder, name: "things" });
  const refused = await adapter.connect().then(
    () => undefined,
    (err: unknown) => err as Error,
  );
  await adapter.disconnect();
  expect(refused).toBeInstanceOf(StoreRefused);
  expect(performance.now() - began).toBeLessThan(refusedWithin);
  return refused!.message;
}

test("a folder has one owner; SIGKILL frees it, and all that was acknowledged is there", async () => {
  const folder = newFolder();
  const writer = await startWriter(folder);
  expect(await refusal(folder)).toMatch(/in use by another process.*stop/);
  const stored = await writer.kill();
  const adapter = new SqliteAdapter({ folder, name: "things" });
  await adapter.connect();
  // One may have been stored and not yet printed.
  expect([stored, stored + 1]).toContain(await adapter.count());
  await adapter.disconnect();
});

test("a missing file", async () => {
  const folder = await newStore();
  rmSync(join(folder, "things.db"));
  expect(await refusal(folder)).toMatch(new RegExp(`${folder}/things.db is missing. Restore it from a backup`));
  expect(existsSync(join(folder, "things.db"))).toBe(false);
});

test("a deleted write-ahead log, and with it everything is there", async () => {
  const folder = newFolder();
  const stored = await (await startWriter(folder)).kill();
  const log = join(folder, "things.db-wal");
  cpSync(log, `${log}.kept`);
  rmSync(log);
  expect(await refusal(folder)).toMatch(new RegExp(`${log} is missing.* restore a backup`));
  cpSync(`${log}.kept`, log);
  const adapter = new SqliteAdapter({ folder, name: "things" });
  await adapter.connect();
  expect(await adapter.count()).toBeGreaterThanOrEqual(stored);
  await adapter.disconnect();
});

test("a newer format", async () => {
  const folder = await newStore();
  const database = new DatabaseSync(join(folder, "things.db"));
  database.exec("PRAGMA user_version = 99");
  database.close();
  expect(await refusal(folder)).toMatch(
    new RegExp(`${folder}/things.db was written by a newer version.*format 99.*Start that version`),
  );
});

test("a file that is no database", async () => {
  const folder = await newStore();
  writeFileSync(join(folder, "things.db"), "no database\n".repeat(1000));
  expect(await refusal(folder)).toMatch(new RegExp(`${folder}/things.db is not a SQLite database. Restore`));
});

test.each([
  ["in its middle", 100_000],
  ["after its header", 100],
  ["at its start", 0],
])("a file that is cut off %s", async (_, length) => {
  const folder = await newStore();
  truncateSync(join(folder, "things.db"), length);
  expect(await refusal(folder)).toMatch(new RegExp(`${folder}/things.db is .*Restore`));
});

test("a list of the files that is no database", async () => {
  const folder = await newStore();
  writeFileSync(join(folder, "owner.db"), "no database\n".repeat(1000));
  expect(await refusal(folder)).toMatch(new RegExp(`${folder}/owner.db is not a SQLite database. Restore`));
});

test("a folder that cannot be created", async () => {
  const file = join(home, "file");
  writeFileSync(file, "");
  expect(await refusal(join(file, "store"))).toMatch(new RegExp(`folder ${file}/store cannot be created.*writable`));
});

test("a folder where nobody can write", async () => {
  // Files of /proc cannot be made, by root neither.
  const folder = isRoot ? `/proc/${process.pid}` : newFolder();
  if (!isRoot) mkdirSync(folder, { mode: 0o555 });
  expect(await refusal(folder)).toMatch(/owner.db cannot be opened for writing. Make the file and its folder writable/);
});

(isRoot ? test : test.skip)("files of another user", async () => {
  const folder = await newStore();
  chmodSync(folder, 0o755);
  // The other user need not be able to read the sources: the process changes its user when it has loaded them.
  const code = program(folder).replace("  const adapter", `  process.setuid(${nobody});\n  const adapter`);
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", code], {
    timeout: 2 * refusedWithin,
  }).catch((err: { stdout: string }) => err);
  expect(stdout).toMatch(/^StoreRefused: .*owner.db cannot be opened for writing/);
});
