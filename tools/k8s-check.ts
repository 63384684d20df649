// npm run check:k8s: builds k8s/ and checks what comes out, and the examples, against Kubernetes' own schemas, offline.
// Its two tools are taken from the PATH, or built once by Go and kept in ~/.cache/confab-tools.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";

const kubernetes = "1.29";
const tools = {
  kustomize: "sigs.k8s.io/kustomize/kustomize/v5@v5.6.0",
  "kubectl-validate": "sigs.k8s.io/kubectl-validate@v0.0.4",
};
const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "confab-tools");
const folder = join(import.meta.dirname, "..", "k8s");

function locate(tool: keyof typeof tools): string {
  const found = [...(process.env["PATH"] ?? "").split(delimiter), cache].map((path) => join(path, tool)).find(existsSync);
  if (found) return found;
  console.log(`building ${tools[tool]}`);
  execFileSync("go", ["install", tools[tool]], { stdio: "inherit", env: { ...process.env, GOBIN: cache } });
  return join(cache, tool);
}

const built = mkdtempSync(join(tmpdir(), "confab-k8s-"));
try {
  const manifests = join(built, "base.yaml");
  writeFileSync(manifests, execFileSync(locate("kustomize"), ["build", folder]));
  const examples = readdirSync(folder).filter((file) => file.endsWith(".example.yaml"));
  const files = [manifests, ...examples.map((file) => join(folder, file))];
  execFileSync(locate("kubectl-validate"), ["--version", kubernetes, ...files], { stdio: "inherit" });
} catch (err) {
  // What the tools had to say they have said.
  console.error(`k8s/ is not as it must be: ${(err as Error).message.split("\n")[0]}`);
  process.exitCode = 1;
} finally {
  rmSync(built, { recursive: true });
}
