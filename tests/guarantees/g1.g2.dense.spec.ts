import { expectDense, Ledger } from "../support/ledger.ts";
import { newName, type TestUser } from "../support/user.ts";
import { eventually, pause } from "../support/wait.ts";
import { describeWorlds, type World } from "../support/world.ts";

const writers = 8;
const each = 40;

describeWorlds("G1, G2: eight writers, one chat", { size: { chat: 2, io: 2, api: 2 } }, (open) => {
  let world: World;

  beforeAll(async () => (world = await open()));
  afterAll(() => world?.stop());

  test("places are dense, and whoever saw rev n can read every rev up to n", async () => {
    const people = await Promise.all(Array.from({ length: writers }, (_, at) => world.user(`writer-${at}`)));
    const chat = await people[0]!.chatWith(...people.slice(1));
    const ledger = new Ledger();
    let writing = true;

    // Readers on both nodes: by the newest page, the log's end, and live over a socket.
    const looks: number[] = [];
    const readers = [0, 1].map(async (node) => {
      const reader = people[node]!.at(node);
      const socket = await reader.socket();
      while (writing) {
        const newest = await reader.call("chat.message.list", { chatId: chat.id, limit: 1 });
        const seen = Math.max(newest.items[0]?.rev ?? 1, socket.entries(chat.id).at(-1)?.rev ?? 1);
        // G2: at the other node, at once.
        await expectAllUpTo(seen, people[node]!.at(node + 1), chat);
        looks.push(seen);
        await pause(20);
      }
    });
    const began = Date.now();
    const writes = people.map(async (person, at) => {
      for (let count = 0; count < each; count++) ledger.note(await person.at(at).send(chat, `${at}.${count}`, newName()));
    });
    const allWritten = Promise.all(writes).finally(() => (writing = false));
    await Promise.all([allWritten, ...readers]);
    const seconds = (Date.now() - began) / 1000;

    expect(ledger.size).toBe(writers * each);
    const log = await ledger.compareWith(chat, people[0]!.at(0), people[1]!.at(1));
    expect(log).toHaveLength(writers * each + 1);
    for (const [at, { id }] of people.entries()) {
      // Each writer's words are in the order of their sending.
      const texts = log.flatMap((entry) => (entry.type === "message.sent" && entry.by === id ? entry.data.message.text : []));
      expect(texts).toEqual(Array.from({ length: each }, (_, count) => `${at}.${count}`));
    }
    expect(looks.length).toBeGreaterThan(5);
    console.log(
      `${world.kind}: ${writers} writers, ${writers * each} messages in ${seconds.toFixed(1)} s, ${looks.length} looks of readers; ${await retriesOf(world)}`,
    );
  });
});

async function expectAllUpTo(rev: number, reader: TestUser, chat: { id: string }): Promise<void> {
  const entries = await reader.entries(chat);
  expectDense(entries);
  expect(entries.length).toBeGreaterThanOrEqual(rev);
}

/** How often another node was first, as the chat nodes tell an operator. */
async function retriesOf(world: World): Promise<string> {
  const broker = await world.operator();
  if (!broker) return "one node, so no other could be first";
  try {
    const chatNodes = await eventually("both chat nodes are seen", () => {
      const nodes = broker.registry.getNodeList({ onlyAvailable: true, withServices: true });
      const ids = nodes.filter(({ services }) => services.some(({ name }) => name === "chat")).map(({ id }) => id);
      return ids.length === 2 && ids;
    });
    const stats = await Promise.all(chatNodes.map((nodeID) => broker.call<Counts, object>("chat.log.stats", {}, { nodeID })));
    // Both have written: else this was no contest.
    for (const { appended } of stats) expect(appended).toBeGreaterThan(0);
    return stats
      .map((counts) => `${counts.appended} appended in ${counts.writes} writes, ${counts.conflicts} of them decided again`)
      .join("; ");
  } finally {
    await broker.stop();
  }
}

interface Counts {
  appended: number;
  writes: number;
  conflicts: number;
}
