import { isDeepStrictEqual } from "node:util";
import { strangersIn } from "./storm/acts.ts";
import { differences, Device } from "./storm/device.ts";
import { summary } from "./storm/reader.ts";
import { Storm, stormEnv } from "./storm/storm.ts";
import type { Talk } from "./storm/talk.ts";
import { changes } from "./storm/writer.ts";
import type { Parts } from "../../tools/parts/parts.ts";
import { expectDense } from "../support/ledger.ts";
import { describeCluster, ownParts } from "../support/parts.ts";
import { seededRandom, shuffle, type Random } from "../support/random.ts";
import { foldLog, maySee } from "../support/replica.ts";
import { eventually } from "../support/wait.ts";
import { clusterWorld, embeddedWorld, type World } from "../support/world.ts";

/** How long it rages: `TEST_STORM=10 npm test -- storm` for ten times as long. */
const rounds = Number(process.env["TEST_STORM"] ?? 1);
jest.setTimeout(300_000 * (rounds + 1));

function weather(open: (env: Record<string, string>) => Promise<{ world: World; parts?: Parts }>): void {
  let random: Random;
  let world: World;
  let parts: Parts | undefined;
  let storm: Storm;

  beforeAll(async () => {
    random = seededRandom();
    ({ world, parts } = await open(stormEnv(random)));
    storm = new Storm(world, parts, random);
    // What broke a storm off is told once, and not by every test.
    await storm.rage(rounds).finally(() => console.log(storm.summary()));
  });
  afterAll(async () => {
    await world?.stop();
    await parts?.stop();
  });

  const faultsOf = (guarantee: RegExp) => storm.sight.faults.filter((fault) => guarantee.test(fault));
  const logOf = (talk: Talk, at = 0) => talk.members[0]!.at(at).entries(talk);

  test("it struck: processes were killed, what stores stood still, events were lost, doubled and swapped", () => {
    const kills = world.kind === "embedded" ? ["chat"] : ["chat", "io", "api", "user", "mail"];
    for (const service of kills)
      expect([service, storm.faults.struck.get(`kill ${service}`)]).toEqual([service, expect.any(Number)]);
    for (const count of Object.values(storm.faults.countUnruly())) expect(count).toBeGreaterThan(0);
    expect(storm.asked.interrupted).toBeGreaterThan(0);
    expect(storm.countStills()).toBeGreaterThan(0);
    expect([...storm.tally.keys()].sort()).toEqual(changes.toSorted());
  });

  test("nobody was told what no contract says, or left without an answer for good", () => {
    expect(faultsOf(/^(?!G\d)/)).toEqual([]);
  });

  test("G1: nothing that was acknowledged is lost, doubled or moved, and no place is left out", async () => {
    for (const talk of storm.talks) {
      for (const at of [0, 1]) {
        const log = await logOf(talk, at);
        expectDense(log);
        expect(storm.acts.compareWith(talk.id, log)).toEqual([]);
        expect(strangersIn(log)).toEqual([]);
        for (const entry of log) storm.sight.seeEntry(entry, performance.now());
      }
    }
    expect(storm.acts.done).toBeGreaterThan(100);
    const twice = [...storm.acts.twice.values()].reduce((sum, count) => sum + count, 0);
    console.log(
      `${storm.acts.done} changes were acknowledged; ${twice} that have no name, and were asked for again, were done twice`,
    );
    expect(faultsOf(/^G1/)).toEqual([]);
  });

  test("G2: whoever saw n could read all up to n that was theirs, and what they saw stayed as it was", async () => {
    expect(faultsOf(/^G2/)).toEqual([]);
    for (const talk of storm.talks) {
      const folded = foldLog(await logOf(talk), talk.members[0]!.id);
      for (const reader of storm.readers) expect(reader.judge(talk.id, folded)).toEqual([]);
      expect(storm.sight.end(talk.id)).toBeGreaterThan(10);
    }
    const looks = storm.readers.map((reader) => reader.looks);
    expect(Math.min(...looks)).toBeGreaterThan(3);
  });

  test("G2: what messages, pins, members and title are is what the log says, through every door", async () => {
    for (const talk of storm.talks) {
      for (const [at, viewer] of talk.members.entries()) {
        const reader = viewer.at(at);
        const folded = foldLog(await reader.entries(talk), viewer.id);
        expect(await reader.history(talk)).toEqual(folded.messages);
        const chat = await reader.call("chat.chat.get", { chatId: talk.id });
        expect(chat).toMatchObject({ title: folded.title, memberCount: folded.members.size, lastSeq: folded.messages.length });
        expect(chat.pins.map(({ id }) => id)).toEqual(folded.pins);
        expect(chat.unreadCount).toBe(chat.lastSeq - chat.me.readSeq);
        const unread = folded.messages.filter(({ seq, senderId }) => seq > chat.me.readSeq && senderId !== viewer.id);
        const mentions = unread.filter((message) => message.mentions === "all" || message.mentions.includes(viewer.id));
        expect(chat.unreadMentions).toBe(Math.min(50, mentions.length));
        const members = (await reader.call("chat.member.list", { chatId: talk.id })).items;
        expect(new Map(members.map(({ userId, role }) => [userId, role]))).toEqual(folded.members);
      }
    }
  });

  test("G3: every name is one message, and is still that one when it is told again", async () => {
    const { names } = storm.acts;
    expect(new Set(names.map(({ id }) => id)).size).toBe(names.length);
    for (const [at, { chatId, by, name, id, seq }] of shuffle(random, names).slice(0, 60).entries()) {
      const user = storm.people.find((one) => one.id === by)!.at(at);
      const { data, status, problem } = await user.client.ask("chat.message.send", {
        chatId,
        clientMessageId: name,
        text: "again",
      });
      // Whoever is out of the chat cannot ask.
      if (problem)
        expect([problem.code, storm.talks.some(({ comers }) => comers.some((one) => one.id === by))]).toEqual([
          "chat.not_found",
          true,
        ]);
      else expect([status, data.message.id, data.message.seq]).toEqual([200, id, seq]);
    }
    expect(faultsOf(/^G3/)).toEqual([]);
    expect(storm.tally.get("repeated")).toBeGreaterThan(0);
  });

  test("G4: a state kept by syncs and sockets is the one that a fresh client gets", async () => {
    expect(faultsOf(/^G4/)).toEqual([]);
    for (const { how, device, asker } of storm.devices) {
      const fresh = new Device(asker, storm.sight);
      await Promise.all([device.catchUp(), fresh.catchUp()]);
      expect([how, differences(device.replica, fresh.replica)]).toEqual([how, []]);
      expect([how, device.replica.chats.size]).toEqual([how, fresh.replica.chats.size]);
      // What a fresh client does not get is there all the same.
      for (const [chatId, { messages }] of device.replica.chats) {
        const all = await asker.user.history({ id: chatId });
        expect(messages).toEqual(all.filter(({ seq }) => seq >= (messages[0]?.seq ?? Infinity)));
      }
    }
  });

  test("G4: each person's own log says in which chats they are", async () => {
    for (const { user } of storm.sockets) {
      // A projection: it catches up by itself.
      await eventually(`the own log of ${user.name} is right`, async () => {
        const noted = (await user.sync()).user.flatMap((entry) => (entry.type === "chat.noted" ? entry.data : []));
        const said = storm.talks
          .filter(({ id }) => noted.some(({ chatId, member }) => chatId === id && member))
          .map(({ id }) => id);
        return isDeepStrictEqual(said.sort(), (await user.chats()).map(({ id }) => id).sort());
      });
    }
  });

  test("G4: every connection got each chat's entries in order, without hole or repeat", async () => {
    const connections = storm.sockets.flatMap(({ socket }) => socket.connectedAt).length;
    expect(connections).toBeGreaterThan(storm.sockets.length);
    for (const talk of storm.talks) {
      const log = await logOf(talk);
      const folded = foldLog(log, talk.members[0]!.id);
      for (const { user, socket } of storm.socketsIn(talk)) {
        for (const entries of socket.entriesByConnection(talk.id)) {
          const revs = entries.map(({ rev }) => rev);
          const sees = folded.sees.get(user.id)!;
          // G6: whoever is known to be removed is out at once, also where what was said just before is still to be read.
          const stayed = (rev: number, until: number) => sees.some(({ from, to }) => from <= rev && rev <= to && until <= to);
          const missing = revs.flatMap((rev, at) => numbersBetween(revs[at - 1] ?? rev, rev).filter((one) => stayed(one, rev)));
          const wrong = revs.filter((rev, at) => rev <= (revs[at - 1] ?? 0) || !maySee(folded, user.id, rev));
          const theirs = sees.map(({ from, to }) => `${from}-${to}`).join(" ");
          const told = `${user.name}, who may see ${theirs}, was told ${summary(revs)}`;
          const wrongly = wrong.map((rev) => `${rev} ${log[rev - 1]?.type}`);
          expect([told, "missing", summary(missing), "wrong", ...wrongly]).toEqual([told, "missing", "none", "wrong"]);
        }
      }
    }
  });
}

const numbersBetween = (from: number, to: number) => Array.from({ length: Math.max(0, to - from - 1) }, (_, at) => from + 1 + at);

describe("G1, G2, G3, G4 in a storm, embedded", () => weather(async (env) => ({ world: await embeddedWorld({ env }) })));

describeCluster("G1, G2, G3, G4 in a storm, over two nodes of each service", () =>
  weather(async (env) => {
    const parts = await ownParts("rabbitmq", "redis", "mongodb");
    const { rabbitUrl: TRANSPORTER, redisUrl: REDIS_URL, mongoUrl } = parts;
    const own = { TRANSPORTER, REDIS_URL, MONGO_URL: mongoUrl.replace("/?", "/storm?") };
    const size = { user: 2, mail: 2, chat: 2, io: 2, api: 2 };
    try {
      return { world: await clusterWorld({ env: { ...env, ...own }, size }), parts };
    } catch (error) {
      await parts.stop();
      throw error;
    }
  }),
);
