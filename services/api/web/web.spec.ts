import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { InboxMail } from "@confab/contracts";
import express from "express";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { askAt, startApi, type Started } from "../testing.ts";
import { page } from "./page.ts";

const mail: InboxMail = {
  id: "018f0000-0000-7000-8000-000000000000",
  to: '"<b>"@example.org',
  subject: "Your code <script>",
  text: "Your code is 123456 & good for 10 minutes",
  html: "<p>",
  headers: {},
  at: "2026-01-01T00:00:00.000Z",
};
const asked: unknown[] = [];
const answers = {
  "mail.inbox.list": (ctx: { params: unknown }) => (asked.push(ctx.params), { items: [mail], nextCursor: null }),
};

let api: Started;
beforeAll(async () => void (api = await startApi(answers)));
afterAll(() => api.stop());

describe("the inbox", () => {
  test("is JSON for programs, of one address or of all", async () => {
    const one = await api.ask("/dev/inbox?to=ann%2Bx%40example.org", { headers: { accept: "*/*" } });
    expect([one.status, one.json]).toEqual([200, { items: [mail], nextCursor: null }]);
    await api.ask("/dev/inbox");
    expect(asked).toEqual([{ to: "ann+x@example.org" }, {}]);
  });

  test("names an address that is too long", async () => {
    const answer = await api.ask(`/dev/inbox?to=${"a".repeat(300)}`);
    expect([answer.status, answer.json.code, answer.json.errors]).toMatchObject([
      422,
      "bad_input",
      [{ field: "to", code: "maxLength" }],
    ]);
  });

  test("is an escaped page for people, the code large", async () => {
    const { text, headers } = await api.ask("/dev/inbox", { headers: { accept: "text/html,*/*;q=0.8" } });
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(text).toContain("<code>123456</code>");
    expect(text).toContain("Your code &lt;script&gt;");
    expect(text).toContain("&quot;&lt;b&gt;&quot;@example.org");
    expect(text).not.toMatch(/<script|<style|style=/);
    expect((await api.ask("/dev/inbox.css")).headers["content-type"]).toBe("text/css; charset=utf-8");
  });

  test("is not there in production, and asks nobody", async () => {
    const production = await startApi(answers, { env: { NODE_ENV: "production", HOST: "127.0.0.1" } });
    asked.length = 0;
    try {
      for (const path of ["/dev/inbox", "/dev/inbox.css"]) expect((await production.ask(path)).json.code).toBe("not_found");
      expect(asked).toEqual([]);
    } finally {
      await production.stop();
    }
  });
});

describe("the viewer of the documents", () => {
  test("is served from here alone, with nothing inline", async () => {
    const { text, headers } = await api.ask("/docs");
    expect(text).not.toMatch(/<script>|<style|style=|https?:|\/\//);
    expect(headers["content-security-policy"]).toContain("script-src 'self';");
    expect(headers["content-security-policy"]).toContain("style-src 'self' 'unsafe-inline'");
    for (const [, file] of text.matchAll(/(?:src|href)="([^"]+)"/g))
      expect([file, (await api.ask(`/${file}`)).status]).toEqual([file, 200]);
    expect((await api.ask("/docs/start.js")).text).toContain('url: "api/v1/openapi.json"');
    expect((await api.ask("/api/v1/openapi.json")).json.openapi).toBe("3.1.1");
    expect((await api.ask("/api/v1/asyncapi.json")).json.asyncapi).toBe("3.0.0");
  });

  test("is found from beside the document too, and serves no other file", async () => {
    expect((await api.ask("/api/v1/docs")).headers.location).toBe("../../docs");
    expect((await api.ask("/docs/")).headers.location).toBe("../docs");
    for (const path of ["/docs/package.json", "/docs/index.html", "/docs/..%2fpackage.json"])
      expect((await api.ask(path)).status).toBe(404);
  });
});

describe("the page", () => {
  const folder = mkdtempSync(join(tmpdir(), "confab-page-"));
  const server = createServer(express().use(page(folder)));
  beforeAll(async () => {
    for (const name of ["index.html", "main-ABCD2345.js", "icon.svg", ".secret"]) writeFileSync(join(folder, name), name);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterAll(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  const ask = (path: string) => askAt((server.address() as AddressInfo).port, path);

  test("is asked for again each time, and what it loads is kept for good where its name says what is in it", async () => {
    const kept = async (path: string) => [(await ask(path)).text, (await ask(path)).headers["cache-control"]];
    expect(await kept("/")).toEqual(["index.html", "no-cache"]);
    expect(await kept("/icon.svg")).toEqual(["icon.svg", "no-cache"]);
    expect(await kept("/main-ABCD2345.js")).toEqual(["main-ABCD2345.js", "public, max-age=31536000, immutable"]);
  });

  test("shows nothing outside its folder, and no hidden file", async () => {
    for (const path of ["/../package.json", "/%2e%2e/package.json", "/.secret"]) expect((await ask(path)).status).toBe(404);
  });
});
