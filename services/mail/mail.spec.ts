import { makeJob } from "./job.ts";
import { makeMail } from "./mail.ts";
import { headerText, readMailbox } from "./mailbox.ts";
import { code } from "./templates/code.ts";
import { compose } from "./templates/template.ts";

const from = "Confab <no-reply@example.org>";
const context = { from, language: "en", publicUrl: "https://chat.example.org" } as const;

test("the code is read in the subject and on a line of its own", () => {
  const { subject, text, html } = code({ code: "123456", minutes: 10 });
  expect(subject).toBe("123456 is your sign-in code");
  expect(text.split("\n")).toContain("123456");
  expect(text).toContain("10 minutes");
  expect(html).toContain(">123456</p>");
});

test("text and HTML say the same, and what is put in is no markup", () => {
  const nasty = `<script>alert("1")</script> & 'more'`;
  const { text, html } = compose(nasty, [{ paragraph: nasty }, { code: nasty }]);
  expect(text).toBe(`${nasty}\n\n${nasty}\n`);
  expect(html).not.toContain("<script");
  const escaped = "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;more&#39;";
  expect(html.split(escaped)).toHaveLength(4);
});

test("nothing that is put in begins another header", () => {
  const job = makeJob({ template: "code", to: "ann@example.org", data: { code: "1\r\nBcc: eve@example.org", minutes: 1 } }, from);
  expect(makeMail(job, context).subject).toBe("1 Bcc: eve@example.org is your sign-in code");
  expect(headerText("a\r\n\u0000b\u0085\u2028")).not.toMatch(/[\r\n\u0000]/);
});

test.each([
  "ann@example.org\r\nBcc: eve@example.org",
  "ann@example.org, eve@example.org",
  "Ann <ann@example.org>, eve@example.org",
  "ann",
  "",
])("%j is no address to send to", (to) => {
  const job = makeJob({ template: "code", to, data: { code: "123456", minutes: 1 } }, from);
  expect(() => makeMail(job, context)).toThrow("address");
});

test("a mailbox is a name and one address, on one line", () => {
  expect(readMailbox(from)).toEqual({ name: "Confab", address: "no-reply@example.org" });
  expect(readMailbox("no-reply@example.org")).toEqual({ name: "", address: "no-reply@example.org" });
  expect(readMailbox(`"Confab, Inc." <no-reply@example.org>`)?.name).toBe("Confab, Inc.");
  for (const wrong of ["Confab", "Confab <>", "a@b <c", "Confab\r\nBcc: x <a@example.org>", "a@example.org\n"])
    expect(readMailbox(wrong)).toBeUndefined();
});

test("a job has one Message-ID, of the sender's domain", () => {
  const job = makeJob({ template: "code", to: "ann@example.org", data: { code: "123456", minutes: 1 } }, from);
  expect(job.messageId).toBe(`<${job.id}@example.org>`);
  expect(makeMail(job, context).messageId).toBe(job.messageId);
  expect(makeMail(JSON.parse(JSON.stringify(job)), context).messageId).toBe(job.messageId);
});
