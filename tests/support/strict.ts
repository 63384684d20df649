// What strict parsers of other languages say to the JSON that Confab writes.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** UTF-8 without exception, no NaN or Infinity, and every string can be written as UTF-8 again. */
const python = `
import json, pathlib, sys
def refuse(constant):
    raise ValueError(constant)
for file in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    try:
        value = json.loads(file.read_bytes().decode("utf-8", "strict"), parse_constant=refuse)
        json.dumps(value, ensure_ascii=False).encode("utf-8", "strict")
    except Exception as error:
        print(f"{file.name}: {error!r}")
`;

/** What Python's json, and jq where there is one, refuse of these texts: nothing where all is well. */
export function findRefused(texts: readonly Uint8Array[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), "confab-strict-"));
  try {
    const files = texts.map((text, at) => {
      const file = join(folder, `${String(at).padStart(5, "0")}.json`);
      writeFileSync(file, text);
      return file;
    });
    const said = execFileSync(process.env["PYTHON"] ?? "python3", ["-c", python, folder], { encoding: "utf8" });
    const jq = spawnSync("jq", ["-c", "type", ...files], { encoding: "utf8", maxBuffer: 1e8 });
    const isMissing = jq.error !== undefined && "code" in jq.error && jq.error.code === "ENOENT";
    const refused = isMissing || jq.status === 0 ? [] : [`jq: ${jq.stderr}`];
    return [...said.split("\n").filter(Boolean), ...refused];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
