import { makeJob } from "./job.ts";
import { makeMail } from "./mail.ts";

const from = "Confab <no-reply@example.org>";
const context = { from, language: "en", publicUrl: "https://chat.example.org" } as const;
const asked = (to: string, code = "123456") => makeJob({ template: "code", to, data: { code, minutes: 1 } }, from);

test("nothing that is put in begins another header", () => {
  const mail = makeMail(asked("ann@example.org", "1\r\nBcc: eve@example.org"), context);
  expect(mail.subject).toBe("1 Bcc: eve@example.org is your sign-in code");
});

test("nor does what a template lets through", async () => {
  await jest.isolateModulesAsync(async () => {
    const content = { subject: "a\r\nBcc: eve@example.org\u0085b", text: "", html: "" };
    jest.doMock("./templates/index.ts", () => ({ render: () => content }));
    const { makeMail: make } = await import("./mail.ts");
    expect(make(asked("ann@example.org"), context).subject).toBe("a Bcc: eve@example.org b");
  });
});

test.each([
  "ann@example.org\r\nBcc: eve@example.org",
  "ann@example.org, eve@example.org",
  "Ann <ann@example.org>",
  "Ann <ann@example.org>, eve@example.org",
  "friends: ann@example.org;",
  "ann",
  "",
])("%j is no address to send to", (to) => {
  expect(() => makeMail(asked(to), context)).toThrow("address");
});

test("an address of any script is one to send to, as it is", () => {
  expect(makeMail(asked("用户@例子.中国"), context).to).toBe("用户@例子.中国");
});

test("a job has one Message-ID, of the sender's domain", () => {
  const job = asked("ann@example.org");
  expect(job.messageId).toBe(`<${job.id}@example.org>`);
  expect(makeMail(job, context).messageId).toBe(job.messageId);
  expect(makeMail(JSON.parse(JSON.stringify(job)), context).messageId).toBe(job.messageId);
});

test("and that is ASCII, whatever the sender's domain is", () => {
  const { id, messageId } = makeJob(
    { template: "code", to: "ann@example.org", data: { code: "1", minutes: 1 } },
    "no-reply@bücher.example",
  );
  expect(messageId).toBe(`<${id}@xn--bcher-kva.example>`);
});

test("says that a machine wrote it, in which language, and where such mails are ended", () => {
  const job = asked("ann@example.org");
  expect(makeMail(job, { ...context, language: "de" }).headers).toEqual({
    "Auto-Submitted": "auto-generated",
    "X-Auto-Response-Suppress": "All",
    "Content-Language": "de",
  });
  const unsubscribeUrl = "https://chat.example.org/unsubscribe/AQE_-j";
  expect(makeMail(job, { ...context, unsubscribeUrl }).headers).toMatchObject({
    "List-Unsubscribe": `<${unsubscribeUrl}>`,
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
  });
  expect(() => makeMail(job, { ...context, unsubscribeUrl: "javascript:alert(1)" })).toThrow("web addresses");
});
