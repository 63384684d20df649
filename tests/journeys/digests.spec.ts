// Who is mailed about what they have not read, as a reader of the mails sees it. In a cluster: guarantees/digest.spec.ts.

import type { TestUser } from "../support/user.ts";
import { eventually } from "../support/wait.ts";
import { embeddedWorld, type World } from "../support/world.ts";

jest.setTimeout(120_000);

const env = { NOTIFY_AFTER_SECONDS: "1", DIGEST_EVERY_SECONDS: "1" };

describe("mails about unread messages", () => {
  let world: World;
  beforeAll(async () => void (world = await embeddedWorld({ env })));
  afterAll(() => world?.stop());

  const person = async (name: string) => {
    const user = await world.user(name);
    // Nothing but notifications, unless a test wants more.
    await user.call("chat.preference.change", { digest: "never" });
    return user;
  };
  const mention = (by: TestUser, chat: { id: string }, text: string, ...users: TestUser[]) =>
    by.call("chat.message.send", { chatId: chat.id, clientMessageId: text, text, mentions: users.map(({ id }) => id) });

  test("who is away is told of a mention, and ends that by its link; who is there, mutes, blocks or declines is not told", async () => {
    const [ann, bob, carl, dora, eve, fay] = await Promise.all(["Ann", "Bob", "Carl", "Dora", "Eve", "Fay"].map(person));
    const chat = await ann!.group([bob!, carl!, dora!, eve!, fay!], { title: "Plans" });
    await carl!.socket();
    const mutedUntil = new Date(Date.now() + 3_600_000).toISOString();
    await dora!.call("chat.me.change", { chatId: chat.id, mutedUntil });
    await eve!.call("chat.block.add", { userId: ann!.id });
    await fay!.call("chat.preference.change", { notifications: false });
    await mention(ann!, chat, "come-and-see", bob!, carl!, dora!, eve!, fay!);
    const mail = await world.mailTo(bob!.email, /come-and-see/);
    expect(mail).toMatchObject({ to: bob!.email, subject: "Ann mentions you in “Plans”" });
    expect(mail.text).toContain(`/#/chats/${chat.id}`);
    const [, link] = /^<(.*)>$/.exec(mail.headers["List-Unsubscribe"]!)!;
    const { pathname, search } = new URL(link!);
    const ended = await fetch(`${world.doors[0]!.api}${pathname}${search}`, {
      method: "POST",
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
      body: "List-Unsubscribe=One-Click",
    });
    expect(ended.status).toBe(200);
    expect(await bob!.call("chat.preference.get", {})).toMatchObject({ notifications: false });

    // By the time that somebody hears of a later one, whoever was to hear of either has.
    const guy = await person("Guy");
    await ann!.add(chat, guy);
    await mention(ann!, chat, "once-more", bob!, guy);
    await world.mailTo(guy.email, /once-more/);
    const mails = async ({ email }: TestUser) => {
      const response = await fetch(`${world.doors[0]!.api}/dev/inbox?to=${encodeURIComponent(email)}`, {
        headers: { Accept: "application/json" },
      });
      return ((await response.json()) as { items: { text: string }[] }).items.filter(({ text }) => /see|more/.test(text));
    };
    expect(await mails(bob!)).toHaveLength(1);
    for (const user of [carl!, dora!, eve!, fay!]) expect(await mails(user)).toEqual([]);
  });

  test("a digest tells of all chats in one's language, as messages say by then, and not of what was read", async () => {
    const [ann, bob] = await Promise.all(["Ann", "Bob"].map(person));
    await bob!.call("chat.preference.change", { notifications: false, language: "de", timeZone: "Asia/Kolkata" });
    const [one, two, read] = [await ann!.group([bob!]), await ann!.group([bob!]), await ann!.group([bob!])];
    const edited = await ann!.send(one, "as it was said");
    const deleted = await ann!.send(two, "never-said");
    await ann!.send(two, "the other one");
    const { seq } = await ann!.send(read, "already-read");
    await ann!.edit(one, edited, "as it was meant");
    await ann!.delete(two, deleted);
    await bob!.read(read, seq);
    await bob!.call("chat.preference.change", { digest: "now" });
    // The scan passed over who wanted nothing; the next message tells of all that is unread.
    await ann!.send(one, "one more");
    const mail = await eventually("a digest", () => world.mailTo(bob!.email, /one more/));
    expect(mail.text).toContain("as it was meant");
    expect(mail.text).toContain("the other one");
    expect(mail.text).not.toMatch(/as it was said|never-said|already-read/);
    expect(mail.html).toContain('lang="de"');
  });
});
