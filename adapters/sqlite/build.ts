/*
 * Builds the package that is published: npm run build, then npm publish ./dist. Inside this repository nothing needs it, since
 * Node.js runs the sources; it does not below node_modules.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

const here = import.meta.dirname;
const { values } = parseArgs({ options: { out: { type: "string", default: join(here, "dist") } } });
const out = resolve(values.out);

const compiler = createRequire(import.meta.url).resolve("typescript/bin/tsc");
rmSync(out, { recursive: true, force: true });
execFileSync(process.execPath, [compiler, "-p", join(here, "tsconfig.build.json"), "--outDir", out], { stdio: "inherit" });

// The compiler changes the endings of imports in JavaScript, but not in declarations.
for (const name of readdirSync(out).filter((file) => file.endsWith(".d.ts"))) {
  const file = join(out, name);
  writeFileSync(file, readFileSync(file, "utf8").replace(/((?:from|import\() ?"\.\/[^"]+)\.ts"/g, '$1.js"'));
}

const { private: _private, scripts: _scripts, devDependencies: _dev, ...manifest } = readManifest();
const exported = { types: "./index.d.ts", default: "./index.js" };
const published = { ...manifest, files: ["*.js", "*.d.ts"], exports: { ".": exported, "./package.json": "./package.json" } };
writeFileSync(join(out, "package.json"), `${JSON.stringify(published, undefined, 2)}\n`);
copyFileSync(join(here, "README.md"), join(out, "README.md"));
copyFileSync(join(here, "../../LICENSE"), join(out, "LICENSE"));

function readManifest(): Record<string, unknown> {
  return JSON.parse(readFileSync(join(here, "package.json"), "utf8")) as Record<string, unknown>;
}
