import type { MailTemplate } from "@confab/contracts";
import { call } from "@confab/mixins/define.ts";
import type { BrowserContextOptions } from "playwright-core";
import { startSmtpServer, type TestServer } from "../../services/mail/transports/testing.ts";
import { eventually } from "../support/wait.ts";
import { describeWithBrowser } from "../support/browser.ts";
import { at, dark, desktop, PageWorld, phone, type Visitor } from "./page.browser.ts";

/* Mail as people and administrators meet it on the page, with a mail server that refuses whom it is told to. */

const refusal = "550 5.1.1 no mailbox of that name here";

describeWithBrowser("mail on the page", () => {
  let server: TestServer;
  let world: PageWorld;
  const refused = new Set<string>();
  beforeAll(async () => {
    server = await startSmtpServer((stage, address) => (stage === "rcpt" && refused.has(address) ? refusal : undefined));
    world = await PageWorld.start({ ADMINS: "ada@example.com", SMTP_URL: server.url(), METRICS: "on", HEALTH_PORT: "0" });
  });
  afterAll(async () => {
    await world?.stop();
    await server?.close();
  });

  /** The headers of the newest mail to an address, unfolded; of one that has this header, and came after so many others. */
  const mailed = (address: string, header = "Subject", after = 0) =>
    eventually(`a mail to ${address}`, async () => {
      const raw = server.received
        .slice(after)
        .findLast(({ to, raw }) => to.includes(address) && raw.includes(`\n${header}:`))?.raw;
      return raw?.slice(0, raw.indexOf("\r\n\r\n")).replace(/\r\n[ \t]+/g, " ");
    });
  const codeFor = async (address: string, after = 0) =>
    /^Subject: .*\b(\d{6})\b/m.exec(await mailed(address, "Subject", after))![1]!;

  async function askForCode(email: string, options: BrowserContextOptions = desktop): Promise<Visitor> {
    const visitor = await world.visit(options);
    await visitor.page.fill(at("email"), email);
    await visitor.page.click(at("request-code"));
    await visitor.page.waitForSelector(at("code"));
    return visitor;
  }

  async function giveCode({ page }: Visitor, code: string, name: string): Promise<void> {
    await page.fill(at("code"), code);
    await page.fill(at("name"), name);
    await page.click(at("verify"));
    await page.waitForSelector(at("me"));
  }

  async function signIn(email: string, name: string, options: BrowserContextOptions = desktop): Promise<Visitor> {
    const before = server.received.length;
    const visitor = await askForCode(email, options);
    await giveCode(visitor, await codeFor(email, before), name);
    return visitor;
  }

  async function leave(...visitors: Visitor[]): Promise<void> {
    // There is no dev inbox to be read here.
    const complaints = visitors.flatMap((visitor) => visitor.complaints).filter((words) => !/status of 404/.test(words));
    await Promise.all(visitors.map((visitor) => visitor.leave()));
    expect(complaints).toEqual([]);
  }

  test("an administrator finds out why Ann got no mail, sends it after all, and Ann comes in by it", async () => {
    refused.add("ann@example.com");
    const ann = await askForCode("ann@example.com");
    const ada = await signIn("ada@example.com", "Ada");
    const { page } = ada;
    const explained = () => call(world.node.broker, "mail.job.explain", { address: "ann@example.com" });
    await eventually("the mail is given up", async () => (await explained()).jobs[0]?.state === "dead");

    await page.click(at("me"));
    await page.click(at("open-admin"));
    await page.click(at("admin-mail"));
    const item = page.locator(at("mail-item"));
    await item.first().waitFor();
    expect(await item.getAttribute("data-state")).toBe("dead");
    await ada.shoot("mail-dead");

    await page.fill(at("mail-address"), "Ann@example.com");
    await page.click(at("mail-find"));
    const findings = page.locator(`${at("findings")} li`);
    await findings.first().waitFor();
    expect(await findings.first().innerText()).toContain(`refused the address`);
    expect(await findings.first().innerText()).toContain(refusal);
    await page.click(at("mail-history"));
    expect(await page.locator(".steps").innerText()).toContain(refusal);
    await ada.shoot("mail-explained");
    // Never what a mail says.
    expect(await page.content()).not.toMatch(/\b\d{6} is your/);

    // The mailbox is there now.
    refused.clear();
    await page.click(at("mail-replay"));
    await page.locator(`${at("mail-item")}[data-state="waiting"]`).waitFor();
    await eventually("the mail is sent", async () => (await explained()).jobs[0]?.state === "sent");
    await page.click(at("mail-look"));
    await page.locator(`${at("mail-item")}[data-state="sent"]`).waitFor();
    expect(await findings.allInnerTexts()).toEqual([
      expect.stringContaining("Look in the spam folder"),
      expect.stringContaining("No account has this address"),
    ]);
    expect(await page.locator(".steps li").allInnerTexts()).toEqual([
      expect.stringContaining("Taken into the queue"),
      expect.stringContaining("Given up"),
      expect.stringContaining("Sent again by an administrator"),
      expect.stringContaining("Taken by the mail server"),
    ]);
    await ada.shoot("mail-sent");
    await giveCode(ann, await codeFor("ann@example.com"), "Ann");

    // What was looked at and done is told of, without the address.
    await page.click(at("admin-audit"));
    await page.locator(`${at("audit")} tr`, { hasText: "mail.admin.replay" }).waitFor();
    expect(await page.locator(at("audit")).innerText()).not.toContain("ann@example.com");
    await leave(ann, ada);
  });

  test("all that were given up are sent again at once, after a question; a user leads to their mails", async () => {
    const addresses = ["bo@example.com", "cy@example.com"];
    for (const address of addresses) refused.add(address);
    const accept = (to: string) =>
      call(world.node.broker, "mail.job.accept", { template: "export-ready", to, data: { url: "https://x.example", days: 7 } });
    for (const address of addresses) await accept(address);
    const ada = await signIn("ada@example.com", "Ada", phone);
    const { page } = ada;
    await page.goto(`${world.url}/#/admin/mail`);
    await page.locator(at("mail-item")).nth(1).waitFor();
    await ada.shoot("mail-dead-phone");
    refused.clear();
    await page.click(at("mail-replay-all"));
    await page.click(at("confirm-yes"));
    await page.getByText("2 mails on the way.").waitFor();
    for (const address of addresses) await mailed(address);
    await ada.choose("sent");
    await page.locator(at("mail-item"), { hasText: "cy@example.com" }).waitFor();

    await page.goto(`${world.url}/#/admin/users`);
    await page.locator(at("admin-user"), { hasText: "Ada" }).locator(at("admin-user-more")).click();
    await page.click(at("admin-mails"));
    await page.locator(at("findings")).waitFor();
    expect(await page.inputValue(at("mail-address"))).toBe("ada@example.com");
    await ada.shoot("mail-explained-phone");
    await leave(ada);
  });

  test("which mails one wants is saved and shown again, by the clock of where one is", async () => {
    const dee = await signIn("dee@example.com", "Dee", { ...dark, timezoneId: "Europe/Berlin" });
    const { page } = dee;
    const open = async () => {
      await page.click(at("me"));
      await page.waitForSelector(at("pref-digest"));
    };
    const meta = { userId: await dee.userId() };
    const stored = () => call(world.node.broker, "chat.preference.get", {}, { meta });
    await open();
    expect((await stored()).timeZone).toBeNull();
    await page.click(at("pref-notifications"));
    await eventually("it is stored", async () => !(await stored()).notifications);
    // Where Dee is came with the first of them.
    expect((await stored()).timeZone).toBe("Europe/Berlin");
    await page.waitForSelector(`${at("pref-digest")}:enabled`);
    await page.selectOption(at("pref-digest"), "daily");
    await eventually("it is stored", async () => (await stored()).digest === "daily");
    await page.waitForSelector(`${at("pref-language")}:enabled`);
    await page.selectOption(at("pref-language"), "de");
    await eventually("it is stored", async () => (await stored()).language === "de");
    await page.click(at("open-quiet"));
    await page.fill(at("quiet-from"), "21:30");
    await page.fill(at("quiet-to"), "06:15");
    await dee.shoot("mail-quiet-dark");
    await page.click(at("quiet-save"));
    await page.locator(at("quiet-dialog")).waitFor({ state: "detached" });

    await page.reload();
    await open();
    expect(await page.isChecked(at("pref-notifications"))).toBe(false);
    expect(await page.inputValue(at("pref-digest"))).toBe("daily");
    expect(await page.inputValue(at("pref-language"))).toBe("de");
    expect(await page.innerText(at("quiet-hours"))).toBe("21:30 to 06:15");
    await page.locator(at("pref-language")).scrollIntoViewIfNeeded();
    await dee.shoot("mail-settings-dark");
    await page.click(at("open-quiet"));
    expect(await page.inputValue(at("time-zone"))).toBe("Europe/Berlin");
    await page.click(at("quiet-none"));
    await page.locator(at("quiet-hours"), { hasText: "None" }).waitFor();
    expect((await stored()).quietHours).toBeNull();
    await leave(dee);
  });

  /** The path of the link that a mail names in List-Unsubscribe. */
  const linkIn = async (address: string) => {
    const headers = await mailed(address, "List-Unsubscribe");
    expect(headers).toMatch(/^List-Unsubscribe-Post: List-Unsubscribe=One-Click$/m);
    return new URL(/^List-Unsubscribe: .*<(https?:[^>]+)>/m.exec(headers)![1]!).pathname;
  };

  test("the link in a mail asks first, and ends that kind of mail; a mailbox provider ends one by a single POST", async () => {
    const eve = await signIn("eve@example.com", "Eve");
    const meta = { userId: await eve.userId() };
    const unread = (template: MailTemplate) =>
      call(world.node.broker, "mail.job.accept", {
        template,
        to: "eve@example.com",
        data: {
          ...{ userId: meta.userId, name: "Eve", more: 0, url: "https://chat.example.com" },
          chats: [
            {
              ...{ chatId: meta.userId, title: "Ann", isDirect: true, count: 1, fromSeq: 0, toSeq: 1 },
              messages: [{ name: "Ann", text: "Hello", at: new Date().toISOString(), isMention: false }],
            },
          ],
        },
      });
    const stored = () => call(world.node.broker, "chat.preference.get", {}, { meta });
    const before = await stored();
    await unread("notification");
    const link = await linkIn("eve@example.com");

    // Whatever reads links changes nothing.
    await fetch(`${world.url}${link}`);
    const reader = await world.visit(desktop, link);
    await reader.page.getByRole("heading", { name: "Stop these mails?" }).waitFor();
    await reader.shoot("unsubscribe");
    expect(await stored()).toEqual(before);
    const german = await world.visit({ ...phone, locale: "de-DE" }, link);
    await german.page.getByRole("heading", { name: "Diese E-Mails abbestellen?" }).waitFor();
    await german.shoot("unsubscribe-phone-dark");
    await reader.page.getByRole("button").click();
    await reader.page.getByRole("heading", { name: "These mails are stopped" }).waitFor();
    await reader.shoot("unsubscribe-done");
    expect(await stored()).toEqual({ ...before, notifications: false });

    server.received.length = 0;
    await unread("digest");
    const digest = await linkIn("eve@example.com");
    const post = (path: string) =>
      fetch(`${world.url}${path}`, {
        method: "POST",
        body: new URLSearchParams({ "List-Unsubscribe": "One-Click" }),
        redirect: "error",
      });
    expect((await post(digest)).status).toBe(200);
    expect(await stored()).toEqual({ ...before, notifications: false, digest: "never" });
    expect((await post(`${digest.slice(0, -1)}x`)).status).toBe(404);
    const { findings } = await call(world.node.broker, "mail.job.explain", { address: "eve@example.com" });
    expect(findings.slice(1)).toEqual([
      "The account has switched mails about mentions and direct messages off.",
      "The account has switched digests off.",
    ]);

    // Somebody who has no account is asked into a group, and wants no more of that.
    const chat = await call(world.node.broker, "chat.chat.create", { type: "group", title: "Readers", memberIds: [] }, { meta });
    const invite = () => call(world.node.broker, "chat.invite.create", { chatId: chat.id, email: "fay@example.com" }, { meta });
    await invite();
    expect((await post(await linkIn("fay@example.com"))).status).toBe(200);
    await invite();
    const explained = () => call(world.node.broker, "mail.job.explain", { address: "fay@example.com" });
    await eventually("the second is not sent", async () => (await explained()).jobs[0]?.state === "dead");
    expect((await explained()).unsubscribed).toEqual(["invitation"]);
    expect(server.received.filter(({ to }) => to.includes("fay@example.com"))).toHaveLength(1);
    await leave(eve, reader, german);
  });
});
