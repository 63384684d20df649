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
    expect((await ann.call("user.profile.find", { q: bob.email })).items).toEqual([{ id: bob.id, name: "Bob" }]);
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
    expect(message).toMatchObject({ seq: 5, rev: 6 });
    await bobHears.waitFor("chat:entry", (entry) => entry.rev === 6);
    expect(bobHears.entries(chat.id)).toHaveLength(1);

    const caughtUp = await bob.sync({ chats: { [chat.id]: 5 } });
    expect(caughtUp.chats).toMatchObject([
      { chatId: chat.id, rev: 6, entries: [{ rev: 6, data: { message: { id: message.id } } }] },
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

  /** Messages, log, sync and chat list agree on the first four messages. */
  async function expectTheTalk(reader: TestUser): Promise<void> {
    const messages = await reader.history(chat, 3);
    expect(messages.map(({ seq, rev, text, senderId }) => [seq, rev, text, senderId])).toEqual([
      [1, 2, "Hello Bob", ann.id],
      [2, 3, "Hello Ann", bob.id],
      [3, 4, "How are you?", ann.id],
      [4, 5, "Well!", bob.id],
    ]);
    const entries = await reader.entries(chat, 0, 2);
    expect(entries.map(({ rev, type }) => `${rev} ${type}`)).toEqual([
      "1 chat.created",
      ...[2, 3, 4, 5].map((rev) => `${rev} message.sent`),
    ]);
    expect(entries.flatMap((entry) => (entry.type === "message.sent" ? entry.data.message : []))).toEqual(messages);

    const fresh = await reader.sync();
    expect(fresh.chats).toMatchObject([{ chatId: chat.id, rev: 5 }]);
    const caughtUp = await reader.sync({ epoch: fresh.epoch, chats: { [chat.id]: 3 } });
    expect(caughtUp.chats.flatMap(({ entries }) => entries)).toEqual(entries.slice(3));

    const chats = await reader.chats();
    expect(chats).toMatchObject([{ id: chat.id, type: "direct", rev: 5, lastSeq: 4, lastMessage: messages[3] }]);
    expect(chats[0]!.unreadCount).toBe(4 - chats[0]!.me.readSeq);
  }
});

async function isSignedOut(user: TestUser): Promise<boolean> {
  return (await user.client.ask("user.me.get", {})).problem?.code === "unauthenticated";
}
