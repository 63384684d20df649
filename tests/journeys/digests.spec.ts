// Who is mailed about what they have not read, as a reader of the mails sees it. In a cluster: guarantees/digest.spec.ts.

import { randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import type { MailJob } from "@confab/contracts";
import { startNode, type ConfabNode } from "../../node.ts";
import { whyUnwanted } from "../../services/mail/digest/wanted.ts";
import { makeJob } from "../../services/mail/job.ts";
import type { MailService } from "../../services/mail/service.ts";
import { startSmtpServer, type TestServer } from "../../services/mail/transports/testing.ts";
import { TestClient } from "../support/client.ts";
import type { TestUser } from "../support/user.ts";
import { eventually } from "../support/wait.ts";
import { embeddedWorld, type World } from "../support/world.ts";

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

describe("a mail about unread messages that had to wait", () => {
  let smtp: TestServer;
  let node: ConfabNode;
  let mail: MailService;
  beforeAll(async () => {
    smtp = await startSmtpServer();
    const off = { NOTIFY_AFTER_SECONDS: "86400", DIGEST_EVERY_SECONDS: "3600" };
    node = await startNode({ NODE_ENV: "test", PORT: "0", DATA_DIR: "memory", LOG_LEVEL: "error", SMTP_URL: smtp.url(), ...off });
    mail = node.broker.getLocalService("mail") as MailService;
  });
  afterAll(async () => {
    await node?.stop();
    await smtp?.close();
  });

  const mailsTo = (address: string) => smtp.received.filter(({ to }) => to.includes(address));

  async function somebody(): Promise<{ id: string; email: string; client: TestClient }> {
    const url = `http://127.0.0.1:${(node.edge.server.address() as AddressInfo).port}`;
    const client = new TestClient({ api: url, io: url });
    const email = `${randomUUID()}@example.test`;
    const { flowId } = await client.call("user.code.request", { email });
    const code = await eventually("a code", () => /^Subject: (\d{6})/m.exec(mailsTo(email)[0]?.raw ?? "")?.[1]);
    const { accessToken, user } = await client.call("user.code.verify", { flowId, code });
    client.token = accessToken;
    return { id: user.id, email, client };
  }

  /** What becomes of a mail about one message that somebody has not read, and did meanwhile what a test wants. */
  async function outcome(
    template: "notification" | "digest",
    ageMinutes: number,
    meanwhile: (reader: TestClient, chatId: string) => unknown = () => {},
    to?: string,
  ): Promise<string> {
    const [ann, bob] = [await somebody(), await somebody()];
    const { id: chatId } = await ann.client.call("chat.chat.create", { type: "direct", memberIds: [bob.id] });
    await ann.client.call("chat.message.send", { chatId, clientMessageId: "one", text: "come and see" });
    await meanwhile(bob.client, chatId);
    const messages = [{ name: "Ann", text: "come and see", at: new Date().toISOString(), isMention: false }];
    const chat = { chatId, isDirect: true, title: "Ann", count: 1, fromSeq: 0, toSeq: 1, messages };
    const data = { userId: bob.id, name: "Bob", chats: [chat], more: 0, url: "http://localhost/" };
    const job = makeJob({ template, to: to ?? bob.email, data }, "confab@example.org");
    await mail.store.addJob({ ...job, acceptedAt: Date.now() - ageMinutes * 60_000 }, Date.now());
    mail.queue.wake(job.id);
    const ended = await eventually("the mail ended", async () => {
      const found = await mail.store.jobById(job.id);
      return found?.state !== "waiting" && found;
    });
    expect(mailsTo(job.to).some(({ raw }) => raw.includes("come and see"))).toBe(ended.state === "sent");
    return ended.reason ?? ended.state;
  }

  const read = (reader: TestClient, chatId: string) => reader.call("chat.receipt.move", { read: { [chatId]: 1 } });
  const change = (changes: object) => (reader: TestClient) => reader.call("chat.preference.change", changes);
  const ofWhatWasRead = "all that it tells of was read meanwhile";
  const ended = "its reader has ended such mails";

  test.each([
    ["is sent while that is unread", "notification", 11, undefined, "sent"],
    ["is not sent where that was read", "notification", 11, read, ofWhatWasRead],
    ["is not sent where that was read, in a digest", "digest", 11, read, ofWhatWasRead],
    ["is sent without asking where it is a matter of minutes", "notification", 9, read, "sent"],
    ["is not sent to whoever has ended notifications", "notification", 11, change({ notifications: false }), ended],
    ["is not sent to whoever has ended digests", "digest", 11, change({ digest: "never" }), ended],
    ["is a digest, whatever is wished of notifications", "digest", 11, change({ notifications: false }), "sent"],
    ["is a notification, whatever is wished of digests", "notification", 11, change({ digest: "never" }), "sent"],
  ] as const)("%s", async (_, template, age, meanwhile, what) => expect(await outcome(template, age, meanwhile)).toBe(what));

  test("is not sent to an address that is its reader's no more", async () =>
    expect(await outcome("digest", 11, undefined, "old@example.test")).toBe("its reader is mailed there no more"));

  test("is sent where nobody can be asked", async () => {
    const asked = jest.spyOn(node.broker, "call").mockRejectedValue(new Error("away"));
    const job = makeJob({ template: "digest", to: "cy@example.test", data: {} } as MailJob, "confab@example.org");
    const unread = { userId: randomUUID(), name: "Cy", chats: [], more: 0, url: "http://localhost/" };
    try {
      const waited = { ...job, data: unread, acceptedAt: 0 } as typeof job;
      expect(await whyUnwanted(node.broker, waited)).toBeUndefined();
      expect(asked).toHaveBeenCalled();
    } finally {
      asked.mockRestore();
    }
  });
});
