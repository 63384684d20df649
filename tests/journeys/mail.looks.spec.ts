// Each mail as it looks in a browser: light and dark, narrow and wide. The pictures are in artifacts/mail-*.png, to be looked at.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Language } from "@confab/contracts";
import { chromium, type Browser, type Page } from "playwright-core";
import { render } from "../../services/mail/templates/index.ts";
import { escapeHtml } from "../../services/mail/templates/html.ts";
import { sampleJobs } from "../../services/mail/templates/samples.ts";
import { chromiumOptions, describeWithBrowser } from "../support/browser.ts";
import { PageWorld, at, dark, desktop, phone } from "./page.browser.ts";

const artifacts = join(__dirname, "../../artifacts");
const schemes = ["light", "dark"] as const;
const widths = { narrow: 390, wide: 800 } as const;
/** How a mail begins to show on a phone, below the head of the mail program. */
const firstScreen = 560;

const context = {
  from: "Confab <no-reply@example.org>",
  publicUrl: "https://chat.example.org",
  unsubscribeUrl: "https://chat.example.org/unsubscribe/AQEBjQGPAAAAAHAAgAAAAAAAAAE_b0k4dXJ2Z2Rzb2Zxd2Vpcm9pZmRzamY",
};
const wild = "🌱 Ein Name ohne Ende, der niemandem etwas sagt ".repeat(20);
const extremes = {
  to: "ann@example.org",
  template: "notification",
  data: {
    userId: "018f0000-0000-7000-8000-000000000001",
    name: wild,
    chats: [
      {
        chatId: "018f0000-0000-7000-8000-000000000002",
        title: "W".repeat(8000),
        isDirect: false,
        count: 1_000_000,
        fromSeq: 0,
        toSeq: 1,
        messages: [
          {
            name: wild,
            text: `${"x".repeat(400)}\n\n${wild}\n${"line\n".repeat(50)}`,
            at: "2026-03-14T15:09:26.000Z",
            isMention: true,
          },
        ],
      },
    ],
    more: 12,
    url: "https://chat.example.org/",
  },
} as (typeof sampleJobs)[number]["job"];
const shown = [...sampleJobs, { title: "long things", job: extremes }];

/** In a mail: what of it one could not read or see. */
function findFaults({ isCode, firstScreen }: { isCode: boolean; firstScreen: number }): string[] {
  const faults: string[] = [];
  const root = document.documentElement;
  // What is cut off at a rounded corner cannot be scrolled to, either.
  const right = Math.max(
    root.scrollWidth,
    ...[...document.querySelectorAll("*")].map((one) => one.getBoundingClientRect().right),
  );
  if (right > root.clientWidth) faults.push(`is ${Math.ceil(right)} wide in ${root.clientWidth}`);

  const numbers = (color: string) => color.match(/[\d.]+/g)!.map(Number) as [number, number, number, number?];
  const luminance = (color: string) => {
    const [r, g, b] = numbers(color)
      .slice(0, 3)
      .map((part) => ((part! / 255 + 0.055) / 1.055 > 0.09 ? ((part! / 255 + 0.055) / 1.055) ** 2.4 : part! / 255 / 12.92));
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const groundOf = (element: Element | null): string => {
    if (!element) return "rgb(255, 255, 255)";
    const { backgroundColor } = getComputedStyle(element);
    return numbers(backgroundColor)[3] === 0 ? groundOf(element.parentElement) : backgroundColor;
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let texts = 0;
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement!;
    const text = walker.currentNode.textContent!.trim();
    if (!text || !element.checkVisibility()) continue;
    texts++;
    const [one, other] = [luminance(getComputedStyle(element).color), luminance(groundOf(element))].sort((a, b) => a - b);
    const contrast = (other! + 0.05) / (one! + 0.05);
    if (contrast < 4.5) faults.push(`${contrast.toFixed(2)}: ${text.slice(0, 40)}`);
    if (parseFloat(getComputedStyle(element).fontSize) < 13) faults.push(`small: ${text.slice(0, 40)}`);
  }
  if (texts < 4) faults.push("says nothing");
  for (const link of document.querySelectorAll("a"))
    if (!link.innerText.trim()) faults.push(`a link to ${link.href} says nothing`);
  if (isCode) {
    const code = document.querySelector(".code")!.getBoundingClientRect();
    if (code.height > 80 || code.bottom > firstScreen || code.right > root.clientWidth)
      faults.push("its code is not seen at once");
  }
  return faults;
}

describeWithBrowser("mails", () => {
  let browser: Browser;
  beforeAll(async () => {
    mkdirSync(artifacts, { recursive: true });
    browser = await chromium.launch(chromiumOptions);
  });
  afterAll(() => browser.close());

  interface Sheet {
    language: Language;
    scheme: (typeof schemes)[number];
    width: number;
    change?: (html: string) => string;
    mails?: typeof shown;
  }

  /** All mails on one sheet, each in a frame of its own; what is wrong with each. */
  async function show(
    name: string,
    { language, scheme, width, change = (html) => html, mails = shown }: Sheet,
  ): Promise<string[]> {
    const perRow = Math.round(2400 / (width + 16));
    const page = await browser.newPage({ colorScheme: scheme, viewport: { width: perRow * (width + 16), height: 800 } });
    const requests: string[] = [];
    page.on("request", (request) => requests.push(request.url()));
    const frames = mails.map(({ title, job }) => {
      const html = change(render(job, { ...context, language }).html);
      return `<iframe name="${escapeHtml(title)}" width="${width}" height="700" srcdoc="${escapeHtml(html)}"></iframe>`;
    });
    const style = "body{margin:0;display:flex;flex-wrap:wrap;align-items:start;background:#888}iframe{border:0;margin:8px}";
    await page.setContent(`<!doctype html><style>${style}</style>${frames.join("")}`);
    const faults: string[] = [];
    for (const { title, job } of mails) {
      const found = await page
        .frame({ name: title })!
        .evaluate(findFaults, { isCode: job.template.endsWith("code"), firstScreen });
      faults.push(...found.map((fault) => `${title}: ${fault}`));
    }
    await page.evaluate(() => {
      for (const frame of document.querySelectorAll("iframe"))
        frame.style.height = `${frame.contentDocument!.documentElement.scrollHeight}px`;
    });
    await page.screenshot({ path: join(artifacts, `mail-${name}.png`), fullPage: true });
    await page.close();
    return [...faults, ...requests.filter((url) => !/^(about|data):/.test(url)).map((url) => `loads ${url}`)];
  }

  /** All looks in English; of the longer words the narrow and the wide. */
  const looks = [
    ...schemes.flatMap((scheme) => (["narrow", "wide"] as const).map((width) => ({ language: "en" as const, scheme, width }))),
    { language: "de", scheme: "dark", width: "narrow" },
    { language: "de", scheme: "light", width: "wide" },
  ] as const;
  test.each(looks)("can be read: $language, $scheme, $width", async ({ language, scheme, width }) => {
    expect(await show(`${language}-${scheme}-${width}`, { language, scheme, width: widths[width] })).toEqual([]);
  });

  test("can be read in the dark where a mail program drops all styles but those in the elements", async () => {
    const change = (html: string) => html.replace(/<style[^]*?<\/style>/g, "");
    expect(await show("en-dark-unstyled", { language: "en", scheme: "dark", width: 390, change })).toEqual([]);
  });

  test("would be found out if they could not be read", async () => {
    const wrong = '<div style="width:500px">x</div><a href="x"></a><img src="http://127.0.0.1:9/x.png"><h1';
    const change = (html: string) => html.replaceAll("#191c26", "#999999").replace("<h1", wrong);
    const faulty = { language: "en", scheme: "light", width: 390, change, mails: shown.slice(0, 1) } as const;
    const faults = (await show("en-light-faulty", faulty)).join("\n");
    for (const one of [/is \d+ wide in 390/, /2\.85: Your/, /a link to .* says nothing/, /loads http:/])
      expect(faults).toMatch(one);
  });
});

describeWithBrowser("the inbox", () => {
  let world: PageWorld;
  beforeAll(async () => void (world = await PageWorld.start()));
  afterAll(() => world.stop());

  const mail = (to: string, template: string, data: object) => world.node.broker.call("mail.job.accept", { to, template, data });
  const mails = (page: Page) => page.locator(`${at("mails")} button`);
  const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();
  const shoot = (page: Page, name: string) => page.screenshot({ path: join(artifacts, `mail-inbox-${name}.png`) });

  test("shows mails as they come, finds them by address, and each as HTML, as text and with its headers", async () => {
    await mail("ann@example.org", "code", { code: "111111", minutes: 10 });
    const { page, complaints } = await world.visit(desktop, "/dev/inbox");
    await mails(page).nth(0).waitFor();
    await mail("bob@example.org", "code", { code: "222222", minutes: 10 });
    await mail("bob@example.net", "known-address", {});
    // No reload: they come by themselves, the newest first.
    await mails(page).nth(2).waitFor();
    expect(await mails(page).locator("b").allTextContents()).toEqual([
      "You have an account already",
      "222222 is your sign-in code",
      "111111 is your sign-in code",
    ]);
    await page.fill(at("search"), "bob@");
    await page.waitForFunction(() => document.querySelectorAll("#inbox li").length === 2);
    await page.fill(at("search"), "bob@example.org");
    await page.waitForFunction(() => document.querySelectorAll("#inbox li").length === 1);
    expect(page.url()).toContain("?to=bob%40example.org");

    await mails(page).click();
    const shown = page.frameLocator(at("mail"));
    await shown.getByText("222222").waitFor();
    const groundOf = () => shown.locator("body").evaluate((body) => getComputedStyle(body).backgroundColor);
    expect(await groundOf()).toBe("rgb(238, 240, 246)");
    await shoot(page, "light");
    await press(page, "Dark");
    await shown.getByText("222222").waitFor();
    expect(await groundOf()).toBe("rgb(18, 20, 26)");
    await press(page, "Narrow");
    await shown.getByText("222222").waitFor();
    expect((await page.locator(at("mail")).boundingBox())!.width).toBeLessThanOrEqual(390);
    await press(page, "Text");
    expect(await page.textContent(at("text"))).toMatch(/^Your sign-in code\n\nType this code to sign in:\n\n222222\n/);
    await press(page, "Headers");
    expect(await page.textContent(at("headers"))).toContain("Auto-Submittedauto-generated");
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.click(at("copy"));
    await page.getByText("Copied").waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe("222222");

    // Whoever reads one stays with it when others come, and finds it again after a reload.
    await page.fill(at("search"), "");
    await mail("eve@example.org", "code", { code: "333333", minutes: 10 });
    await mails(page).nth(3).waitFor();
    expect(await page.textContent(".pane h2")).toBe("222222 is your sign-in code");
    await page.reload();
    await page.frameLocator(at("mail")).getByText("222222").waitFor();
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test("opens what whoever comes from the page's door waits for, as it comes", async () => {
    const { page, complaints } = await world.visit(phone, "/dev/inbox?to=finn%40example.org");
    await page.getByText("No mail to such an address.").waitFor();
    await mail("finn@example.org", "code", { code: "444444", minutes: 10 });
    await page.frameLocator(at("mail")).getByText("444444").waitFor();
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test("runs nothing that stands in a mail", async () => {
    const { page, complaints } = await world.visit(desktop, "/dev/inbox");
    await page.route("**/dev/inbox?*", async (route) => {
      const html = `<body><h1>bad</h1><script>parent.document.title = "had"</script><img src="x" onerror="parent.document.title = 'had'">`;
      const bad = {
        id: "1",
        to: "<img src=x onerror=alert(1)>",
        subject: "<b>bad</b>",
        text: "x",
        html,
        headers: {},
        at: new Date().toISOString(),
      };
      await route.fulfill({ json: { items: [bad], nextCursor: null } });
    });
    await page.getByText("<b>bad</b>").click();
    await page.frameLocator(at("mail")).getByText("bad").waitFor();
    expect(await page.title()).toBe("Inbox – Confab");
    // The policy of the page alone would do; so would this.
    expect(await page.getAttribute(at("mail"), "sandbox")).toBe("allow-popups allow-popups-to-escape-sandbox");
    expect(await page.locator("#inbox img, #inbox li b b").count()).toBe(0);
    // The browser says that it blocked the script, and no more.
    expect(complaints.filter((said) => !/block/i.test(said) && !/status of 404/.test(said))).toEqual([]);
    await page.context().close();
  });

  test.each([
    ["dark", dark, false],
    ["phone", phone, true],
  ] as const)("can be read: %s", async (name, options, isPhone) => {
    const { page, complaints } = await world.visit(options, "/dev/inbox");
    await mails(page).last().waitFor();
    await shoot(page, `${name}-list`);
    await mails(page).last().click();
    await page.frameLocator(at("mail")).getByText("111111").waitFor();
    await shoot(page, name);
    expect(await page.evaluate(findFaults, { isCode: false, firstScreen })).toEqual([]);
    if (isPhone) {
      expect(await mails(page).last().isVisible()).toBe(false);
      await press(page, "← All");
      expect(await mails(page).last().isVisible()).toBe(true);
    }
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test("shows every template in every language", async () => {
    const { page, complaints } = await world.visit(desktop, "/dev/inbox");
    await page.click("text=Templates");
    await mails(page)
      .nth(sampleJobs.length - 1)
      .waitFor();
    await page.locator(`${at("mails")} button`, { hasText: "digest" }).click();
    await page.frameLocator(at("mail")).getByText("Garden team").waitFor();
    await page.selectOption(at("language"), "de");
    await page.frameLocator(at("mail")).getByText("Guten Tag, Ann!").last().waitFor();
    await shoot(page, "templates");
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});
