import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

/* The SQLite adapter as others install it: built, packed, and installed outside of this repository, where Node.js strips no types. */

const root = join(__dirname, "../..");
const adapter = join(root, "adapters/sqlite");
const readme = readFileSync(join(adapter, "README.md"), "utf8");
const examples = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code!);
const printed = /^It prints:\n\n```\n(.*?)^```$/ms.exec(readme)![1]!;

const ground = mkdtempSync(join(tmpdir(), "sqlite-package-"));
const app = join(ground, "app");
afterAll(() => rmSync(ground, { recursive: true, force: true }));

const run = async (cwd: string, command: string, ...args: string[]): Promise<string> => {
  const { stdout } = await promisify(execFile)(command, args, { cwd }).catch(
    (err: Error & { stdout: string; stderr: string }) => {
      throw new Error(`${command} ${args.join(" ")}\n${err.stdout}\n${err.stderr}`);
    },
  );
  return stdout;
};
const node = (...args: string[]) => run(app, process.execPath, ...args);

/** What the user of the package has besides it, from this repository, so that no registry is asked. */
function link(name: string): void {
  const path = join(app, "node_modules", name);
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(join(root, "node_modules", name), path);
}

beforeAll(async () => {
  await run(adapter, process.execPath, "build.ts", "--out", join(ground, "built"));
  const [packed] = JSON.parse(await run(ground, "npm", "pack", "--json", "./built")) as { filename: string }[];
  mkdirSync(app);
  writeFileSync(join(app, "package.json"), JSON.stringify({ name: "app", type: "module", private: true }));
  const options = ["--offline", "--legacy-peer-deps", "--no-audit", "--no-fund"];
  await run(app, "npm", "install", ...options, join(ground, packed!.filename));
  for (const name of ["moleculer", "moleculer-db", "@types/node"]) link(name);
});

test("the package has what it needs, and neither sources nor tests", async () => {
  const installed = join(app, "node_modules/@confab/sqlite");
  const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as Record<string, unknown>;
  expect(manifest).toMatchObject({
    license: "MIT",
    engines: { node: expect.any(String) },
    peerDependencies: { moleculer: "^0.15.0" },
  });
  for (const absent of ["private", "scripts", "dependencies", "devDependencies"]) expect(manifest).not.toHaveProperty(absent);
  const files = (await run(installed, "ls")).trim().split("\n");
  for (const present of ["LICENSE", "README.md", "index.js", "index.d.ts", "worker.js", "maintenance.js"])
    expect(files).toContain(present);
  expect(files.filter((file) => /spec|(?<!\.d)\.ts$|map$/.test(file))).toEqual([]);
});

test("the README's examples run and print what they say", async () => {
  writeFileSync(join(app, "posts.ts"), examples[0]!);
  expect(await node("posts.ts")).toBe(printed);
  writeFileSync(join(app, "blog.ts"), examples[1]!);
  await node("blog.ts");
  writeFileSync(join(app, "backup.ts"), examples[2]!);
  mkdirSync(join(app, "backup"));
  await node("backup.ts");
  writeFileSync(join(app, "restored.ts"), examples[0]!.replaceAll("./data", "./restored"));
  // The same posts are there, and refused as the second of their slug.
  await expect(node("restored.ts")).rejects.toThrow("refused by the unique index slug");
});

test("CommonJS loads it", async () => {
  expect(await node("--input-type=commonjs", "-p", `typeof require("@confab/sqlite").SqliteAdapter`)).toBe("function\n");
});

test("they are correct for a strict compiler", async () => {
  const options = { strict: true, noEmit: true, module: "NodeNext", target: "ES2024", types: ["node"] };
  // Moleculer's own declarations are not what is tested.
  writeFileSync(
    join(app, "tsconfig.json"),
    JSON.stringify({ compilerOptions: { ...options, skipLibCheck: true }, include: ["*.ts"] }),
  );
  await node(join(root, "node_modules/typescript/bin/tsc"), "-p", ".");
});

test("a service survives a restart and SIGKILL with all that it acknowledged", async () => {
  const service = `
    import { ServiceBroker } from "moleculer";
    import DbService from "moleculer-db";
    import { SqliteAdapter } from "@confab/sqlite";
    const broker = new ServiceBroker({ logger: false });
    broker.createService({
      name: "things",
      mixins: [DbService],
      settings: { idField: "key", useDotNotation: true },
      methods: { encodeID: (id) => "#" + id, decodeID: (id) => id.slice(1) },
      adapter: new SqliteAdapter({ folder: "things-data", name: "things" }),
    });
    await broker.start();
    const call = (action, params) => broker.call("things." + action, params);`;
  const actions = `${service}
    import assert from "node:assert/strict";
    assert.deepEqual(await call("create", { key: "a", n: 1 }), { key: "#a", n: 1 });
    await call("insert", { entities: [{ key: "b", n: 2, by: { name: "Ann" } }, { key: "c", n: 3 }] });
    await call("insert", { entity: { key: "d", n: 4 } });
    assert.deepEqual(await call("get", { id: "#a" }), { key: "#a", n: 1 });
    assert.equal((await call("get", { id: ["#a", "#b", "#none"] })).length, 2);
    assert.deepEqual(Object.keys(await call("get", { id: ["#a"], mapping: true })), ["#a"]);
    assert.deepEqual(await call("update", { id: "#b", "by": { age: 3 } }), { key: "#b", n: 2, by: { name: "Ann", age: 3 } });
    assert.deepEqual((await call("find", { sort: "-n", limit: 2, fields: ["n"] })).map(({ n }) => n), [4, 3]);
    assert.equal((await call("find", { search: "ann", searchFields: "by.name" })).length, 1);
    const { rows, ...page } = await call("list", { page: 2, pageSize: 3, sort: "n" });
    assert.deepEqual([rows, page], [[{ key: "#d", n: 4 }], { total: 4, page: 2, pageSize: 3, totalPages: 2 }]);
    assert.deepEqual(await call("remove", { id: "#a" }), { key: "#a", n: 1 });
    await assert.rejects(call("get", { id: "#a" }), { code: 404 });
    await assert.rejects(call("create", { key: "b" }), { code: 409 });
    assert.equal(await call("count"), 3);
    await broker.stop();
    await broker.start();
    assert.equal(await call("count", { query: { n: { $gt: 2 } } }), 2);
    await broker.stop();`;
  writeFileSync(join(app, "actions.js"), actions);
  await node("actions.js");

  const endless = `for (let n = 0; ; n++) { await call("create", { key: "n" + n }); console.log(n); }`;
  writeFileSync(join(app, "endless.js"), `${service}\n${endless}`);
  const child = spawn(process.execPath, ["endless.js"], { cwd: app, stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  await new Promise<void>((resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => ((said += text), said.includes("\n50\n") && resolve()));
    child.once("close", () => reject(new Error(`the service has ended: ${said}`)));
  });
  child.kill("SIGKILL");
  await once(child, "close");
  const acknowledged = Number(/(\d+)\n[^\n]*$/.exec(said)![1]) + 1;
  writeFileSync(join(app, "count.js"), `${service}\nconsole.log(await call("count"));\nawait broker.stop();`);
  // Beside the three from before; one may have been stored and not yet printed.
  expect([acknowledged + 3, acknowledged + 4]).toContain(Number(await node("count.js")));
});
