import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { InboxMail } from "@confab/contracts";
import express from "express";
import { createServer } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { Script } from "node:vm";
import { askAt, startApi, type Started } from "../testing.ts";
import { page } from "./page.ts";

const mail: InboxMail = {
  id: "018f0000-0000-7000-8000-000000000000",
  to: '"<b>"@example.org',
  subject: "Your code <script>",
  text: "Your code is\n\n123456\n\n& good for 10 minutes",
  html: "<p>",
  headers: {},
  at: "2026-01-01T00:00:00.000Z",
};
const template = { template: "code", subject: "<b>", text: "Text & more", html: "<p>" };
const asked: unknown[] = [];
const avatarId = "018f0000-0000-7000-8000-00000000000a";
const exportId = "018f0000-0000-7000-8000-00000000000e";
/** Parts of an archive, each larger than a socket takes at once. */
const parts = Array.from({ length: 24 }, (_, at) => at + 1).map((byte) => Buffer.alloc(1_000_000, byte).toString("base64"));
const partsAsked: number[] = [];
let kept = parts.length;
type Asked = { params: unknown };
const answers = {
  "mail.inbox.list": (ctx: Asked) => (asked.push(ctx.params), { items: [mail], nextCursor: null }),
  "mail.template.preview": (ctx: Asked) => (asked.push(ctx.params), { items: [template] }),
  "user.avatar.read": ({ params }: Asked) => {
    const id = (params as { avatarId: string }).avatarId;
    if (id === exportId) return { type: "text/html", base64: Buffer.from("<script>").toString("base64") };
    return id === avatarId ? { type: "image/webp", base64: Buffer.from("picture").toString("base64") } : null;
  },
  "user.export.read": ({ params }: Asked) => {
    const { exportId: id, token, part } = params as { exportId: string; token: string; part: number };
    if (id !== exportId || token !== "s3cret" || part >= kept) return null;
    partsAsked.push(part);
    return { base64: parts[part]!, parts: parts.length, bytes: 24_000_000 };
  },
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
    expect(text).not.toMatch(/<script>|<style|style=|\son\w+=/);
  });

  test("loads what it needs from beside it, wherever it is mounted, and styles alone may stand in it", async () => {
    for (const path of ["/dev/inbox", "/dev/inbox/templates"]) {
      const { text, headers } = await api.ask(path, { headers: { accept: "text/html" } });
      expect(headers["content-security-policy"]).toContain("script-src 'self';");
      expect(headers["content-security-policy"]).toContain("style-src 'self' 'unsafe-inline'");
      const links = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link!).filter((link) => link !== "data:,");
      expect(links).toHaveLength(4);
      for (const link of links) {
        const { pathname } = new URL(link, `http://x${path}`);
        expect([pathname, (await api.ask(pathname)).status]).toEqual([pathname, 200]);
      }
    }
    expect((await api.ask("/dev/inbox/inbox.css")).headers["content-type"]).toBe("text/css; charset=utf-8");
    expect((await api.ask("/dev/inbox/")).headers.location).toBe("../inbox");
  });

  test("has a script of which the types are taken out", async () => {
    const { text, headers } = await api.ask("/dev/inbox/client.js");
    expect(headers["content-type"]).toBe("text/javascript; charset=utf-8");
    expect(text).not.toMatch(/^import|: HTMLElement/m);
    expect(() => new Script(text)).not.toThrow();
  });

  test("shows the templates, too, in the language that is asked for", async () => {
    asked.length = 0;
    expect((await api.ask("/dev/inbox/templates?language=de")).json).toEqual({ items: [template] });
    const { text } = await api.ask("/dev/inbox/templates", { headers: { accept: "text/html" } });
    expect(text).toContain("<p>&lt;b&gt;</p>");
    expect(text).toContain("Text &amp; more");
    expect(asked).toEqual([{ language: "de" }, { language: "en" }]);
    const { status, json } = await api.ask("/dev/inbox/templates?language=xx");
    expect([status, json.code]).toEqual([422, "bad_input"]);
  });

  test("is not there in production, and asks nobody", async () => {
    const production = await startApi(answers, { env: { NODE_ENV: "production", HOST: "127.0.0.1" } });
    asked.length = 0;
    try {
      for (const path of ["", "/", "/templates", "/templates?language=de", "/inbox.css", "/client.js"])
        for (const method of ["GET", "POST"])
          expect([path, (await production.ask(`/dev/inbox${path}`, { method })).json.code]).toEqual([path, "not_found"]);
      expect(asked).toEqual([]);
    } finally {
      await production.stop();
    }
  });
});

describe("pictures", () => {
  test("are kept for good, by pages of any origin, and run nothing", async () => {
    const { status, text, headers } = await api.ask(`/avatars/${avatarId}`);
    expect([status, text]).toEqual([200, "picture"]);
    expect(headers).toMatchObject({
      "content-type": "image/webp",
      "content-length": "7",
      "cache-control": "public, max-age=31536000, immutable",
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; sandbox",
      "cross-origin-resource-policy": "cross-origin",
    });
    expect((await api.ask(`/avatars/${avatarId}`, { method: "HEAD" })).headers["content-length"]).toBe("7");
  });

  test.each(["018f0000-0000-7000-8000-0000000000ff", "x", "..%2f..%2fetc%2fpasswd", exportId])(
    "there is none at %s",
    async (id) => {
      const { status, json, headers } = await api.ask(`/avatars/${id}`);
      expect([status, json.code, headers["cache-control"]]).toEqual([404, "not_found", "no-store"]);
    },
  );
});

describe("archives", () => {
  const link = `/exports/${exportId}?token=s3cret`;
  beforeEach(() => {
    partsAsked.length = 0;
    kept = parts.length;
  });

  test("come whole, to be saved, and are kept by nobody on the way", async () => {
    const { status, text, headers } = await api.ask(link);
    expect([status, text.length, text.charCodeAt(0), text.charCodeAt(text.length - 1)]).toEqual([200, 24_000_000, 1, 24]);
    expect(headers).toMatchObject({
      "content-type": "application/zip",
      "content-length": "24000000",
      "content-disposition": 'attachment; filename="confab-export.zip"',
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
    });
    expect(partsAsked).toEqual(parts.map((_, at) => at));
  });

  test("are read no faster than they are taken", async () => {
    const { port, hostname } = new URL(`http://127.0.0.1:${api.port}`);
    const socket = connect(Number(port), hostname).pause();
    socket.write(`GET ${link} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(partsAsked.length).toBeLessThan(parts.length);
    socket.destroy();
  });

  test("that end too early are seen to", async () => {
    kept = 2;
    await expect(api.ask(link)).rejects.toThrow();
    expect((await api.ask(`/avatars/${avatarId}`)).status).toBe(200);
  });

  test.each([
    `/exports/${exportId}`,
    `/exports/${exportId}?token=other`,
    `/exports/${avatarId}?token=s3cret`,
    "/exports/x?token=s3cret",
  ])("there is none at %s", async (path) => {
    const { status, json } = await api.ask(path);
    expect([status, json.code]).toEqual([404, "not_found"]);
    expect(json.detail).not.toContain("s3cret");
  });

  test("G8: their token is in no line of the log", async () => {
    await api.ask(link);
    kept = 2;
    await api.ask(link).catch(() => {});
    await api.ask(`/exports/${exportId}/x?token=s3cret`);
    expect(api.log.length).toBeGreaterThan(0);
    expect(api.log.join("\n")).not.toContain("s3cret");
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
