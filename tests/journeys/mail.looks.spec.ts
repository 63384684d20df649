// Each mail as it looks in a browser: light and dark, narrow and wide. The pictures are in artifacts/mail-*.png, to be looked at.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { languages, type Language } from "@confab/contracts";
import { chromium, type Browser } from "playwright-core";
import { render } from "../../services/mail/templates/index.ts";
import { escapeHtml } from "../../services/mail/templates/html.ts";
import { sampleJobs } from "../../services/mail/templates/samples.ts";
import { findChromium } from "../../tools/chromium.ts";
import { withBrowser } from "./page.browser.ts";

jest.setTimeout(60_000);

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

withBrowser("mails", () => {
  let browser: Browser;
  beforeAll(async () => {
    mkdirSync(artifacts, { recursive: true });
    const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];
    browser = await chromium.launch({ executablePath: findChromium()!, args });
  });
  afterAll(() => browser.close());

  interface Sheet {
    language: Language;
    scheme: (typeof schemes)[number];
    width: number;
    change?: (html: string) => string;
  }

  /** All mails on one sheet, each in a frame of its own; what is wrong with each. */
  async function show(name: string, { language, scheme, width, change = (html) => html }: Sheet): Promise<string[]> {
    const perRow = Math.round(2400 / (width + 16));
    const page = await browser.newPage({ colorScheme: scheme, viewport: { width: perRow * (width + 16), height: 800 } });
    const requests: string[] = [];
    page.on("request", ({ url }) => requests.push(url()));
    const frames = shown.map(({ title, job }) => {
      const html = change(render(job, { ...context, language }).html);
      return `<iframe name="${escapeHtml(title)}" width="${width}" height="700" srcdoc="${escapeHtml(html)}"></iframe>`;
    });
    const style = "body{margin:0;display:flex;flex-wrap:wrap;align-items:start;background:#888}iframe{border:0;margin:8px}";
    await page.setContent(`<!doctype html><style>${style}</style>${frames.join("")}`);
    const faults: string[] = [];
    for (const { title, job } of shown) {
      const frame = page.frame({ name: title })!;
      const found = await frame.evaluate(findFaults, { isCode: job.template.endsWith("code"), firstScreen });
      faults.push(...found.map((fault) => `${title}: ${fault}`));
      const height = await frame.evaluate(() => document.documentElement.scrollHeight);
      await page.evaluate(([name, px]) => (document.getElementsByName(name)[0]!.style.height = `${px}px`), [
        title,
        height,
      ] as const);
    }
    await page.screenshot({ path: join(artifacts, `mail-${name}.png`), fullPage: true });
    await page.close();
    return [...faults, ...requests.filter((url) => !/^(about|data):/.test(url)).map((url) => `loads ${url}`)];
  }

  const looks = languages.flatMap((language) =>
    schemes.flatMap((scheme) =>
      Object.entries(widths).map(([width, px]) => ({ name: `${language}-${scheme}-${width}`, language, scheme, width: px })),
    ),
  );
  test.each(looks)("can be read: $name", async ({ name, ...sheet }) => {
    expect(await show(name, sheet)).toEqual([]);
  });

  test("can be read in the dark where a mail program drops all styles but those in the elements", async () => {
    const change = (html: string) => html.replace(/<style[^]*?<\/style>/g, "");
    expect(await show("en-dark-unstyled", { language: "en", scheme: "dark", width: 390, change })).toEqual([]);
  });

  test("would be found out if they could not be read", async () => {
    const change = (html: string) =>
      html.replaceAll("#191c26", "#999999").replace("<h1", '<div style="width:500px">x</div><a href="x"></a><h1');
    const faults = (await show("en-light-faulty", { language: "en", scheme: "light", width: 390, change })).join("\n");
    for (const one of [/code: is \d+ wide in 390/, /code: 2\.85: Your/, /code: a link to .* says nothing/])
      expect(faults).toMatch(one);
  });
});
