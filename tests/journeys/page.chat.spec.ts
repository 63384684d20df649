import { describeWithBrowser } from "../support/browser.ts";
import { at, dark, desktop, PageWorld, phone, type Visitor } from "./page.browser.ts";

/* What people do with chats on the page, seen by the others in browsers of their own. */

describeWithBrowser("chats on the page", () => {
  let world: PageWorld;
  beforeAll(async () => {
    world = await PageWorld.start();
  });
  afterAll(() => world?.stop());

  /** Nobody's browser had anything to complain of, but that some requests were refused. */
  async function leave(...visitors: Visitor[]): Promise<void> {
    const refused = /^Failed to load resource: .* status of 40[34]/;
    const complaints = visitors.flatMap((visitor) => visitor.complaints).filter((words) => !refused.test(words));
    await Promise.all(visitors.map((visitor) => visitor.leave()));
    expect(complaints).toEqual([]);
  }

  test("edit, delete, react and reply show on the other side at once, and so do presence, typing and receipts", async () => {
    const ann = await world.signIn("ann@example.com", "Ann Arbor");
    const bob = await world.signIn("bob@example.com", "Bob Berg", phone);
    await ann.startChat("bob@example.com");
    await ann.page.locator(at("under-title"), { hasText: "Online" }).waitFor();
    await ann.say("See you on Sunady");
    await ann.say("At the bridge");
    const bridge = ann.message("At the bridge");
    // He has it, and has not looked.
    await bridge.locator('[data-ticks="delivered"]').waitFor();
    await bob.open("Ann Arbor");
    await bob.page.waitForSelector(at("divider"));
    await bridge.locator('[data-ticks="read"]').waitFor();

    await bob.page.fill(at("composer"), "Which b");
    await ann.page.locator(at("typing"), { hasText: "Bob Berg is typing" }).waitFor();
    await ann.page.locator(at("chat-item"), { hasText: "typing" }).waitFor();
    await bob.page.fill(at("composer"), "");
    await ann.page.locator(at("typing"), { hasText: "typing" }).waitFor({ state: "hidden" });

    // With a finger, a tap brings the menu.
    await bob.message("At the bridge").locator(".bubble").tap();
    await bob.page.click(at("reply"));
    await bob.page.waitForSelector(at("about-bar"));
    await bob.page.fill(at("composer"), "The old one?");
    await bob.page.click(at("send"));
    const quote = ann.message("The old one?").locator(at("quote"));
    expect(await quote.innerText()).toMatch(/You\s+At the bridge/);

    await ann.onMessage("The old one?", "quick-reaction");
    const reaction = bob.message("The old one?").locator(at("reaction"));
    await reaction.waitFor();
    await reaction.tap();
    await ann.message("The old one?").locator(at("reaction"), { hasText: "2" }).waitFor();
    await ann.message("The old one?").hover();
    await ann.message("The old one?").locator(at("reactors")).click();
    await ann.page.locator(at("reactors-dialog")).getByText("Bob Berg").waitFor();
    await ann.page.keyboard.press("Escape");
    // Any other emoji can be pasted.
    await ann.message("The old one?").hover();
    await ann.message("The old one?").locator(at("react")).click();
    await ann.page.fill(at("emoji-search"), "🦦");
    await ann.page.keyboard.press("Enter");
    await bob.message("The old one?").locator(at("reaction"), { hasText: "🦦" }).waitFor();

    await ann.onMessage("See you on Sunady", "edit");
    await ann.say("See you on Sunday");
    await bob.sees("See you on Sunday");
    await bob.message("See you on Sunday").locator(at("edited")).click();
    await bob.page.locator(at("history")).getByText("See you on Sunady").waitFor();
    await bob.page.click(at("dialog-close"));

    await ann.onMessage("At the bridge", "delete");
    await ann.page.click(at("confirm-yes"));
    await bob.page.locator(".bubble.deleted").waitFor();
    // An answer shows that what it answers is gone.
    await bob.message("The old one?").locator(at("quote"), { hasText: "Message deleted" }).waitFor();
    await ann.shoot("chat-direct");
    await bob.shoot("chat-direct-phone");
    await leave(ann, bob);
  });

  test("words are found and their place is shown; from there one comes back to the newest without a hole", async () => {
    const cat = await world.signIn("cat@example.com", "Cat Cruz", dark);
    const dan = await world.signIn("dan@example.com", "Dan Drew");
    await cat.startChat("dan@example.com");
    const words = (seq: number) => (seq === 40 ? "The heron stood in the reeds." : `Bird number ${seq}.`);
    const texts = Array.from({ length: 300 }, (_, index) => words(index + 1));
    await world.fill(cat.chatId(), await dan.userId(), texts);
    await cat.page.reload();
    await cat.sees("Bird number 300.");
    const log = cat.page.locator('[role="log"]');

    await cat.page.fill(at("search"), "heron ree");
    await cat.page.locator(at("hit"), { hasText: "The heron stood" }).click();
    const hit = cat.message("The heron stood in the reeds.");
    await hit.waitFor();
    expect(await hit.evaluate((row) => row.classList.contains("target"))).toBe(true);
    const { y } = (await hit.boundingBox())!;
    expect(y).toBeGreaterThan(0);
    expect(y).toBeLessThan(desktop.viewport.height);
    await cat.shoot("chat-search");

    // The newest are not there; scrolling down fetches all in between.
    await dan.open("Cat Cruz");
    await dan.say("Bird number 301.");
    await dan.sees("Bird number 301.");
    for (let tries = 0; tries < 60 && (await cat.page.locator(at("to-newest")).count()) > 0; tries++) {
      await log.evaluate((box) => (box.scrollTop = box.scrollHeight));
      await cat.page.waitForTimeout(100);
    }
    await cat.sees("Bird number 301.");
    expect((await cat.texts()).slice(-262)).toEqual([...texts.slice(39), "Bird number 301."]);

    // And up again through all of them, in order.
    for (let tries = 0; tries < 60 && (await cat.page.locator(at("message")).count()) < 301; tries++) {
      await log.evaluate((box) => (box.scrollTop = 0));
      await cat.page.waitForTimeout(100);
    }
    expect(await cat.texts()).toEqual([...texts, "Bird number 301."]);
    await cat.page.click(at("to-newest"));
    await cat.page.locator(at("to-newest")).waitFor({ state: "hidden" });

    await cat.page.click(at("chat-search"));
    await cat.page.fill(at("chat-query"), "number 7");
    await cat.page.locator(at("search-panel")).locator(at("hit")).first().waitFor();
    await leave(cat, dan);
  });

  test("a chat opens where one left off, tells how much is below, and what is seen is read", async () => {
    const moe = await world.signIn("moe@example.com", "Moe Moss");
    const ned = await world.signIn("ned@example.com", "Ned Nash", phone);
    await moe.startChat("ned@example.com");
    const [chatId, moeId] = [moe.chatId(), await moe.userId()];
    await world.fill(chatId, moeId, ["Seen already."]);
    await ned.open("Moe Moss");
    await moe.message("Seen already.").locator('[data-ticks="read"]').waitFor();
    await ned.page.click(at("back"));
    const texts = Array.from({ length: 60 }, (_, index) => `New number ${index + 1}.`);
    await world.fill(chatId, moeId, ["Seen already.", ...texts]);
    await ned.page.getByLabel("60 unread").waitFor();
    await ned.open("Moe Moss");

    const divider = ned.page.locator(at("divider"));
    await divider.waitFor();
    const { y } = (await divider.boundingBox())!;
    expect(y).toBeGreaterThan(60);
    expect(y).toBeLessThan(phone.viewport.height / 2);
    const newest = ned.page.locator(at("to-newest"));
    expect(Number(await newest.locator(".badge").innerText())).toBeGreaterThan(30);
    await moe.message("New number 2.").locator('[data-ticks="read"]').waitFor();
    expect(await moe.message("New number 60.").locator('[data-ticks="read"]').count()).toBe(0);
    await ned.shoot("chat-unread-phone");

    // One more below does not take the view away; going down does.
    await moe.say("One more.");
    await ned.page.waitForFunction(() => document.querySelectorAll(".message").length === 62);
    expect((await divider.boundingBox())!.y).toBe(y);
    await newest.click();
    await newest.waitFor({ state: "detached" });
    await moe.message("One more.").locator('[data-ticks="read"]').waitFor();
    await leave(moe, ned);
  });

  test("a group: made, joined by an invitation, led, and left", async () => {
    const eve = await world.signIn("eve@example.com", "Eve Elm");
    const fay = await world.signIn("fay@example.com", "Fay Fox", dark);
    await eve.startGroup("River walks", "fay@example.com");
    await eve.say("Welcome!");
    await fay.open("River walks");
    await fay.page.locator(at("line"), { hasText: "Eve Elm created the group “River walks”" }).waitFor();

    await eve.page.click(at("details"));
    await eve.page.click(at("create-invite"));
    const link = await eve.page.inputValue(at("invite-link"));
    // The link leads in, also whoever has to sign in first.
    const gus = await world.signIn("gus@example.com", "Gus Gray", phone, new URL(link).hash.replace("#", "/#"));
    await gus.page.waitForSelector(at("composer"));
    await gus.sees("Welcome!");
    await eve.page.locator(at("line"), { hasText: "Gus Gray joined by an invitation" }).waitFor();
    await eve.page.locator(at("member"), { hasText: "Gus Gray" }).waitFor();
    // Or it is mailed to somebody.
    await eve.page.fill(at("invite-email"), "hal@example.com");
    await eve.page.click(at("create-invite"));
    await eve.page.getByText("The link is mailed to hal@example.com.").waitFor();
    await eve.page.locator(".invite", { hasText: "used 0 of 1" }).waitFor();
    await world.mailed("hal@example.com", /Eve Elm invites you to the group “River walks”/);
    const mailed = await world.mailed("hal@example.com", /http\S+#\/invite\/\S+/);
    const hal = await world.signIn("hal@example.com", "Hal Hill", phone, new URL(mailed).hash.replace("#", "/#"));
    await hal.sees("Welcome!");

    await eve.page.fill(at("group-title"), "Sunday walks");
    await eve.page.click(at("save-title"));
    await fay.page.locator(at("line"), { hasText: "Eve Elm named the group “Sunday walks”" }).waitFor();
    await gus.page.getByRole("heading", { name: "Sunday walks" }).waitFor();

    await eve.onMember("Fay Fox", "make-admin");
    await fay.page.locator(at("line"), { hasText: "Eve Elm made you an admin" }).waitFor();
    await eve.page.check(at("posting"));
    await gus.page.getByText("Only admins may write here.").waitFor();
    await eve.page.uncheck(at("posting"));
    await gus.page.waitForSelector(at("composer"));
    await eve.shoot("chat-group-details");

    await gus.page.click(at("back"));
    await fay.page.click(at("composer"));
    await fay.page.keyboard.type("Bring boots, @gu");
    await fay.page.locator(at("mention-box"), { hasText: "Gus Gray" }).waitFor();
    await fay.page.keyboard.press("Enter");
    await fay.page.keyboard.press("Enter");
    await gus.page.waitForSelector(at("mentions"));
    await gus.page.click(at("chat-item"));
    await gus.page.locator(".mention.of-me", { hasText: "@Gus Gray" }).waitFor();
    await fay.page.locator(at("readers"), { hasText: "Read by" }).waitFor();

    await fay.onMessage("Bring boots", "pin");
    await eve.page.locator(at("pin-bar"), { hasText: "Bring boots" }).waitFor();
    await gus.shoot("chat-group-phone");

    await fay.page.click(at("details"));
    await fay.onMember("Gus Gray", "ban-member");
    await fay.page.click(at("confirm-yes"));
    await gus.page.getByText("This chat does not exist, or you are not in it.").waitFor();
    await gus.page.goto(link);
    await gus.page.reload();
    await gus.page.locator(at("joining")).getByText("kept out of this group").waitFor();
    await fay.page.click(at("unban"));
    await fay.page.waitForSelector(at("banned"), { state: "detached" });
    await gus.page.getByText("Try again").click();
    await gus.page.waitForSelector(at("composer"));
    await fay.shoot("chat-group-dark");

    await fay.page.click(at("leave"));
    await fay.page.click(at("confirm-yes"));
    await fay.page.getByText("No chats yet.").waitFor();
    await eve.page.locator(at("line"), { hasText: "Fay Fox left" }).waitFor();
    await eve.page.click(at("delete-group"));
    await eve.page.click(at("confirm-yes"));
    await gus.page.waitForSelector(at("composer"), { state: "detached" });
    await leave(eve, fay, gus);
  });

  test("what one keeps for oneself: mute, pin, archive, unread, drafts, blocks and preferences", async () => {
    const hal = await world.signIn("hal@example.com", "Hal Hill");
    const ida = await world.signIn("ida@example.com", "Ida Inn");
    const jon = await world.signIn("jon@example.com", "Jon Jay");
    await ida.startChat("hal@example.com");
    await ida.say("Hello from Ida");
    await jon.startChat("hal@example.com");
    await jon.say("Hello from Jon");
    const chats = hal.page.locator(at("chat-item"));
    const row = (name: string) => hal.page.locator(".chat-row", { hasText: name });
    await chats.first().filter({ hasText: "Jon" }).waitFor();

    await hal.onChat("Ida Inn", "pin-chat");
    await chats.first().filter({ hasText: "Ida" }).waitFor();
    await hal.onChat("Ida Inn", "mute");
    await hal.page.getByText("For an hour").click();
    await row("Ida Inn").getByLabel("muted").waitFor();
    await hal.onChat("Jon Jay", "mark-read");
    await row("Jon Jay").locator(".badge").waitFor({ state: "detached" });
    await hal.onChat("Jon Jay", "mark-unread");
    await row("Jon Jay").getByLabel("marked as unread").waitFor();
    await hal.onChat("Jon Jay", "archive");
    await hal.page.locator(`${at("archived")} summary`).click();
    await hal.page.locator(at("archived")).locator(at("chat-item"), { hasText: "Jon Jay" }).waitFor();

    await hal.open("Ida Inn");
    await hal.page.fill(at("composer"), "Not ready yet");
    await hal.open("Jon Jay");
    await row("Ida Inn").getByText("Draft:").waitFor();
    await hal.shoot("chat-list");
    await hal.page.reload();
    await hal.open("Ida Inn");
    expect(await hal.page.inputValue(at("composer"))).toBe("Not ready yet");
    await hal.page.fill(at("composer"), "");

    await hal.page.click(at("me"));
    await hal.page.uncheck(at("pref-receipts"));
    await hal.shoot("chat-settings");
    await hal.page.keyboard.press("Escape");
    await hal.page.click(at("details"));
    await hal.page.click(at("block"));
    await hal.page.click(at("confirm-yes"));
    await hal.page.getByText("You have blocked this person.").waitFor();
    await ida.say("Are you there?");
    await ida.sees("Are you there?", "failed");
    await hal.page.click(at("unblock"));
    await hal.page.waitForSelector(at("composer"));
    await ida.page.click(at("retry"));
    await hal.sees("Are you there?");
    // He hides how far he has read.
    await ida.message("Are you there?").locator('[data-ticks="delivered"]').waitFor();
    expect(await ida.page.locator('[data-ticks="read"]').count()).toBe(0);
    await leave(hal, ida, jon);
  });

  test("by keys alone: write a line, change it, go through the messages, and leave", async () => {
    const kim = await world.signIn("kim@example.com", "Kim King");
    const lea = await world.signIn("lea@example.com", "Lea Lane");
    await kim.startChat("lea@example.com");
    const { keyboard } = kim.page;
    await keyboard.type("One");
    await keyboard.press("Shift+Enter");
    await keyboard.type("two");
    await keyboard.press("Enter");
    await kim.sees("One\ntwo");
    await keyboard.press("ArrowUp");
    await kim.page.waitForSelector(at("about-bar"));
    await keyboard.press("End");
    await keyboard.type(" three");
    await keyboard.press("Enter");
    await kim.sees("two three");
    await kim.message("two three").locator(at("edited")).waitFor();

    await kim.page.locator('[role="log"]').focus();
    await keyboard.press("ArrowUp");
    await keyboard.press("Enter");
    await kim.page.locator('[role="menu"]').waitFor();
    await keyboard.press("ArrowDown");
    await keyboard.press("Escape");
    await kim.page.locator('[role="menu"]').waitFor({ state: "detached" });
    expect(await kim.page.evaluate(() => document.activeElement?.className)).toContain("message");
    await keyboard.press("Escape");
    await kim.page.getByText("Choose a chat").waitFor();
    await leave(kim, lea);
  });
});
