import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { findRecords, type Finding, type ResolveTxt } from "./records.ts";

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
const published = createPublicKey(privateKey).export({ format: "der", type: "spki" }).toString("base64");
const dkim = {
  DKIM_DOMAIN: "example.com",
  DKIM_SELECTOR: "confab",
  DKIM_PRIVATE_KEY: privateKey.export({ format: "pem", type: "pkcs8" }) as string,
};

/** A DNS that has these texts, and of a name with null does not answer. */
const dnsOf =
  (texts: Record<string, (string | string[])[] | null>): ResolveTxt =>
  async (name) => {
    const found = texts[name];
    if (found === null) throw Object.assign(new Error("slow"), { code: "ETIMEOUT" });
    if (!found) throw Object.assign(new Error("none"), { code: "ENOTFOUND" });
    return found.map((text) => (typeof text === "string" ? [text] : text));
  };

const whole = {
  "example.com": ["google-site-verification=x", "v=spf1 include:_spf.example.net ~all"],
  // As DNS keeps a long text: in pieces.
  "confab._domainkey.example.com": [["v=DKIM1; k=rsa; p=", published.slice(0, 100), published.slice(100)]],
  "_dmarc.example.com": ["v=DMARC1; p=none"],
};
const statesOf = (findings: Finding[]) => findings.map(({ state }) => state);

test("all is well", async () => {
  expect(statesOf(await findRecords("no-reply@example.com", dkim, dnsOf(whole)))).toEqual(["ok", "ok", "ok"]);
});

test("what is missing is told, with what to publish", async () => {
  const [spf, key, dmarc] = await findRecords("no-reply@example.com", dkim, dnsOf({}));
  expect(spf).toMatchObject({ state: "missing", words: expect.stringContaining("v=spf1") as string });
  expect(key).toMatchObject({ state: "missing", words: expect.stringContaining(`v=DKIM1; k=rsa; p=${published}`) as string });
  expect(key!.words).toContain("confab._domainkey.example.com");
  expect(key!.words).not.toContain("PRIVATE");
  expect(dmarc).toMatchObject({ state: "missing", words: expect.stringContaining("v=DMARC1; p=none") as string });
});

test.each<[string, Parameters<typeof dnsOf>[0], object, Finding["state"][]]>([
  ["several of SPF", { "example.com": ["v=spf1 -all", "v=spf1 ~all"] }, dkim, ["wrong", "ok", "ok"]],
  ["everybody", { "example.com": ["v=spf1 +all"] }, dkim, ["wrong", "ok", "ok"]],
  ["another key", { "confab._domainkey.example.com": ["v=DKIM1; p=AAAA"] }, dkim, ["ok", "wrong", "ok"]],
  ["a key taken back", { "confab._domainkey.example.com": ["v=DKIM1; p="] }, dkim, ["ok", "wrong", "ok"]],
  ["no settings for DKIM", {}, {}, ["ok", "unknown", "ok"]],
  [
    "another signer",
    { "confab._domainkey.example.net": [`p=${published}`] },
    { ...dkim, DKIM_DOMAIN: "example.net" },
    ["ok", "wrong", "ok"],
  ],
  ["several of DMARC", { "_dmarc.example.com": ["v=DMARC1; p=none", "v=DMARC1; p=reject"] }, dkim, ["ok", "ok", "wrong"]],
  [
    "no answer",
    { "example.com": null, "confab._domainkey.example.com": null, "_dmarc.example.com": null },
    dkim,
    ["unknown", "unknown", "unknown"],
  ],
])("%s", async (_what, texts, settings, states) => {
  expect(statesOf(await findRecords("no-reply@example.com", settings, dnsOf({ ...whole, ...texts })))).toEqual(states);
});

test("a subdomain goes by DMARC of the domain that it belongs to, and may be signed for by it", async () => {
  const texts = { ...whole, "chat.example.com": ["v=spf1 -all"] };
  expect(statesOf(await findRecords("no-reply@chat.example.com", dkim, dnsOf(texts)))).toEqual(["ok", "ok", "ok"]);
});

test("localhost is no domain to send from", async () => {
  expect(await findRecords("no-reply@localhost", dkim, dnsOf(whole))).toMatchObject([{ state: "wrong" }]);
});
