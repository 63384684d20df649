import { MailJob as Schema, languages, type MailJob } from "@confab/contracts";
import { compileSchema } from "@confab/mixins/validator.ts";
import { render, type Context } from "./index.ts";
import { sampleJobs } from "./samples.ts";
import { words } from "./words/words.ts";

const base = { from: "Confab <no-reply@example.org>", publicUrl: "https://chat.example.org" };
const unsubscribeUrl = "https://chat.example.org/unsubscribe/AQEBj";
const withEnd = (template: string) => sampleJobs.some(({ job, canEnd }) => canEnd && job.template === template);
const contextOf = (template: string, language: Context["language"]): Context => ({
  ...base,
  language,
  ...(withEnd(template) ? { unsubscribeUrl } : {}),
});
const all = sampleJobs.flatMap(({ title, job }) => languages.map((language) => ({ title, language, job })));
const renderOne = (job: MailJob, language: Context["language"] = "en") => render(job, contextOf(job.template, language));

const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'", nbsp: " ", "#847": "", zwnj: "" };
const decode = (html: string) => html.replace(/&([\w#]+);/g, (_all, name: string) => entities[name]!);

/** What a reader of the HTML reads, from the heading on. */
function readHtml(html: string): string[] {
  const body = html
    .slice(html.indexOf("<h1"))
    .replace(/<!--[^]*?-->/g, "")
    .replace(/<br>/g, " ")
    .replace(/<[^>]*>/g, " ");
  return wordsOf(decode(body));
}
/** Words, without links and the signs that stand for what the layout shows. */
const wordsOf = (text: string) =>
  text
    .split(/\s+/)
    .filter((word) => word && word !== "--" && !/^https?:/.test(word))
    .map((word) => word.replace(/[:,]$/, ""));

const linksOf = (html: string) => [...html.matchAll(/\shref="([^"]*)"/g)].map(([, url]) => decode(url!));

test("there is a sample of every template", () => {
  const known = Schema.anyOf.map(({ properties }) => properties.template.const);
  expect(new Set(sampleJobs.map(({ job }) => job.template))).toEqual(new Set(known));
  const faultsOf = compileSchema(Schema);
  for (const { title, job } of sampleJobs) expect([title, faultsOf(job)]).toEqual([title, []]);
});

describe.each(all)("$title in $language", ({ language, job }) => {
  const { subject, text, html } = renderOne(job, language);

  test("says the same as text and as HTML, and leads to the same places", () => {
    expect(readHtml(html)).toEqual(wordsOf(text));
    const written = text.split("\n").filter((line) => /^https?:\S+$/.test(line));
    expect(linksOf(html)).toEqual(written);
    expect(written.at(-1)).toBe("https://chat.example.org/");
  });

  test("names its language, its subject and both looks, and loads nothing", () => {
    expect(html).toContain(`<html lang="${language}"`);
    expect(decode(/<title>(.*)<\/title>/.exec(html)![1]!)).toBe(subject);
    expect(html).toContain(`<meta name="color-scheme" content="light dark" />`);
    expect(html).toContain("prefers-color-scheme: dark");
    expect(html).not.toMatch(/<(img|link|script|iframe|object|form)\b|@import|url\(|\bsrc=|\bon\w+=|\[\[|\]\]/i);
  });

  test("has lines that any reader of mails takes", () => {
    const tooLong = text.split("\n").filter((line) => line.length > 72 && !/^\S+$/.test(line));
    expect(tooLong).toEqual([]);
    expect(html.split("\n").filter((line) => Buffer.byteLength(line) > 990)).toEqual([]);
    expect(subject).not.toMatch(/undefined|null|NaN|\[object/);
    expect(text).not.toMatch(/undefined|null|NaN|\[object/);
  });

  test("says how to end such mails only where one can", () => {
    expect(text.includes(unsubscribeUrl)).toBe(withEnd(job.template));
    const { unsubscribeUrl: _, ...without } = contextOf(job.template, language);
    expect(linksOf(render(job, without).html)).not.toContain(unsubscribeUrl);
  });
});

test("no two languages say the same, and German says Sie", () => {
  for (const { title, job } of sampleJobs) {
    const [english, german] = languages.map((language) => renderOne(job, language));
    expect([title, english!.subject]).not.toEqual([title, german!.subject]);
    expect([title, german!.text]).not.toEqual([title, expect.stringMatching(/\b(du|dein\w*|dich|dir|euch|eure?\w*)\b/i)]);
  }
});

describe("a code", () => {
  test("is read first of all in the subject, and on a line of its own", () => {
    const job = { template: "code", to: "ann@example.org", data: { code: "123456", minutes: 10 } } as MailJob;
    const { subject, text, html } = renderOne(job);
    expect(subject).toBe("123456 is your sign-in code");
    expect(text.split("\n")).toContain("123456");
    expect(text).toContain("10 minutes");
    expect(html).toMatch(/>123456<\/span\s*>/);
    expect(renderOne(job, "de").subject).toBe("123456 ist Ihr Anmeldecode");
  });

  test("is good for one minute, or for several", () => {
    const [{ codeTerms }, { codeTerms: german }] = [words.en, words.de];
    expect([codeTerms(1), codeTerms(10), german(1), german(10)].map((terms) => / (\d+ \w+)/.exec(terms)![1])).toEqual([
      "1 minute",
      "10 minutes",
      "1 Minute",
      "10 Minuten",
    ]);
  });
});

const digestSample = sampleJobs.find(({ title }) => title === "digest")!.job as Extract<MailJob, { template: "digest" }>;
const chatOf = (over: object) => ({
  ...digestSample.data.chats[0]!,
  count: 1,
  messages: digestSample.data.chats[0]!.messages.slice(0, 1),
  ...over,
});
const unread = (template: "digest" | "notification", chats: object[], more = 0, over: object = {}) =>
  ({ ...digestSample, template, data: { ...digestSample.data, chats, more, ...over } }) as MailJob;

test.each([
  ["digest", [chatOf({ count: 12 })], 0, "12 unread messages in “Garden team”", "12 ungelesene Nachrichten in „Garden team“"],
  [
    "digest",
    [chatOf({ count: 1, isDirect: true, title: "Bob" })],
    0,
    "1 unread message from Bob",
    "1 ungelesene Nachricht von Bob",
  ],
  [
    "digest",
    [chatOf({ count: 1200 }), chatOf({})],
    0,
    "1,201 unread messages in 2 chats",
    "1.201 ungelesene Nachrichten in 2 Chats",
  ],
  ["digest", [chatOf({})], 1, "Unread messages in 2 chats", "Ungelesene Nachrichten in 2 Chats"],
  ["digest", [chatOf({ title: "" })], 0, "1 unread message in a group", "1 ungelesene Nachricht in einer Gruppe"],
  ["notification", [chatOf({ isDirect: true, title: "Bob" })], 0, "Bob wrote to you", "Bob hat Ihnen geschrieben"],
  [
    "notification",
    [chatOf({ isDirect: true, title: "Bob", count: 2 })],
    0,
    "Bob wrote to you: 2 messages",
    "Bob hat Ihnen geschrieben: 2 Nachrichten",
  ],
  [
    "notification",
    [chatOf({ messages: digestSample.data.chats[0]!.messages.slice(-1) })],
    0,
    "Carol mentions you in “Garden team”",
    "Carol erwähnt Sie in „Garden team“",
  ],
  ["notification", [chatOf({}), chatOf({})], 0, "New messages in 2 chats", "Neue Nachrichten in 2 Chats"],
] as const)("%s of %#: %s", (template, chats, more, english, german) => {
  const job = unread(template, [...chats], more);
  expect([renderOne(job).subject, renderOne(job, "de").subject]).toEqual([english, german]);
});

test("a digest tells when by the reader's clock, and by UTC where nobody knows it", () => {
  const at = "2026-07-01T22:30:00.000Z";
  const clock = (timeZone?: string, language: Context["language"] = "en") =>
    /Carol, (.*):/.exec(
      renderOne(
        unread("digest", [chatOf({ messages: [{ name: "Carol", text: "x", at, isMention: false }] })], 0, { timeZone }),
        language,
      ).text,
    )![1];
  expect(clock("Europe/Berlin")).toBe("2 Jul, 00:30 CEST");
  expect(clock("Europe/Berlin", "de")).toBe("2. Juli, 00:30 MESZ");
  expect(clock("America/New_York")).toMatch(/^1 Jul, 18:30 /);
  for (const unknown of [undefined, "Mars/Olympus", ""]) expect(clock(unknown)).toBe("1 Jul, 22:30 UTC");
});

test("a message without words is one all the same, and so is a mail of a language that this node does not know", () => {
  expect(
    renderOne(
      unread("digest", [chatOf({ messages: [{ name: "", text: " \n", at: "2026-07-01T22:30:00.000Z", isMention: false }] })]),
    ).text,
  ).toContain("Somebody, 2 Jul, 00:30 CEST:\n  (without words");
  expect(renderOne(digestSample, "xx" as Context["language"]).text).toBe(renderOne(digestSample).text);
  expect(() => renderOne({ ...digestSample, template: "toString" } as unknown as MailJob)).toThrow("no such template");
});

describe("what people wrote", () => {
  /** The same with each text that somebody may have chosen replaced. */
  function refill<T>(value: T, word: string, key = ""): T {
    if (typeof value === "string") return (/^(url|at|eraseAt|timeZone|chatId|userId|to|template)$/.test(key) ? value : word) as T;
    if (Array.isArray(value)) return value.map((one: unknown) => refill(one, word, key)) as T;
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, refill(one as unknown, word, name)])) as T;
  }
  const markup = (html: string) =>
    html
      .replace(/<br>/g, "")
      .match(/<[^>]*>/g)!
      .map((tag) => tag.replace(/aria-label="[^"]*"/, ""));

  const nasty: Record<string, string> = {
    script: `<script>alert(1)</script>`,
    "an end of what is around it": `</td></tr></table></div></body><style>*{display:none}</style>`,
    "an attribute": `" onmouseover="alert(1)" x='y`,
    "a comment": `--><!--begin code--><img src=x>`,
    MJML: `</mj-text><mj-raw><b>x</b></mj-raw><mj-include path="/etc/passwd" />`,
    "template signs": "{{ secret }} <%= secret %> ${secret} [[blocks]] [[subject]] {% raw %} $& $1 $`",
    entities: "&lt;b&gt; &#60;b&#62; &amp;amp; &nbsp;",
    "line ends and headers": "x\r\nBcc: eve@example.org\r\n\r\n<b>\n.\n",
    controls: "a\u0000b\u0007c\u001b[31md\u009f",
    directions: "abc\u202edcba\u2066\u2067",
    "half a character": "\ud83d",
    "10,000 emoji": "🌱".repeat(10_000),
    "8,000 characters": "word ".repeat(1600),
    "one word of 8,000": "w".repeat(8000),
    "marks without end": `a${"\u0301".repeat(50_000)}`,
    nothing: " \u200e ",
  };

  describe.each(Object.entries(nasty))("%s", (_title, word) => {
    test.each(sampleJobs)("changes no more than the words of $title", ({ job }) => {
      for (const language of languages) {
        const plain = renderOne(refill(job, "x"), language);
        const { subject, text, html } = renderOne(refill(job, word), language);
        expect(markup(html)).toEqual(markup(plain.html));
        expect(subject).not.toMatch(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066\u2067]/u);
        expect(subject.length).toBeLessThan(1500);
        expect([...new Intl.Segmenter().segment(subject)].length).toBeLessThan(200);
        expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066\u2067\p{Cs}]/u);
        expect(html).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066\u2067\p{Cs}]/u);
        // Gmail shows no more than 102 kB of a mail.
        expect(Buffer.byteLength(html)).toBeLessThan(60_000);
      }
    });
  });

  test("comes out as it was written", () => {
    const given = `<b> & "it's" {{ x }} [[blocks]] $& $1 &lt;`;
    const job = unread("digest", [
      chatOf({ messages: [{ name: "x", text: given, at: "2026-07-01T22:30:00.000Z", isMention: false }] }),
    ]);
    expect(renderOne(job).text).toContain(given);
    expect(readHtml(renderOne(job).html).join(" ")).toContain(given);
  });

  test.each(["javascript:alert(1)", "data:text/html,x", "//evil.example", "x", "https://exa mple.org", "file:///etc/passwd"])(
    "no mail leads to %s",
    (url) => {
      expect(() => renderOne(unread("digest", [chatOf({})], 0, { url }))).toThrow();
    },
  );

  test("a link that would end its attribute is written so that it does not", () => {
    const { html, text } = renderOne(unread("digest", [chatOf({})], 0, { url: `https://x.example/a'b"<c>?d='"e#f'"><g` }));
    expect(linksOf(html)[0]).toBe(text.split("\n").find((line) => line.startsWith("https://x.example"))!);
    expect(linksOf(html)[0]).not.toMatch(/["<>\s]/);
  });
});
