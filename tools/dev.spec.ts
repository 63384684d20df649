import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

jest.setTimeout(60_000);

const root = join(__dirname, "..");
const readScripts = (folder: string) =>
  (JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) as { scripts: Record<string, string> }).scripts;

test("is what every dev script runs", () => {
  expect(readScripts(".")["dev"]).toBe("node tools/dev.ts");
  for (const name of ["user", "chat", "mail", "io", "api"])
    expect(readScripts(`services/${name}`)["dev"]).toBe(`SERVICES=${name} node ../../tools/dev.ts`);
  expect(readScripts("services/api")["start"]).toMatch(/^node page\/build\.ts && /);
});

describe("Ctrl-C under npm, which passes the terminal's signal on", () => {
  const folder = mkdtempSync(join(tmpdir(), "confab-dev-"));
  let dev: ChildProcess;
  afterAll(() => {
    if (dev.exitCode === null) dev.kill("SIGTERM");
    rmSync(folder, { recursive: true, force: true });
  });

  test("ends everything in order", async () => {
    const env = { ...process.env, SERVICES: "user", NODE_ENV: "test", DATA_DIR: "memory", TRANSPORTER: "", MONGO_URL: "" };
    // A group of its own, as a terminal gives to what it runs.
    dev = spawn(process.execPath, [join(__dirname, "dev.ts")], {
      cwd: folder,
      env,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    const running = new Promise<void>((resolve) => {
      for (const stream of [dev.stdout!, dev.stderr!]) {
        stream.setEncoding("utf8").on("data", (text: string) => {
          said += text;
          if (said.includes("Confab is running")) resolve();
        });
      }
    });
    await Promise.race([running, once(dev, "exit")]);
    expect(said).toContain("Confab is running");

    // All who hold the other end of these pipes are gone once they close.
    const closed = once(dev, "close");
    process.kill(-dev.pid!, "SIGINT");
    process.kill(dev.pid!, "SIGINT");
    expect(await closed).toEqual([0, null]);
    expect(said).not.toMatch(/Assertion|Aborted/);
  });
});
