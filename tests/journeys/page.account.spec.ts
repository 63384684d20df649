import { TOTP } from "otpauth";
import { describeWithBrowser } from "../support/browser.ts";
import { at, dark, desktop, PageWorld, phone, type Visitor } from "./page.browser.ts";

/* Accounts on the page: every way in, everything that one can change, and what administrators have. */

const password = "four words make one";
const other = "another four words";

describeWithBrowser("accounts on the page", () => {
  let world: PageWorld;
  beforeAll(async () => {
    world = await PageWorld.start({ ADMINS: "ada@example.com" });
  });
  afterAll(() => world?.stop());

  /** Nobody's browser had anything to complain of, but that some requests were refused. */
  async function leave(...visitors: Visitor[]): Promise<void> {
    const refused = /^Failed to load resource: .* status of 4\d\d/;
    const complaints = visitors.flatMap((visitor) => visitor.complaints).filter((words) => !refused.test(words));
    await Promise.all(visitors.map((visitor) => visitor.leave()));
    expect(complaints).toEqual([]);
  }

  async function register(email: string, name: string, options = desktop): Promise<Visitor> {
    const visitor = await world.visit(options);
    const { page } = visitor;
    await page.click(at("to-password"));
    await page.click(at("to-register"));
    await page.fill(at("name"), name);
    await page.fill(at("email"), email);
    await page.fill(at("password"), password);
    await page.click(at("register"));
    await page.waitForSelector(at("code"));
    await page.fill(at("code"), await world.mailedCode(email));
    await page.click(at("verify"));
    await page.waitForSelector(at("me"));
    return visitor;
  }

  async function giveCredentials(visitor: Visitor, email: string, secret: string): Promise<void> {
    const { page } = visitor;
    await page.waitForSelector(at("email"));
    if ((await page.locator(at("to-password")).count()) > 0) await page.click(at("to-password"));
    await page.fill(at("email"), email);
    await page.fill(at("password"), secret);
    await page.click(at("login"));
  }

  async function openSettings({ page }: Visitor, entry?: string): Promise<void> {
    await page.click(at("me"));
    await page.waitForSelector(at("settings"));
    if (entry) await page.click(at(entry));
  }

  async function closeDialogs({ page }: Visitor): Promise<void> {
    while ((await page.locator("dialog").count()) > 0) {
      const count = await page.locator("dialog").count();
      await page.locator("dialog").last().locator(at("dialog-close")).click();
      await page.waitForFunction((before) => document.querySelectorAll("dialog").length < before, count);
    }
  }

  async function signOut(visitor: Visitor): Promise<void> {
    await openSettings(visitor);
    await visitor.page.click(at("sign-out"));
    await visitor.page.waitForSelector(at("email"));
  }

  test("an account with a password: registered, given a picture and a second factor, signed in to in every way, changed", async () => {
    const ann = await register("ann@example.com", "Ann Arbor");
    const { page } = ann;

    // A picture, as whoever looks at it sees it.
    await openSettings(ann);
    await page.setInputFiles(at("avatar-file"), { name: "me.png", mimeType: "image/png", buffer: await page.screenshot() });
    await page.waitForSelector(at("remove-avatar"));
    const picture = page.locator(`${at("settings")} .avatar img`);
    await picture.waitFor();
    expect(await picture.evaluate((image: HTMLImageElement) => image.complete && image.naturalWidth)).toBeGreaterThan(0);
    await ann.shoot("account-settings");

    await page.click(at("open-totp"));
    await page.click(at("totp-begin"));
    await page.waitForSelector(at("totp-qr"));
    await page.locator("summary", { hasText: "Or type" }).click();
    const secret = (await page.locator(at("totp-secret")).innerText()).replace(/\s/g, "");
    const drawn = await page.locator(at("totp-qr")).evaluate((image: HTMLImageElement) => image.naturalWidth);
    expect(drawn).toBeGreaterThan(0);
    await ann.shoot("account-totp");
    const totp = new TOTP({ secret });
    await page.fill(at("code"), totp.generate());
    await page.click(at("totp-confirm"));
    await page.waitForSelector(at("recovery-codes"));
    const codes = await page.locator(`${at("recovery-codes")} code`).allInnerTexts();
    expect(codes).toHaveLength(10);
    // What is said in passing is seen above the dialog.
    await page.locator(at("totp-dialog")).getByText("Copy").click();
    await page.locator(`${at("notices")}:popover-open`, { hasText: /Copied|does not let/ }).waitFor();
    await ann.shoot("account-recovery");
    await page.click(at("recovery-done"));
    await closeDialogs(ann);
    await signOut(ann);

    // By password, and then by the code of the next half minute: this one's is used up.
    await giveCredentials(ann, "ann@example.com", "not the password");
    await page.getByText("The address or the password is wrong.").waitFor();
    await giveCredentials(ann, "ann@example.com", password);
    await page.waitForSelector(at("totp"));
    await page.fill(at("totp"), totp.generate() === "000000" ? "111111" : "000000");
    await page.click(at("login"));
    await page.locator("[aria-invalid]").waitFor();
    await ann.shoot("account-second-factor");
    await page.fill(at("totp"), totp.generate({ timestamp: Date.now() + 30_000 }));
    await page.click(at("login"));
    await page.waitForSelector(at("me"));
    await signOut(ann);

    // By a mailed code and a recovery code, as it may be typed.
    await page.click(at("to-password"));
    await page.click(at("to-code"));
    await page.fill(at("email"), "ann@example.com");
    await page.click(at("request-code"));
    await page.waitForSelector(at("code"));
    await page.fill(at("code"), await world.mailedCode("ann@example.com"));
    await page.click(at("verify"));
    await page.waitForSelector(at("totp"));
    await page.fill(at("totp"), ` ${codes[0]!.toUpperCase()}`);
    await page.click(at("verify"));
    await page.waitForSelector(at("me"));

    // Another device is seen, and ended: it is signed out within two seconds.
    const second = await world.visit(phone);
    await giveCredentials(second, "ann@example.com", password);
    await second.page.fill(at("totp"), codes[1]!);
    await second.page.click(at("login"));
    await second.page.waitForSelector(at("me"));
    await openSettings(second);
    await second.shoot("account-settings-phone");
    await closeDialogs(second);
    await openSettings(ann, "open-sessions");
    const others = page.locator(`${at("session")}[data-current="false"]`);
    await others.waitFor();
    await ann.shoot("account-sessions");
    await others.locator(at("session-end")).click();
    const ended = Date.now();
    await second.page.waitForSelector(at("email"));
    expect(Date.now() - ended).toBeLessThan(2000);
    await others.waitFor({ state: "detached" });
    await closeDialogs(ann);

    await openSettings(ann, "open-password");
    await page.fill(at("current-password"), password);
    await page.fill(at("new-password"), "password123");
    await page.click(at("save-password"));
    await page.getByText("one of the commonest passwords").waitFor();
    await ann.shoot("account-password");
    await page.fill(at("new-password"), other);
    await page.click(at("save-password"));
    await page.getByText("Your password is changed.").waitFor();
    await closeDialogs(ann);

    // Without a recent sign-in the password is asked for.
    await ageSession(ann);
    await openSettings(ann, "open-totp");
    await page.click(at("totp-off"));
    await page.click(at("confirm-yes"));
    await page.waitForSelector(at("recent"));
    await page.fill(at("recent-password"), other);
    await page.click(at("recent-go"));
    await page.waitForSelector(at("totp"));
    await ann.shoot("account-recent");
    await page.fill(at("totp"), codes[2]!);
    await page.click(at("recent-go"));
    await page.getByText("The second factor is off.").waitFor();
    await leave(ann, second);
  });

  /** Its sign-in was a long time ago. */
  async function ageSession({ page }: Visitor): Promise<void> {
    const sessionId = await page.evaluate(() => {
      const key = Object.keys(localStorage).find((name) => name.endsWith(":session"))!;
      const { accessToken } = JSON.parse(localStorage.getItem(key)!) as { accessToken: string };
      const payload = accessToken.split(".")[1]!.replace(/-/g, "+").replace(/_/g, "/");
      return (JSON.parse(atob(payload)) as { sid: string }).sid;
    });
    const { store } = world.node.broker.getLocalService("user") as unknown as {
      store: { confirmSession: (sessionId: string, now: number) => Promise<void> };
    };
    await store.confirmSession(sessionId, Date.now() - 3_600_000);
  }

  test("a forgotten password is replaced by a mailed code; the address is changed by another", async () => {
    const bob = await register("bob@example.com", "Bob Berg", dark);
    const { page } = bob;
    await signOut(bob);
    await page.click(at("to-password"));
    await bob.shoot("account-login-dark");
    await page.click(at("to-register"));
    await bob.shoot("account-register-dark");
    await page.click(at("to-password"));
    await page.click(at("to-forgot"));
    await page.fill(at("email"), "bob@example.com");
    await page.click(at("forgot"));
    await page.waitForSelector(at("code"));
    await page.fill(at("code"), await world.mailedCode("bob@example.com"));
    await page.fill(at("password"), other);
    await page.click(at("reset"));
    await page.waitForSelector(at("me"));

    await openSettings(bob, "open-email");
    await page.fill(at("new-email"), "robert@example.com");
    await page.click(at("save-email"));
    await page.waitForSelector(at("code"));
    await page.fill(at("code"), await world.mailedCode("robert@example.com"));
    await page.click(at("save-email"));
    await page.locator(at("settings")).getByText("robert@example.com").first().waitFor();
    await page.uncheck(at("pref-findable"));
    await bob.shoot("account-settings-dark");
    await leave(bob);
  });

  test("people see pictures, block and unblock each other, get all that is held of them, and go", async () => {
    const cat = await world.signIn("cat@example.com", "Cat Cruz");
    const dan = await world.signIn("dan@example.com", "Dan Drew", { ...phone, colorScheme: "light" });
    await openSettings(cat);
    await cat.page.setInputFiles(at("avatar-file"), {
      name: "me.png",
      mimeType: "image/png",
      buffer: await dan.page.screenshot(),
    });
    await cat.page.waitForSelector(at("remove-avatar"));
    await closeDialogs(cat);
    await cat.startChat("dan@example.com");
    await cat.say("Do you see me?");
    await dan.page.locator(`${at("chat-item")} .avatar img`).waitFor();
    await dan.shoot("account-avatar-phone");

    await cat.page.click(at("details"));
    await cat.page.click(at("block"));
    await cat.page.click(at("confirm-yes"));
    await cat.page.getByText("You have blocked this person.").waitFor();
    await openSettings(cat);
    await cat.page.locator(at("blocked"), { hasText: "Dan Drew" }).locator(at("unblock")).click();
    await cat.page.waitForSelector(at("blocked"), { state: "detached" });

    await cat.page.click(at("open-export"));
    await cat.page.click(at("export-begin"));
    await cat.page.waitForSelector(at("export-link"));
    const archive = await fetch(new URL((await cat.page.getAttribute(at("export-link"), "href"))!, world.url));
    expect([archive.status, archive.headers.get("content-type")]).toEqual([200, "application/zip"]);
    await cat.shoot("account-export");
    await closeDialogs(cat);

    // Without a password there is nothing to ask for: one has to sign in anew.
    await ageSession(cat);
    await openSettings(cat, "open-totp");
    await cat.page.click(at("totp-begin"));
    await cat.page.locator(at("recent")).getByText("come back by a code").waitFor();
    await cat.shoot("account-recent-by-code");
    await cat.page.locator(at("recent")).locator(at("dialog-close")).click();
    await cat.page.locator(at("totp-dialog")).getByText("That wants a recent sign-in first.").waitFor();
    await cat.page.locator(at("totp-dialog")).locator(at("dialog-close")).click();
    await cat.page.click(at("sign-out"));
    await cat.page.fill(at("email"), "cat@example.com");
    await cat.page.click(at("request-code"));
    await cat.page.waitForSelector(at("code"));
    await cat.page.fill(at("code"), await world.mailedCode("cat@example.com"));
    await cat.page.click(at("verify"));
    await cat.page.waitForSelector(at("me"));

    await openSettings(cat, "open-erase");
    await cat.page.check(at("erase-sure"));
    await cat.shoot("account-erase");
    await cat.page.click(at("erase-go"));
    await cat.page.waitForSelector(at("email"));
    await cat.page.getByText("Signing in before then calls it off.").waitFor();
    await cat.shoot("account-erased");
    await leave(cat, dan);
  });

  test("an administrator sees what is reported, bans, and finds it in the log; makes and removes a server key", async () => {
    const ada = await world.signIn("ada@example.com", "Ada Alm");
    const eve = await world.signIn("eve@example.com", "Eve Elm", phone);
    await ada.startChat("eve@example.com");
    await eve.open("Ada Alm");
    await eve.say("Buy my watches!");
    await ada.sees("Buy my watches!");
    await ada.onMessage("Buy my watches!", "report-message");
    await ada.page.fill(at("report-text"), "For the third time.");
    await ada.shoot("account-report");
    await ada.page.click(at("report-send"));
    await ada.page.getByText("Thank you.").waitFor();
    expect(await eve.page.locator(at("open-admin")).count()).toBe(0);

    await openSettings(ada, "open-admin");
    await ada.page.click(at("admin-reports"));
    const report = ada.page.locator(at("report-item"), { hasText: "Buy my watches!" });
    await report.waitFor();
    await ada.shoot("account-admin-reports");
    await report.locator("a", { hasText: "Eve Elm" }).click();
    const row = ada.page.locator(at("admin-user"), { hasText: "Eve Elm" });
    await row.locator(at("admin-user-more")).click();
    await ada.page.click(at("admin-ban"));
    await ada.page.fill(at("ban-reason"), "Sells watches");
    await ada.shoot("account-admin-ban");
    await ada.page.click(at("ban-go"));
    const banned = Date.now();
    await eve.page.waitForSelector(at("email"));
    expect(Date.now() - banned).toBeLessThan(2000);
    await row.locator(at("banned-user"), { hasText: "Sells watches" }).waitFor();

    await ada.page.click(at("admin-reports"));
    await report.locator(at("report-close")).click();
    await ada.page.fill(at("report-note"), "Banned.");
    await ada.page.click(at("report-resolve"));
    await report.waitFor({ state: "detached" });
    await ada.choose("resolved");
    await ada.page.locator(at("report-item"), { hasText: "Banned." }).waitFor();

    await ada.page.click(at("admin-audit"));
    await ada.page
      .locator(`${at("audit")} tr`, { hasText: "user.admin.ban" })
      .first()
      .waitFor();
    await ada.shoot("account-admin-audit");

    await ada.page.click(at("admin-keys"));
    await ada.page.fill(at("key-name"), "The shop");
    await ada.page.check(at("scope-users"));
    await ada.page.click(at("key-make"));
    expect(await ada.page.inputValue(at("key-secret"))).toMatch(/^ck_/);
    await ada.page.locator(at("server-key"), { hasText: "The shop" }).waitFor();
    await ada.shoot("account-admin-keys");
    await ada.page.click(at("key-done"));
    await ada.page.click(at("key-remove"));
    await ada.page.click(at("confirm-yes"));
    await ada.page.getByText("There are no server keys.").waitFor();

    await ada.page.click(at("admin-users"));
    await ada.page.fill(at("admin-query"), "eve@example.com");
    await ada.page.click(at("admin-find"));
    await row.locator(at("admin-user-more")).click();
    await ada.page.click(at("admin-unban"));
    await row.locator(at("banned-user")).waitFor({ state: "detached" });
    await ada.page.setViewportSize(phone.viewport);
    await ada.page.emulateMedia({ colorScheme: "dark" });
    await ada.page.fill(at("admin-query"), "");
    await ada.page.click(at("admin-find"));
    await ada.page.locator(at("admin-user")).nth(1).waitFor();
    await ada.shoot("account-admin-phone");
    await leave(ada, eve);
  });
});
