import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { startNode, type ConfabNode } from "../../node.ts";
import { findChromium } from "../../tools/chromium.ts";

/* Two people in two browsers, on the page as it is built, through all of Confab in one process. */

const root = join(__dirname, "../..");
const artifacts = join(root, "artifacts");
const executablePath = findChromium();
if (!executablePath && !process.env["CI"]) {
  process.stderr.write("\n!!! SKIPPED: the page in a browser. There is no Chromium; `node tools/chromium.ts` installs it.\n\n");
}
// In CI a missing browser is a failure.
const withBrowser = executablePath || process.env["CI"] ? describe : describe.skip;

const desktop = { viewport: { width: 1200, height: 760 } } satisfies BrowserContextOptions;
const phone = {
  viewport: { width: 390, height: 760 },
  isMobile: true,
  hasTouch: true,
  colorScheme: "dark",
} satisfies BrowserContextOptions;

/** In the page: who is signed in there. */
const readUserId = () => {
  const key = Object.keys(localStorage).find((name) => name.endsWith(":session"))!;
  return (JSON.parse(localStorage.getItem(key)!) as { user: { id: string } }).user.id;
};

/** By data-testid. */
const at = (name: string) => `[data-testid="${name}"]`;

withBrowser("the page", () => {
  let node: ConfabNode;
  let browser: Browser;
  let url: string;

  beforeAll(async () => {
    if (!executablePath) throw new Error("There is no Chromium; `node tools/chromium.ts` installs it.");
    mkdirSync(artifacts, { recursive: true });
    execFileSync(process.execPath, [join(root, "services/api/page/build.ts")]);
    node = await startNode({ NODE_ENV: "test", PORT: "0", DATA_DIR: "memory", LOG_LEVEL: "error" });
    url = `http://127.0.0.1:${(node.edge.server.address() as AddressInfo).port}`;
    const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];
    browser = await chromium.launch({ executablePath, args });
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await node?.stop();
  });

  /** A browser of one's own, and all that it complained of. */
  async function open(options: BrowserContextOptions, path = "/"): Promise<{ page: Page; complaints: string[] }> {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    const complaints: string[] = [];
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
    page.on("pageerror", (err) => complaints.push(err.message));
    page.on(
      "request",
      (request) => new URL(request.url()).host !== new URL(url).host && complaints.push(`went to ${request.url()}`),
    );
    page.on(
      "websocket",
      (socket) => new URL(socket.url()).host !== new URL(url).host && complaints.push(`went to ${socket.url()}`),
    );
    // The strict policy speaks as an event, too.
    await page.addInitScript(() =>
      document.addEventListener("securitypolicyviolation", (event) => console.error(`CSP: ${event.violatedDirective}`)),
    );
    await page.goto(`${url}${path}`);
    return { page, complaints };
  }

  async function mailedCode(email: string): Promise<string> {
    for (let tries = 0; tries < 100; tries++) {
      const response = await fetch(`${url}/dev/inbox?to=${encodeURIComponent(email)}`);
      const { items } = (await response.json()) as { items: { text: string }[] };
      const code = /\b\d{6}\b/.exec(items[0]?.text ?? "")?.[0];
      if (code) return code;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`no code for ${email}`);
  }

  async function signIn(email: string, name: string, options: BrowserContextOptions = desktop) {
    const opened = await open(options);
    const { page } = opened;
    await page.fill(at("email"), email);
    await page.click(at("request-code"));
    await page.waitForSelector(at("inbox-link"));
    await page.fill(at("code"), await mailedCode(email));
    await page.fill(at("name"), name);
    await page.click(at("verify"));
    await page.waitForSelector(at("sign-out"));
    return opened;
  }

  async function say(page: Page, text: string): Promise<void> {
    await page.fill(at("composer"), text);
    await page.press(at("composer"), "Enter");
  }

  const sees = (page: Page, text: string, state = "sent") =>
    page.locator(`${at("message")}[data-state="${state}"]`, { hasText: text }).waitFor();
  const shoot = (page: Page, name: string) => page.screenshot({ path: join(artifacts, `page-${name}.png`) });

  test("two people sign in by mailed code, talk live, and find it after a reload", async () => {
    const { page: ann, complaints: annComplains } = await signIn("ann@example.com", "Ann Arbor");
    const { page: bob, complaints: bobComplains } = await signIn("bob@example.com", "Bob Berg", phone);

    await ann.fill(at("new-chat-email"), "nobody@example.com");
    await ann.click(at("new-chat"));
    await ann.getByText("Nobody is here as nobody@example.com").waitFor();
    await ann.fill(at("new-chat-email"), "bob@example.com");
    await ann.click(at("new-chat"));
    await say(ann, "Hello Bob! Shall we walk along the river on Sunday?");
    await say(ann, "I can bring the dog, and a flask of tea. <b>Really</b>");

    await bob.locator(at("chat-item"), { hasText: "I can bring the dog" }).waitFor();
    await bob.getByLabel("2 unread").waitFor();
    await shoot(bob, "phone-list");
    await bob.click(at("chat-item"));
    // What looks like markup is text.
    await sees(bob, "<b>Really</b>");

    await bob.fill(
      at("composer"),
      "Gladly.\nTen o'clock at the old bridge? The path is muddy after the rain, so better bring boots.",
    );
    await bob.click(at("send"));
    await sees(ann, "Ten o'clock at the old bridge?");
    await say(ann, "Ten it is");
    await sees(bob, "Ten it is");
    await sees(ann, "Ten it is");
    await shoot(ann, "desktop");
    await shoot(bob, "phone");

    await ann.reload();
    await sees(ann, "Ten o'clock at the old bridge?");
    expect(await ann.locator(at("message")).count()).toBe(4);
    await say(bob, "And bring the dog");
    await sees(ann, "And bring the dog");

    await bob.click(at("back"));
    await bob.click(at("sign-out"));
    await bob.waitForSelector(at("email"));
    expect(annComplains).toEqual([]);
    expect(bobComplains).toEqual([]);
    await ann.context().close();
    await bob.context().close();
  }, 60_000);

  test("what is written offline waits, and goes when the connection is back", async () => {
    const { page: cat } = await signIn("cat@example.com", "Cat");
    const { page: dan } = await signIn("dan@example.com", "Dan");
    await cat.fill(at("new-chat-email"), "dan@example.com");
    await cat.click(at("new-chat"));
    await say(cat, "Can you hear me?");
    await dan.click(at("chat-item"));
    await sees(dan, "Can you hear me?");

    await dan.context().setOffline(true);
    await say(dan, "Loud and clear");
    await sees(dan, "Loud and clear", "pending");
    await say(cat, "Hello?");
    await dan.context().setOffline(false);
    await sees(cat, "Loud and clear");
    await sees(dan, "Hello?");
    expect(await dan.locator(at("message")).count()).toBe(3);
    await cat.context().close();
    await dan.context().close();
  }, 60_000);

  test("older messages come in on scrolling up, and the view stays where it was", async () => {
    const { page: fay } = await signIn("fay@example.com", "Fay");
    await signIn("gus@example.com", "Gus");
    await fay.fill(at("new-chat-email"), "gus@example.com");
    await fay.click(at("new-chat"));
    await fay.waitForSelector(at("composer"));
    const chatId = fay.url().split("/").at(-1)!;
    const meta = { userId: await fay.evaluate(readUserId) };
    // So many that a sync brings only the newest page.
    const texts = Array.from({ length: 1100 }, (_, i) => `line ${i + 1}.`);
    for (const text of texts)
      await node.broker.call("chat.message.send", { chatId, clientMessageId: `name-${text.slice(5, -1)}`, text }, { meta });
    await fay.reload();
    await sees(fay, "line 1100.");
    expect(await fay.locator(at("message")).count()).toBeLessThan(200);

    const line = fay.locator(at("message"), { hasText: "line 1051." });
    await fay.locator('[role="log"]').evaluate((log) => (log.scrollTop = 0));
    await fay.locator(at("message"), { hasText: "line 1001." }).waitFor({ state: "attached" });
    const { y } = (await line.boundingBox())!;
    expect(y).toBeGreaterThanOrEqual(0);
    expect(y).toBeLessThan(desktop.viewport.height);
    await fay.context().close();
  }, 60_000);

  test("the documents show every operation, from this address alone", async () => {
    const { page, complaints } = await open(desktop, "/docs");
    await page.locator(".opblock-summary-path", { hasText: "/chats/{chatId}/messages" }).first().waitFor();
    const shown = await page.locator(".opblock").count();
    const { paths } = (await (await fetch(`${url}/api/v1/openapi.json`)).json()) as { paths: Record<string, object> };
    expect(shown).toBe(Object.values(paths).flatMap((methods) => Object.keys(methods)).length);
    // Opened, one shows what it answers.
    await page.locator(".opblock-summary-control").first().click();
    await page.locator(".responses-table").first().waitFor();
    expect(complaints).toEqual([]);
    await page.context().close();
  }, 60_000);

  test("a wrong code is told in plain words", async () => {
    const { page } = await open(desktop);
    await page.fill(at("email"), "eve@example.com");
    await page.click(at("request-code"));
    const right = await mailedCode("eve@example.com");
    await page.fill(at("code"), right === "111111" ? "222222" : "111111");
    await page.click(at("verify"));
    await page.getByText("That code is wrong, used or too old.").waitFor();
    await page.context().close();
  }, 60_000);
});
