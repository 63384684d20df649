import { randomUUID } from "node:crypto";
import type { ActionName, Params } from "@confab/contracts";
import { call, define } from "@confab/mixins/define.ts";
import { ProblemRegenerator } from "@confab/mixins/problem.ts";
import { ContractValidator } from "@confab/mixins/validator.ts";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import chatService from "../../services/chat/chat.service.ts";
import type { Parts } from "../../tools/parts/parts.ts";
import { describeCluster, mongoUrl, ownParts } from "../support/parts.ts";
import type { TestSocket } from "../support/socket.ts";
import { newName, type TestUser } from "../support/user.ts";
import { eventually, pause, repairedMs } from "../support/wait.ts";
import { clusterWorld, type World } from "../support/world.ts";

describeCluster("sockets that stay connected, whatever is lost", () => {
  let parts: Parts;
  let world: World;
  /** A chat node on the same store whose events nobody hears. */
  let mute: ServiceBroker;
  beforeAll(async () => {
    parts = await ownParts("rabbitmq", "redis");
    const store = { MONGO_URL: mongoUrl(`confab-heads-${randomUUID().slice(0, 8)}`) };
    const env = { ...store, TRANSPORTER: parts.rabbitUrl, REDIS_URL: parts.redisUrl, HEADS_EVERY: "5" };
    world = await clusterWorld({ size: { io: 2 }, env });
    mute = new ServiceBroker({ logger: false, validator: new ContractValidator(), errorRegenerator: new ProblemRegenerator() });
    mute.createService({
      name: "user",
      actions: define("user.profile.known", async (ctx) => ({ userIds: [...ctx.params.userIds] })),
    } as ServiceSchema);
    mute.createService(chatService(store));
    await mute.start();
  });
  afterAll(async () => {
    await mute?.stop();
    await world?.stop();
    await parts?.stop();
  });

  /** Does something as this user that no event tells of. */
  const unheard = <N extends ActionName>(user: TestUser, name: N, params: Params<N>) =>
    call(
      { call: (action: string, given: never) => mute.call(action, given, { meta: { userId: user.id } }) } as never,
      name,
      params,
    );
  const sendUnheard = (user: TestUser, chat: { id: string }) =>
    unheard(user, "chat.message.send", { chatId: chat.id, clientMessageId: newName(), text: "unheard" });

  async function group() {
    const [ann, bob] = [await world.user("ann"), await world.user("bob")];
    const chat = await ann.call("chat.chat.create", { type: "group", memberIds: [bob.id] });
    const hers = await ann.at(0).socket();
    const his = [await bob.at(0).socket(), await bob.at(1).socket()];
    return { ann, bob, chat, hers, his };
  }
  const hears = (sockets: TestSocket[], chat: { id: string }, rev: number, limit = repairedMs) =>
    Promise.all(
      sockets.map((socket) => socket.waitFor("chat:entry", (entry) => entry.chatId === chat.id && entry.rev === rev, limit)),
    );
  const revs = (socket: TestSocket, chat: { id: string }) => socket.entries(chat.id).map(({ rev }) => rev);

  test("the last message of a chat, whose event was lost", async () => {
    const { ann, chat, hers, his } = await group();
    await sendUnheard(ann, chat);
    await hears([hers, ...his], chat, 2);
    for (const socket of his) {
      // The head comes after what it counts.
      await socket.waitFor("heads", ({ chats }) => chats[chat.id] === 2);
      const [entry, head] = ["chat:entry", "heads"].map((kind) =>
        socket.heard.findIndex(({ event, payload }) => event === kind && JSON.stringify(payload).includes(chat.id)),
      );
      expect(entry).toBeLessThan(head!);
    }
  });

  test("the word that brings one into a chat, and what was said in it since", async () => {
    const { ann, chat } = await group();
    const eve = await world.user("eve");
    const socket = await eve.at(1).socket();
    await unheard(ann, "chat.member.add", { chatId: chat.id, userIds: [eve.id] });
    await sendUnheard(ann, chat);
    await hears([socket], chat, 3);
    expect(revs(socket, chat)).toEqual([2, 3]);
    await socket.waitFor("user:entry", (entry) => entry.type === "chat.noted" && entry.data.chatId === chat.id);
  });

  test("G6: of whoever was removed all nodes know within two seconds where anything is said, though nothing told of it", async () => {
    const { ann, bob, chat, hers, his } = await group();
    await unheard(ann, "chat.member.remove", { chatId: chat.id, userId: bob.id });
    const since = Date.now();
    await ann.send(chat, "he is gone");
    await hers.call("io.typing.tell", { chatId: chat.id, typing: true });
    await hears(his, chat, 2, 2000);
    expect(Date.now() - since).toBeLessThan(2000);
    await ann.send(chat, "and hears nothing");
    await hers.call("chat.receipt.move", { read: { [chat.id]: 2 } });
    await hears([hers], chat, 4);
    await pause(1000);
    for (const socket of his) {
      expect(revs(socket, chat)).toEqual([2]);
      expect([...socket.all("typing"), ...socket.all("receipt")]).toEqual([]);
    }
  });

  test("RabbitMQ dies and comes back", async () => {
    const { ann, chat, hers, his } = await group();
    await parts.rabbitmq.kill();
    await sendUnheard(ann, chat);
    await pause(3000);
    await parts.rabbitmq.start();
    const since = Date.now();
    await hears([hers, ...his], chat, 2);
    expect(Date.now() - since).toBeLessThan(repairedMs);
    // And from then on by themselves.
    // Under one name, so that an answer that was lost is no second message.
    const name = newName();
    await eventually("sending works", () => ann.send(chat, "back", name));
    await hears([hers, ...his], chat, 3);
    for (const socket of [hers, ...his]) {
      expect(revs(socket, chat)).toEqual([2, 3]);
      expect(socket.all("ready")).toHaveLength(1);
    }
  });

  test("Redis dies and comes back empty", async () => {
    const { ann, bob, chat, his } = await group();
    await parts.redis.kill();
    await ann.send(chat, "heard by one node");
    const opened = await ann.chatWith(bob);
    await ann.send(opened, "too");
    await parts.redis.start();
    await hears(his, chat, 2);
    await hears(his, opened, 2);
    for (const socket of his) expect([revs(socket, chat), revs(socket, opened)]).toEqual([[2], [1, 2]]);
  });
});
