import type { Message } from "@confab/contracts";
import { messagesOf } from "../support/ledger.ts";
import { Refused } from "../support/refusal.ts";
import type { TestUser } from "../support/user.ts";
import { eventually } from "../support/wait.ts";
import { describeWorlds, type World } from "../support/world.ts";

// Eight processes: each service, and two each of chat, io and api.
describeWorlds("two people talk", { size: { chat: 2, io: 2, api: 2 } }, (open) => {
  let world: World;
  let ann: TestUser;
  let bob: TestUser;
  let chat: { id: string };

  beforeAll(async () => (world = await open()));
  afterAll(() => world?.stop());
  afterEach(() => [ann, bob].forEach((user) => user?.leave()));

  test("they sign in by a mailed code and find each other by address", async () => {
    ann = await world.user("Ann");
    bob = (await world.user("Bob")).at(1);
    expect(await ann.call("user.me.get", {})).toMatchObject({ id: ann.id, name: "Ann", email: ann.email });
    expect((await ann.call("user.profile.find", { q: bob.email })).items).toEqual([
      { id: bob.id, name: "Bob", avatar: null, data: {} },
    ]);
  });

  test("they talk live over sockets, on whatever nodes they are", async () => {
    const [annHears, bobHears] = [await ann.socket(), await bob.socket()];
    const created = await ann.chatWith(bob);
    chat = created;
    expect(await bob.chatWith(ann)).toMatchObject({ id: created.id });
    await bobHears.waitFor("chat:entry", (entry) => entry.chatId === chat.id && entry.type === "chat.created");

    const said = ["Hello Bob", "Hello Ann", "How are you?", "Well!"];
    for (const [at, text] of said.entries()) {
      const from = at % 2 === 0 ? annHears : bobHears;
      await from.call("chat.message.send", { chatId: chat.id, clientMessageId: `hello-${at}`, text });
    }
    for (const hears of [annHears, bobHears]) {
      await hears.waitFor("chat:entry", (entry) => entry.rev === said.length + 1);
      const entries = hears.entries(chat.id);
      expect(entries.map(({ rev }) => rev)).toEqual([1, 2, 3, 4, 5]);
      expect(entries.flatMap((entry) => (entry.type === "message.sent" ? entry.data.message.text : []))).toEqual(said);
    }
  });

  test("they better, mark and take back what was said, and both hear of it", async () => {
    const [annHears, bobHears] = [await ann.socket(), await bob.socket()];
    const [, hello, question, answer] = (await ann.history(chat)) as [Message, Message, Message, Message];
    const edit = { chatId: chat.id, messageId: answer.id, text: "Very well!" };
    expect((await bobHears.call("chat.message.edit", edit)).message).toMatchObject({ text: "Very well!", rev: 6 });
    const reaction = { chatId: chat.id, messageId: answer.id, emoji: "🎉" };
    const { message } = await annHears.call("chat.reaction.add", reaction);
    expect(message).toMatchObject({ rev: 7, reactions: [{ emoji: "🎉", count: 1, mine: true }] });
    await ann.pin(chat, question);
    expect(await bob.delete(chat, hello)).toMatchObject({ text: "", rev: 9, deletedAt: expect.any(String) });
    await ann.read(chat, 4);
    for (const hears of [annHears, bobHears]) {
      await hears.waitFor("chat:entry", (entry) => entry.rev === 9);
      const types = hears.entries(chat.id).map(({ rev, type }) => `${rev} ${type}`);
      expect(types).toEqual(["6 message.edited", "7 reaction.added", "8 pin.added", "9 message.deleted"]);
    }
    await bobHears.waitFor("receipt", ({ receipt }) => receipt.userId === ann.id && receipt.readSeq === 4);
  });

  test("they read it all back, each in the same words", async () => {
    for (const reader of [ann, bob, ann.at(1), bob.at(2)]) await expectTheTalk(reader);
  });

  test("it is all there after every process was restarted at once", async () => {
    await world.restart();
    for (const reader of [ann, bob]) await expectTheTalk(reader);
  });

  test("it is all there after a power cut", async () => {
    await world.restart("SIGKILL");
    for (const reader of [ann, bob]) await expectTheTalk(reader);
  });

  test("it is all there after one process after another was restarted, and the talk goes on", async () => {
    await world.roll();
    for (const reader of [ann, bob]) await expectTheTalk(reader);

    const bobHears = await bob.socket();
    const message = await ann.send(chat, "Are you still there?");
    expect(message).toMatchObject({ seq: 5, rev: 10 });
    await bobHears.waitFor("chat:entry", (entry) => entry.rev === 10);
    expect(bobHears.entries(chat.id)).toHaveLength(1);

    const caughtUp = await bob.sync({ chats: { [chat.id]: 9 } });
    expect(caughtUp.chats).toMatchObject([
      { chatId: chat.id, rev: 10, entries: [{ rev: 10, data: { message: { id: message.id } } }] },
    ]);
  });

  test("signing out closes that session's sockets on every node, and only those", async () => {
    const elsewhere = await world.signIn(ann.email, "Ann");
    const [here, there, other] = [await ann.socket(), await ann.at(1).socket(), await elsewhere.at(1).socket()];
    const began = Date.now();
    await ann.logout();
    for (const socket of [here, there]) {
      await socket.waitFor("session:revoked");
      await eventually("the socket is closed", () => socket.disconnected);
    }
    expect(Date.now() - began).toBeLessThan(2000);
    await expect(ann.call("user.me.get", {})).rejects.toMatchObject({ code: "unauthenticated" });
    await eventually("every node knows", () => isSignedOut(ann.at(1)), { limit: 2000 });
    await expect(ann.socket()).rejects.toThrow(Refused);
    await expect(ann.call("user.session.refresh", { refreshToken: ann.refreshToken })).rejects.toMatchObject({
      code: "user.bad_refresh_token",
    });

    expect(other.disconnected).toBeUndefined();
    expect(other.all("session:revoked")).toEqual([]);
    expect(await elsewhere.call("user.me.get", {})).toMatchObject({ id: ann.id });
    elsewhere.leave();
  });

  /** Messages, log, sync and chat list agree on the first four messages and what became of them. */
  async function expectTheTalk(reader: TestUser): Promise<void> {
    const messages = await reader.history(chat, 3);
    expect(messages.map(({ seq, rev, text, senderId }) => [seq, rev, text, senderId])).toEqual([
      [1, 2, "Hello Bob", ann.id],
      [2, 9, "", bob.id],
      [3, 8, "How are you?", ann.id],
      [4, 7, "Very well!", bob.id],
    ]);
    expect(messages.map(({ deletedAt }) => deletedAt !== null)).toEqual([false, true, false, false]);
    expect((await reader.call("chat.pin.list", { chatId: chat.id })).items).toEqual([messages[2]]);
    expect(messages[3]).toMatchObject({ reactions: [{ emoji: "🎉", count: 1, mine: reader.id === ann.id }] });

    const entries = await reader.entries(chat, 0, 2);
    expect(entries.map(({ rev, type }) => `${rev} ${type}`)).toEqual([
      "1 chat.created",
      ...[2, 3, 4, 5].map((rev) => `${rev} message.sent`),
      "6 message.edited",
      "7 reaction.added",
      "8 pin.added",
      "9 message.deleted",
    ]);
    expect(messagesOf(entries).map(({ text }) => text)).toEqual(["Hello Bob", "", "How are you?", "Well!"]);

    // A fresh client gets the chat as it is now; one that says that it knows nothing gets the log from its beginning.
    const fresh = await reader.sync();
    expect(fresh.chats).toMatchObject([{ chatId: chat.id, rev: 9, reset: true, chat: { id: chat.id } }]);
    expect(messagesOf(fresh.chats[0]!.entries)).toEqual(messages);
    for (const rev of [0, 3]) {
      const caughtUp = await reader.sync({ epoch: fresh.epoch, chats: { [chat.id]: rev } });
      expect(caughtUp.chats).toEqual([{ chatId: chat.id, rev: 9, entries: entries.slice(rev) }]);
    }

    const chats = await reader.chats();
    expect(chats).toEqual([fresh.chats[0]!.chat]);
    expect(chats).toMatchObject([{ id: chat.id, type: "direct", rev: 9, lastSeq: 4, lastMessage: messages[3] }]);
    expect(chats[0]!.unreadCount).toBe(4 - chats[0]!.me.readSeq);
  }
});

async function isSignedOut(user: TestUser): Promise<boolean> {
  return (await user.client.ask("user.me.get", {})).problem?.code === "unauthenticated";
}
