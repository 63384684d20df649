import type { Parts } from "../../tools/parts/parts.ts";
import { clusterWorld, type World } from "../support/world.ts";
import { repairedMs } from "../support/wait.ts";
import { describeCluster, ownParts } from "../support/parts.ts";

describeCluster("Redis goes away under open sockets", () => {
  let parts: Parts;
  let world: World;
  beforeAll(async () => {
    parts = await ownParts("redis");
    world = await clusterWorld({ size: { io: 2, api: 2 }, env: { REDIS_URL: parts.redisUrl } });
  });
  afterAll(async () => {
    await world?.stop();
    await parts?.stop();
  });

  test("sending goes on, a new socket is served, and what was lost is made good when it is back", async () => {
    const [ann, bob] = [await world.user("ann"), await world.user("bob")];
    const chat = await ann.chatWith(bob);
    const early = [await bob.at(0).socket(), await bob.at(1).socket()];
    await parts.redis.kill();

    await ann.send(chat, "while Redis is away");
    const late = await bob.at(1).socket();
    expect(late.id).toBeDefined();
    await ann.send(chat, "still away");
    const opened = await ann.call("chat.chat.create", { type: "group", memberIds: [bob.id] });

    await parts.redis.start();
    for (const socket of early) {
      await socket.waitFor("chat:entry", (entry) => entry.chatId === chat.id && entry.rev === 3, repairedMs);
      expect(socket.entries(chat.id).map(({ rev }) => rev)).toEqual([2, 3]);
    }
    // The chat that was opened meanwhile is heard of on both nodes too.
    await ann.send(opened, "back again");
    for (const socket of [...early, late]) {
      await socket.waitFor("chat:entry", (entry) => entry.chatId === opened.id && entry.rev === 2, repairedMs);
    }
  });
});
