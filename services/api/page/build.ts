import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { build } from "esbuild";

const here = import.meta.dirname;

/** Bundles the page into `dist/`: index.html, which names the rest by its content, so that browsers may keep that for ever. */
export async function buildPage(outdir = join(here, "dist")): Promise<void> {
  const { outputFiles } = await build({
    entryPoints: { app: join(here, "src/main.tsx"), icon: join(here, "src/icon.svg") },
    bundle: true,
    write: false,
    minify: true,
    outdir,
    entryNames: "[name]-[hash]",
    format: "esm",
    target: "es2023",
    jsx: "automatic",
    jsxImportSource: "preact",
    loader: { ".svg": "copy" },
    legalComments: "none",
    logLevel: "warning",
  });
  const named = (pattern: RegExp) => outputFiles.map(({ path }) => basename(path)).find((name) => pattern.test(name))!;
  const html = (await readFile(join(here, "index.html"), "utf8"))
    .replace("{icon}", named(/^icon.*svg$/))
    .replace("{style}", named(/^app.*css$/))
    .replace("{script}", named(/^app.*js$/));

  await mkdir(outdir, { recursive: true });
  await Promise.all(outputFiles.map(({ path, contents }) => put(path, contents)));
  await put(join(outdir, "index.html"), html);
  const kept = new Set(["index.html", ...outputFiles.map(({ path }) => basename(path))]);
  const stale = (await readdir(outdir)).filter((name) => !kept.has(name) && !name.endsWith(".tmp"));
  await Promise.all(stale.map((name) => rm(join(outdir, name), { force: true })));
}

/** Whoever serves the folder meanwhile finds each file whole. */
async function put(path: string, contents: Uint8Array | string): Promise<void> {
  const draft = `${path}.${process.pid}.tmp`;
  await writeFile(draft, contents);
  await rename(draft, path);
}

if (process.argv[1] === import.meta.filename) await buildPage();
