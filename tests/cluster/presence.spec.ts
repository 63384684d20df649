import type { Parts } from "../../tools/parts/parts.ts";
import { describeCluster, ownParts } from "../support/parts.ts";
import { pause } from "../support/wait.ts";
import { clusterWorld, type World } from "../support/world.ts";

const lease = 4;
/** By its event, long before a lease is over. */
const atOnceMs = (lease * 1000) / 2;
/** The product looks for ended leases a tenth of a lease early, which of a lease this short is little on a busy machine. */
const withinLeaseMs = lease * 1000 + 1000;

describeCluster("presence on several nodes", () => {
  let parts: Parts;
  let world: World;
  beforeAll(async () => {
    parts = await ownParts("redis");
    world = await clusterWorld({ size: { io: 2 }, env: { REDIS_URL: parts.redisUrl, PRESENCE_LEASE: String(lease) } });
  });
  afterAll(async () => {
    await world?.stop();
    await parts?.stop();
  });

  /** Ann at one node watches Bob, who will be at the other. */
  async function acquainted() {
    const [ann, bob] = [await world.user("ann"), await world.user("bob")];
    await ann.chatWith(bob);
    const socket = await ann.at(0).socket();
    const watch = async () => (await socket.call("io.presence.watch", { userIds: [bob.id] })).items;
    expect(await watch()).toEqual([{ userId: bob.id, state: "offline", lastActiveAt: null }]);
    const states = () => socket.all("presence").map(({ state }) => state);
    const isTold = async (state: string, limit?: number) => {
      const before = socket.all("presence").length;
      if (states().at(-1) === state) return;
      await socket.waitFor("presence", (one) => one.state === state && socket.all("presence").length > before, limit);
    };
    return { bob: bob.at(1), socket, watch, states, isTold };
  }

  test("who comes and goes is seen at once, a device at each node counts as there", async () => {
    const { bob, states, isTold } = await acquainted();
    const [far, near] = [await bob.socket(), await bob.at(0).socket()];
    await isTold("online", atOnceMs);
    far.close();
    await pause(500);
    expect(states()).toEqual(["online"]);
    near.close();
    await isTold("offline", atOnceMs);
  });

  test("the people of a node that was killed are offline within the lease, and online where they come again", async () => {
    const { bob, isTold, watch } = await acquainted();
    await bob.socket();
    await isTold("online", atOnceMs);
    await world.kill("io", "SIGKILL", 1);
    const since = Date.now();
    await isTold("offline", withinLeaseMs);
    expect(Date.now() - since).toBeLessThanOrEqual(withinLeaseMs);
    expect((await watch())[0]?.lastActiveAt).not.toBeNull();
    await world.revive("io", 1);
    await isTold("online");
  });

  test("without Redis people stay as they were, and what changed meanwhile shows when it is back", async () => {
    const { bob, states, isTold, watch } = await acquainted();
    const his = await bob.socket();
    await isTold("online", atOnceMs);
    await parts.redis.kill();
    await pause(lease * 1000 + 1000);
    expect(states()).toEqual(["online"]);
    await expect(watch()).resolves.toHaveLength(1);
    await parts.redis.start();
    await pause(lease * 1000);
    // It came back empty, and everybody was said to be there anew.
    expect(states().filter((state) => state === "offline")).toEqual([]);
    his.close();
    await isTold("offline");
  });
});
