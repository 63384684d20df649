// G6: signing out, an ended session, a ban, a changed password and a removed membership take effect on every node, open
// sockets included, within two seconds; also where the event that announces it is lost, and Redis is gone, stands still
// or is empty.

import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import type { Parts } from "../../tools/parts/parts.ts";
import { TestClient } from "../support/client.ts";
import { describeCluster, ownParts } from "../support/parts.ts";
import type { TestSocket } from "../support/socket.ts";
import { newName, type TestUser } from "../support/user.ts";
import { pause } from "../support/wait.ts";
import { clusterWorld, embeddedWorld, type World } from "../support/world.ts";

/** As many at once, each time. */
const many = 20;
const limitMs = 2000;
const password = "correct horse battery";
const adminEmail = `admin.${randomUUID()}@example.test`;

/** Somebody with a session at one pair of nodes and another, whose socket is open, at the other pair. */
interface Victim {
  user: TestUser;
  here: TestClient;
  there: TestClient;
  socket: TestSocket;
  thereId: string;
}

const folder = mkdtempSync(join(tmpdir(), "confab-mute-"));
const muteFile = join(folder, "mute");
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const env = {
  NODE_OPTIONS: `--import=${join(__dirname, "revocation", "mute.ts")}`,
  MUTE: muteFile,
  ADMINS: adminEmail,
};

/** Milliseconds from the answer until an access token is refused. */
async function timeUntilRefused(client: TestClient, answeredAt: number): Promise<number> {
  while ((await client.ask("user.me.get", {})).problem?.code !== "unauthenticated") {
    if (Date.now() - answeredAt > 5 * limitMs) return Infinity;
    await pause(100);
  }
  return Date.now() - answeredAt;
}

/** Milliseconds from the answer until an access token is refused and its socket closed, both at the other nodes. */
async function timeUntilOut({ there, socket }: Victim, answeredAt: number): Promise<number> {
  const closed = async () => {
    while (socket.disconnected === undefined) {
      if (Date.now() - answeredAt > 5 * limitMs) return Infinity;
      await pause(20);
    }
    return Date.now() - answeredAt;
  };
  return Math.max(...(await Promise.all([timeUntilRefused(there, answeredAt), closed()])));
}

function attack(open: () => Promise<{ world: World; parts?: Parts }>): void {
  let world: World;
  let parts: Parts | undefined;
  let users: TestUser[];
  let admin: TestUser;

  beforeAll(async () => {
    ({ world, parts } = await open());
    admin = await world.signIn(adminEmail, "Admin");
    users = await Promise.all(Array.from({ length: many }, () => world.user("ann")));
    await Promise.all(users.map((user) => user.call("user.password.change", { password })));
  });
  afterAll(async () => {
    rmSync(muteFile, { force: true });
    await world?.stop();
    await parts?.stop();
  });

  const signIn = async (user: TestUser, door: number) => {
    const client = new TestClient(world.doors[door % world.doors.length]!);
    const signedIn = await client.call("user.session.login", { email: user.email, password });
    client.token = signedIn.accessToken;
    return { client, sessionId: signedIn.refreshToken.split(".")[0]! };
  };

  /** The sessions that stay, of those who have one: signing in is work. */
  const staying = new Map<TestUser, TestClient>();

  async function victims(): Promise<Victim[]> {
    return Promise.all(
      users.map(async (user) => {
        const here = staying.get(user) ?? (await signIn(user, 0)).client;
        staying.set(user, here);
        const there = await signIn(user, 1);
        return {
          user,
          here,
          there: there.client,
          socket: await there.client.socket(),
          thereId: there.sessionId,
        };
      }),
    );
  }

  /** What ends the second session, done by the first or by whoever may. */
  const ends: [string, (victim: Victim) => Promise<unknown>][] = [
    ["signing out", async ({ there }) => new TestClient(world.doors[0]!, there.token).call("user.session.end", {})],
    ["an ended session", async ({ here, thereId }) => here.call("user.session.remove", { sessionId: thereId })],
    ["a ban", async ({ user }) => admin.call("user.admin.ban", { userId: user.id, reason: "spam" })],
    ["a changed password", async ({ here }) => here.call("user.password.change", { password, current: password })],
    ["ending all others", async ({ here }) => here.call("user.session.removeAll", { others: true })],
  ];

  const circumstances: [string, () => Promise<() => Promise<unknown>>][] = [
    ["as it is", async () => async () => {}],
    ["where what announces it is lost", mute],
  ];
  const withRedis: typeof circumstances = [
    [
      "where it is lost, and Redis is gone",
      async () => {
        const unmute = await mute();
        await parts!.redis.kill();
        return async () => [await unmute(), await parts!.redis.start()];
      },
    ],
    [
      "where it is lost, and Redis stands still",
      async () => {
        const unmute = await mute();
        await parts!.redis.pause();
        return async () => [await unmute(), await parts!.redis.resume()];
      },
    ],
    [
      "where it is lost, and Redis is empty",
      async () => {
        const unmute = await mute();
        const redis = new Redis(parts!.redisUrl);
        await redis.flushall();
        redis.disconnect();
        return unmute;
      },
    ],
  ];

  async function mute() {
    writeFileSync(muteFile, "");
    return async () => rmSync(muteFile);
  }

  /** Does something under a circumstance, which is over after it. */
  async function under<T>(begin: () => Promise<() => Promise<unknown>>, act: () => Promise<T>): Promise<T> {
    const end = await begin();
    try {
      return await act();
    } finally {
      await end();
    }
  }

  const mutedLines = () =>
    world.nodes.map((node) => readFileSync(node.log, "utf8").match(/^mute: /gm)?.length ?? 0).reduce((sum, one) => sum + one, 0);

  function everyEnd(name: string, begin: () => Promise<() => Promise<unknown>>): void {
    describe(name, () => {
      const isMuted = begin !== circumstances[0]![1];
      test.each(ends)("%s ends the session everywhere", async (end, act) => {
        const all = await victims();
        const mutedBefore = mutedLines();
        const times = await under(begin, () =>
          Promise.all(
            all.map(async (victim) => {
              await act(victim);
              const answeredAt = Date.now();
              // A ban ends the other session too.
              const other = end === "a ban" ? timeUntilRefused(victim.here, answeredAt) : 0;
              return Math.max(await timeUntilOut(victim, answeredAt), await other);
            }),
          ),
        );
        for (const { socket } of all) {
          if (socket.disconnected !== undefined) expect(socket.all("session:revoked")).toHaveLength(1);
          socket.close();
        }
        console.log(`${world.kind}, ${name}, ${end}: the slowest of ${many} took ${Math.max(...times)} ms`);
        expect(Math.max(...times)).toBeLessThan(limitMs);
        if (isMuted) expect(mutedLines() - mutedBefore).toBeGreaterThanOrEqual(many);
        if (end === "a ban") {
          staying.clear();
          for (const { user } of all) await admin.call("user.admin.unban", { userId: user.id });
          return;
        }
        // The session that stays is not thrown out with it.
        for (const { status } of await Promise.all(all.map(({ here }) => here.ask("user.me.get", {})))) expect(status).toBe(200);
      });

      test("who is removed from a chat hears and reads nothing of it any more", async () => {
        const { client: host } = await signIn(users[0]!, 0);
        const chats = await Promise.all(
          users.slice(1).map(async (member) => {
            const fresh = await signIn(member, 1);
            const chat = await host.call("chat.chat.create", { type: "group", memberIds: [member.id] });
            const socket = await fresh.client.socket();
            return { member, chat, socket, client: fresh.client };
          }),
        );
        const revs = await under(begin, () =>
          Promise.all(
            chats.map(async ({ member, chat, client }) => {
              await host.call("chat.member.remove", { chatId: chat.id, userId: member.id });
              const { rev } = await host.call("chat.chat.get", { chatId: chat.id });
              // The log decides: by REST there is no time at which it still is otherwise.
              expect(
                (await client.ask("chat.message.send", { chatId: chat.id, clientMessageId: newName(), text: "x" })).problem?.code,
              ).toBe("chat.not_found");
              for (let at = 0; at < 5; at++) {
                await host.call("chat.message.send", { chatId: chat.id, clientMessageId: newName(), text: `secret ${at}` });
                await pause(400);
              }
              return rev;
            }),
          ),
        );
        await pause(500);
        for (const [at, { socket, chat, client }] of chats.entries()) {
          expect(socket.entries(chat.id).filter(({ rev }) => rev > revs[at]!)).toEqual([]);
          const read = await client.ask("chat.message.list", { chatId: chat.id });
          expect(read.data?.items.filter(({ text }) => text.startsWith("secret")) ?? []).toEqual([]);
          socket.close();
        }
      });
    });
  }

  for (const [name, begin] of circumstances) everyEnd(name, begin);
  const isCluster = open === openCluster;
  if (isCluster) for (const [name, begin] of withRedis) everyEnd(name, begin);

  test("after all that the administrator, whom nobody ended, is still signed in, and others sign in anew", async () => {
    expect((await admin.client.ask("user.me.get", {})).status).toBe(200);
    const fresh = await signIn(users[0]!, 1);
    expect((await fresh.client.ask("user.me.get", {})).status).toBe(200);
  });
}

const openEmbedded = async () => ({ world: await embeddedWorld({ env }) });
const openCluster = async () => {
  const parts = await ownParts("redis");
  const own = { REDIS_URL: parts.redisUrl };
  const size = { user: 2, mail: 2, chat: 2, io: 2, api: 2 };
  try {
    return { world: await clusterWorld({ env: { ...env, ...own }, size }), parts };
  } catch (error) {
    await parts.stop();
    throw error;
  }
};

describe("G6, embedded", () => attack(openEmbedded));
describeCluster("G6, over two nodes of each service", () => attack(openCluster));
