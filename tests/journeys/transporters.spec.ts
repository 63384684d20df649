import { describeCluster, redisUrl } from "../support/parts.ts";
import { clusterWorld, type World } from "../support/world.ts";

/** Redis is there anyway; another broker, such as nats://127.0.0.1:4222, can be named in TEST_TRANSPORTER. */
const transporter = () => process.env["TEST_TRANSPORTER"] ?? redisUrl();

describeCluster("a cluster joined by Redis instead of RabbitMQ", () => {
  let world: World;
  beforeAll(async () => (world = await clusterWorld({ env: { TRANSPORTER: transporter() } })));
  afterAll(() => world?.stop());

  test("signs in, so mail goes out without RabbitMQ's queues, and talks live", async () => {
    const [ann, bob] = [await world.user("ann"), await world.user("bob")];
    const socket = await bob.socket();
    const chat = await ann.chatWith(bob);
    await ann.send(chat, "over another broker");
    await socket.waitFor("chat:entry", (entry) => entry.chatId === chat.id && entry.rev === 2);
    expect(await bob.history(chat)).toMatchObject([{ text: "over another broker" }]);
  });
});
