// The page as people use it: browsers of their own, on all of Confab in one process.

import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { chromium, type Browser, type BrowserContextOptions, type Locator, type Page } from "playwright-core";
import { startNode, type ConfabNode } from "../../node.ts";
import { chromiumOptions } from "../support/browser.ts";

const root = join(__dirname, "../..");
const artifacts = join(root, "artifacts");

export const desktop = { viewport: { width: 1200, height: 760 } } satisfies BrowserContextOptions;
export const dark = { ...desktop, colorScheme: "dark" } satisfies BrowserContextOptions;
export const phone = {
  viewport: { width: 390, height: 760 },
  isMobile: true,
  hasTouch: true,
  colorScheme: "dark",
} satisfies BrowserContextOptions;

/** By data-testid. */
export const at = (name: string) => `[data-testid="${name}"]`;

/** In the page: who is signed in there. */
const readUserId = () => {
  const key = Object.keys(localStorage).find((name) => name.endsWith(":session"))!;
  return (JSON.parse(localStorage.getItem(key)!) as { user: { id: string } }).user.id;
};

/** Somebody at the page, with a browser of their own, and all that it complained of. */
export class Visitor {
  readonly page: Page;
  readonly complaints: string[] = [];

  constructor(page: Page) {
    this.page = page;
  }

  userId(): Promise<string> {
    return this.page.evaluate(readUserId);
  }

  chatId(): string {
    return /chats\/([\w-]+)/.exec(this.page.url())![1]!;
  }

  async say(text: string): Promise<void> {
    await this.page.fill(at("composer"), text);
    await this.page.press(at("composer"), "Enter");
  }

  message(text: string, state = "sent"): Locator {
    return this.page.locator(`${at("message")}[data-state="${state}"]`, { hasText: text });
  }

  async sees(text: string, state = "sent"): Promise<void> {
    await this.message(text, state).waitFor();
  }

  /** What the messages say, from top to bottom. */
  texts(): Promise<string[]> {
    return this.page.locator(`${at("message")} .text`).allTextContents();
  }

  async open(title: string): Promise<void> {
    await this.page.locator(at("chat-item"), { hasText: title }).click();
    await this.page.waitForSelector(`${at("composer")}, .no-composer`);
  }

  /** One of a few, by its words: what is checked cannot be seen. */
  async choose(value: string): Promise<void> {
    await this.page.locator("label", { has: this.page.locator(at(`tab-${value}`)) }).click();
  }

  async startChat(email: string): Promise<void> {
    await this.page.click(at("new"));
    await this.page.fill(at("new-chat-email"), email);
    await this.page.click(at("new-chat"));
    await this.page.waitForSelector(at("composer"));
  }

  async startGroup(title: string, ...emails: string[]): Promise<void> {
    await this.page.click(at("new"));
    await this.choose("group");
    await this.page.fill(at("new-group-title"), title);
    for (const [index, email] of emails.entries()) {
      await this.page.fill(at("person-email"), email);
      await this.page.click(at("person-add"));
      await this.page.locator(".chip").nth(index).waitFor();
    }
    await this.page.click(at("new-group"));
    await this.page.waitForSelector(at("composer"));
  }

  /** Opens the menu of a message and does what is called so there. */
  async onMessage(text: string, what: string): Promise<void> {
    // Not one that quotes it.
    const message = this.page.locator(at("message"), { has: this.page.locator(".text", { hasText: text }) }).last();
    await message.hover();
    await message.locator(at("message-more")).click();
    await this.page.click(at(what));
  }

  async onMember(name: string, what: string): Promise<void> {
    await this.page.locator(at("member"), { hasText: name }).locator(at("member-more")).click();
    await this.page.click(at(what));
  }

  async onChat(title: string, what: string): Promise<void> {
    const row = this.page.locator(".chat-row", { hasText: title });
    await row.hover();
    await row.locator(at("chat-more")).click();
    await this.page.click(at(what));
  }

  async shoot(name: string): Promise<void> {
    await this.page.screenshot({ path: join(artifacts, `page-${name}.png`) });
  }

  leave(): Promise<void> {
    return this.page.context().close();
  }
}

export class PageWorld {
  readonly node: ConfabNode;
  readonly url: string;
  readonly #browser: Browser;

  constructor(node: ConfabNode, url: string, browser: Browser) {
    this.node = node;
    this.url = url;
    this.#browser = browser;
  }

  /** Builds the page, and starts Confab and a browser. */
  static async start(env: Record<string, string> = {}): Promise<PageWorld> {
    mkdirSync(artifacts, { recursive: true });
    execFileSync(process.execPath, [join(root, "services/api/page/build.ts")]);
    const node = await startNode({ NODE_ENV: "test", PORT: "0", DATA_DIR: "memory", LOG_LEVEL: "error", ...env });
    const url = `http://127.0.0.1:${(node.edge.server.address() as AddressInfo).port}`;
    return new PageWorld(node, url, await chromium.launch(chromiumOptions));
  }

  async stop(): Promise<void> {
    await this.#browser.close();
    await this.node.stop();
  }

  async visit(options: BrowserContextOptions = desktop, path = "/"): Promise<Visitor> {
    const context = await this.#browser.newContext(options);
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    const visitor = new Visitor(page);
    const { complaints } = visitor;
    const { host } = new URL(this.url);
    const elsewhere = (url: string) => new URL(url).host !== host && complaints.push(`went to ${url}`);
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
    page.on("pageerror", (err) => complaints.push(err.stack ?? err.message));
    page.on("request", (request) => elsewhere(request.url()));
    page.on("websocket", (socket) => elsewhere(socket.url()));
    // The strict policy speaks as an event, too.
    await page.addInitScript(() =>
      document.addEventListener("securitypolicyviolation", (event) => console.error(`CSP: ${event.violatedDirective}`)),
    );
    await page.goto(`${this.url}${path}`);
    return visitor;
  }

  mailedCode(email: string): Promise<string> {
    return this.mailed(email, /\b\d{6}\b/);
  }

  /** What the newest mail to an address has of this kind. */
  async mailed(email: string, wanted: RegExp): Promise<string> {
    for (let tries = 0; tries < 100; tries++) {
      const response = await fetch(`${this.url}/dev/inbox?to=${encodeURIComponent(email)}`);
      const { items } = (await response.json()) as { items: { text: string }[] };
      const found = wanted.exec(items[0]?.text ?? "")?.[0];
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`no ${wanted} for ${email}`);
  }

  async signIn(email: string, name: string, options: BrowserContextOptions = desktop, path = "/"): Promise<Visitor> {
    const visitor = await this.visit(options, path);
    const { page } = visitor;
    await page.fill(at("email"), email);
    await page.click(at("request-code"));
    await page.waitForSelector(at("inbox-link"));
    await page.fill(at("code"), await this.mailedCode(email));
    await page.fill(at("name"), name);
    await page.click(at("verify"));
    // On a phone the list may stand behind a chat.
    await page.waitForSelector(at("me"), { state: "attached" });
    return visitor;
  }

  /** Says many things at once, in somebody's name. */
  async fill(chatId: string, userId: string, texts: readonly string[]): Promise<void> {
    const meta = { userId };
    for (const [index, text] of texts.entries()) {
      const params = { chatId, clientMessageId: `${userId.slice(-8)}-${index}`, text };
      await this.node.broker.call("chat.message.send", params, { meta });
    }
  }
}
