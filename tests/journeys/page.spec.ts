import { describeWithBrowser } from "../support/browser.ts";
import { at, desktop, PageWorld, phone } from "./page.browser.ts";

/* Two people in two browsers, on the page as it is built, through all of Confab in one process. */

describeWithBrowser("the page", () => {
  let world: PageWorld;
  beforeAll(async () => {
    world = await PageWorld.start();
  });
  afterAll(() => world?.stop());

  test("two people sign in by mailed code, talk live, and find it after a reload", async () => {
    const ann = await world.signIn("ann@example.com", "Ann Arbor");
    const bob = await world.signIn("bob@example.com", "Bob Berg", phone);

    await ann.page.click(at("new"));
    await ann.page.fill(at("new-chat-email"), "nobody@example.com");
    await ann.page.click(at("new-chat"));
    await ann.page.getByText("Nobody is here as nobody@example.com").waitFor();
    await ann.page.click(at("dialog-close"));
    await ann.startChat("bob@example.com");
    await ann.say("Hello Bob! Shall we walk along the river on Sunday?");
    await ann.say("I can bring the dog, and a flask of tea. <b>Really</b>");

    await bob.page.locator(at("chat-item"), { hasText: "I can bring the dog" }).waitFor();
    await bob.page.getByLabel("2 unread").waitFor();
    await bob.shoot("phone-list");
    await bob.open("Ann Arbor");
    // What looks like markup is text.
    await bob.sees("<b>Really</b>");

    await bob.page.fill(
      at("composer"),
      "Gladly.\nTen o'clock at the old bridge? The path is muddy after the rain, so better bring boots.",
    );
    await bob.page.click(at("send"));
    await ann.sees("Ten o'clock at the old bridge?");
    await ann.say("Ten it is");
    await bob.sees("Ten it is");
    await ann.sees("Ten it is");
    await ann.shoot("desktop");
    await bob.shoot("phone");

    await ann.page.reload();
    await ann.sees("Ten o'clock at the old bridge?");
    expect(await ann.page.locator(at("message")).count()).toBe(4);
    await bob.say("And bring the dog");
    await ann.sees("And bring the dog");

    await bob.page.click(at("back"));
    await bob.page.click(at("me"));
    await bob.page.click(at("sign-out"));
    await bob.page.waitForSelector(at("email"));
    expect(ann.complaints).toEqual([]);
    expect(bob.complaints).toEqual([]);
    await ann.leave();
    await bob.leave();
  });

  test("what is written offline waits, and goes when the connection is back; what happened meanwhile is all there", async () => {
    const cat = await world.signIn("cat@example.com", "Cat");
    const dan = await world.signIn("dan@example.com", "Dan");
    await cat.startChat("dan@example.com");
    for (const text of ["Can you hear me?", "First words", "Wrong words"]) await cat.say(text);
    await cat.sees("Wrong words");
    await dan.open("Cat");
    await dan.sees("Wrong words");

    await dan.page.context().setOffline(true);
    await dan.page.waitForSelector(at("offline"));
    await dan.say("Loud and clear");
    await dan.sees("Loud and clear", "pending");
    await dan.shoot("offline");
    await cat.say("Hello?");
    await cat.onMessage("First words", "edit");
    await cat.say("Better words");
    await cat.onMessage("Wrong words", "delete");
    await cat.page.click(at("confirm-yes"));
    await cat.onMessage("Can you hear me?", "quick-reaction");
    for (let count = 1; count <= 5; count++) await cat.say(`Still here ${count}`);
    await cat.sees("Still here 5");

    // A page that is loaded without a connection would not come at all; one that is open catches up.
    await dan.page.context().setOffline(false);
    await cat.sees("Loud and clear");
    await dan.sees("Loud and clear");
    await dan.page.waitForSelector(at("offline"), { state: "detached" });
    await dan.sees("Still here 5");
    const said = await dan.texts();
    const still = Array.from({ length: 5 }, (_, index) => `Still here ${index + 1}`);
    expect(said).toEqual(["Can you hear me?", "Better words", "Hello?", ...still, "Loud and clear"]);
    expect(await cat.texts()).toEqual(said);
    await dan.page.locator(".bubble.deleted").waitFor();
    await dan.message("Can you hear me?").locator(at("reaction")).waitFor();
    await cat.leave();
    await dan.leave();
  });

  test("older messages come in on scrolling up, and the view stays where it was", async () => {
    const fay = await world.signIn("fay@example.com", "Fay");
    const gus = await world.signIn("gus@example.com", "Gus");
    await fay.startChat("gus@example.com");
    const chatId = fay.chatId();
    // So many that a sync brings only the newest page.
    const texts = Array.from({ length: 1100 }, (_, i) => `line ${i + 1}.`);
    await world.fill(chatId, await fay.userId(), texts);
    await fay.page.reload();
    await fay.sees("line 1100.");
    expect(await fay.page.locator(at("message")).count()).toBeLessThan(200);

    const line = fay.message("line 1051.");
    await fay.page.locator('[role="log"]').evaluate((log) => (log.scrollTop = 0));
    await fay.message("line 1001.").waitFor({ state: "attached" });
    const { y } = (await line.boundingBox())!;
    expect(y).toBeGreaterThanOrEqual(0);
    expect(y).toBeLessThan(desktop.viewport.height);
    await fay.leave();
    await gus.leave();
  });

  test("the documents show every operation, from this address alone", async () => {
    const { page, complaints } = await world.visit(desktop, "/docs");
    await page.locator(".opblock-summary-path", { hasText: "/chats/{chatId}/messages" }).first().waitFor();
    const shown = await page.locator(".opblock").count();
    const { paths } = (await (await fetch(`${world.url}/api/v1/openapi.json`)).json()) as { paths: Record<string, object> };
    expect(shown).toBe(Object.values(paths).flatMap((methods) => Object.keys(methods)).length);
    // Opened, one shows what it answers.
    await page.locator(".opblock-summary-control").first().click();
    await page.locator(".responses-table").first().waitFor();
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test("a wrong code is told in plain words", async () => {
    const { page } = await world.visit();
    await page.fill(at("email"), "eve@example.com");
    await page.click(at("request-code"));
    const right = await world.mailedCode("eve@example.com");
    await page.fill(at("code"), right === "111111" ? "222222" : "111111");
    await page.click(at("verify"));
    await page.getByText("That code is wrong, used or too old.").waitFor();
    await page.context().close();
  });
});
