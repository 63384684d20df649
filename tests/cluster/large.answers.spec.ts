import type { Result } from "@confab/contracts";
import { describeCluster } from "../support/parts.ts";
import { clusterWorld, type World } from "../support/world.ts";

// The parts' RabbitMQ takes no message over 16 MiB, as RabbitMQ 4 does by default, and closes the channel it came on.
describeCluster("G7: a chat whose log is larger than what the broker carries", () => {
  let world: World;
  beforeAll(async () => (world = await clusterWorld({ size: { chat: 2 } })));
  afterAll(() => world?.stop());

  test("is synced in pages, and everybody else is served all the while", async () => {
    const [ann, bob, eve] = [await world.user("ann"), await world.user("bob"), await world.user("eve")];
    const chat = await ann.chatWith(bob);
    // Each is within every limit, and six times as long as JSON: 48 KB, 20 MB together.
    const count = 420;
    for (let sent = 0; sent < count; sent += 20)
      await Promise.all(Array.from({ length: 20 }, () => ann.send(chat, `x${"\u0001".repeat(7989)}`)));

    const revs: number[] = [];
    const chats: Record<string, number> = { [chat.id]: 0 };
    for (let more = true; more;) {
      const answer: Result<"chat.sync.pull"> = await bob.call("chat.sync.pull", { chats, limit: 1000 });
      for (const part of answer.chats) {
        chats[part.chatId] = part.rev;
        revs.push(...part.entries.map(({ rev }) => rev));
      }
      more = answer.more;
    }
    expect(revs).toEqual(Array.from({ length: count + 1 }, (_, at) => at + 1));
    expect(await bob.history(chat)).toHaveLength(count);
    // As often as there are chat nodes and more, so that each has its turn.
    for (let turn = 0; turn < 6; turn++) expect(await eve.chats()).toEqual([]);
  });
});
