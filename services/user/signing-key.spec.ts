import { createHash, createPublicKey, generateKeyPairSync } from "node:crypto";
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { settings } from "./settings.ts";
import { openKeys, readSigningKey } from "./signing-key.ts";

const pemOf = (namedCurve = "P-256", type: "pkcs8" | "sec1" = "pkcs8") =>
  generateKeyPairSync("ec", { namedCurve }).privateKey.export({ format: "pem", type }) as string;

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "confab-key-"))));
afterEach(() => rmSync(folder, { recursive: true }));

test("a key is read as it is, with its line ends written out, and from base64", () => {
  const pem = pemOf();
  const forms = [pem, pem.replaceAll("\n", "\\n"), Buffer.from(pem).toString("base64")];
  const kids = forms.map((SIGNING_KEY) => openKeys({ SIGNING_KEY, DATA_DIR: folder }).published.kid);
  expect(new Set(kids).size).toBe(1);
  expect(readdirSync(folder)).toEqual([]);
});

test("both ways of writing one key derive the same secrets", () => {
  const sec1 = pemOf("P-256", "sec1");
  const pkcs8 = readSigningKey(sec1)!.export({ format: "pem", type: "pkcs8" }) as string;
  const [one, other] = [sec1, pkcs8].map((SIGNING_KEY) => openKeys({ SIGNING_KEY, DATA_DIR: folder }));
  expect(one!.refresh).toEqual(other!.refresh);
  expect(one!.code).toEqual(other!.code);
  expect(one!.code).not.toEqual(one!.refresh);
});

test("the kid is the thumbprint of RFC 7638, and what is published is only the public half", () => {
  const { published, signing } = openKeys({ DATA_DIR: "memory" });
  expect(Object.keys(published).sort()).toEqual(["alg", "crv", "kid", "kty", "use", "x", "y"]);
  expect(createPublicKey({ key: published, format: "jwk" }).equals(createPublicKey(signing))).toBe(true);
  const members = `{"crv":"P-256","kty":"EC","x":"${published.x}","y":"${published.y}"}`;
  expect(published.kid).toBe(createHash("sha256").update(members).digest("base64url"));
});

test.each([
  ["no PEM", "hello"],
  ["another curve", pemOf("P-384")],
  [
    "a public key",
    generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "pem", type: "spki" }) as string,
  ],
])("%s is a fault of the settings", (_, SIGNING_KEY) => {
  const { faults } = settings.check({ SIGNING_KEY });
  expect(faults).toEqual([{ name: "SIGNING_KEY", wanted: expect.stringContaining("P-256"), wantedBy: "user" }]);
  expect(() => settings.read({ SIGNING_KEY })).not.toThrow(SIGNING_KEY);
});

test("production wants its key set, and other nodes never see it", () => {
  expect(settings.check({ NODE_ENV: "production", PUBLIC_URL: "https://chat.example.com" }).faults).toMatchObject([
    { name: "SIGNING_KEY" },
  ]);
  expect(settings.read({}).$secureSettings).toContain("SIGNING_KEY");
});

test("a first start makes a key that only its owner reads, and the next one finds it", () => {
  const DATA_DIR = join(folder, "data");
  const { kid } = openKeys({ DATA_DIR }).published;
  expect(openKeys({ DATA_DIR }).published.kid).toBe(kid);
  expect(statSync(join(DATA_DIR, "signing-key.pem")).mode & 0o777).toBe(0o600);
  expect(readdirSync(DATA_DIR)).toEqual(["signing-key.pem"]);
});

test("in memory nothing is kept", () => {
  openKeys({ DATA_DIR: "memory" });
  expect(existsSync("memory")).toBe(false);
});

test("a file without a key stops the start, and stays", () => {
  writeFileSync(join(folder, "signing-key.pem"), "");
  expect(() => openKeys({ DATA_DIR: folder })).toThrow("does not hold a private EC key");
});

test("processes that start at once agree on one key", async () => {
  const at = String(Date.now() + 1500);
  const script = `import { openKeys } from ${JSON.stringify(join(__dirname, "signing-key.ts"))};
    while (Date.now() < ${at}); console.log(openKeys({ DATA_DIR: ${JSON.stringify(folder)} }).published.kid);`;
  const started = Array.from({ length: 4 }, () => promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]));
  const kids = (await Promise.all(started)).map(({ stdout }) => stdout.trim());
  expect(kids[0]).toMatch(/^[\w-]{43}$/);
  expect(new Set(kids).size).toBe(1);
});
