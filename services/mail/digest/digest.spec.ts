import { v7 as uuid } from "uuid";
import { Died, hour, isWhole, MailNode, Mails, minute, rangesOf, second, Town } from "./testing.ts";

jest.setTimeout(60_000);

let town: Town;
let mails: Mails;
let node: MailNode;
const [ann, bob, carl] = [uuid(), uuid(), uuid()];

beforeEach(async () => {
  town = new Town();
  mails = await Mails.open();
  node = new MailNode(town, mails);
  await node.scanner.begin();
  town.now += second;
});

/** Lets time pass, in steps, at each of which all that is due is done. */
async function pass(ms: number, { step = 15 * second, by = node }: { step?: number; by?: MailNode } = {}): Promise<void> {
  for (let left = ms; left > 0; left -= step) {
    town.now += Math.min(step, left);
    await by.scanner.look();
    await by.teller.look();
  }
}

const told = async (userId: string) =>
  (await mails.of(userId)).map(({ template, data }) => [template, ...data.chats.map(({ fromSeq, toSeq }) => [fromSeq, toSeq])]);
const isPending = async (userId: string) => (await mails.digests.pendingOf(userId)) !== null;

describe("a notification", () => {
  test("tells somebody away of a direct message that lies unread, once", async () => {
    const chatId = town.direct(ann, bob);
    town.say(ann, chatId);
    await pass(119 * second);
    expect(await told(bob)).toEqual([]);
    await pass(30 * second);
    const [job] = await mails.of(bob);
    expect(job).toMatchObject({
      template: "notification",
      to: `${bob}@example.org`,
      data: {
        ...{ userId: bob, name: "Reader", more: 0, url: `https://chat.example/#/chats/${chatId}` },
        chats: [{ chatId, title: `name of ${ann}`, isDirect: true, count: 1, fromSeq: 0, toSeq: 1 }],
      },
    });
    expect(job!.data.chats[0]!.messages).toEqual([
      { name: `name of ${ann}`, text: "message 1", at: "2026-03-10T12:00:01.000Z", isMention: false },
    ]);
    await pass(3 * hour, { step: minute });
    expect(await told(bob)).toEqual([["notification", [0, 1]]]);
    expect(await told(ann)).toEqual([]);
    expect(await isPending(bob)).toBe(false);
  });

  test("waits while they are there, and is not sent where they read it meanwhile", async () => {
    const [direct, group] = [town.direct(ann, bob), town.chat(ann, carl)];
    town.online.add(bob).add(carl);
    town.say(ann, direct);
    town.say(ann, group, { mentions: [carl] });
    await pass(10 * minute);
    expect([await told(bob), await told(carl)]).toEqual([[], []]);
    town.readUpTo(bob, direct, 1);
    town.online.clear();
    await pass(2 * minute);
    expect([await told(bob), await told(carl)]).toEqual([[], [["notification", [0, 1]]]]);
    expect(await isPending(bob)).toBe(false);
  });

  test("tells of what is urgent alone, and the digest of the rest and of what came after", async () => {
    const [direct, group, mention] = [town.direct(ann, bob), town.chat(ann, bob), town.chat(ann, bob, carl)];
    town.say(ann, group);
    town.say(ann, direct);
    town.say(ann, mention);
    town.say(carl, mention, { mentions: [bob] });
    await pass(3 * minute);
    expect(await told(bob)).toEqual([["notification", [0, 1], [0, 2]]]);
    town.say(ann, direct);
    town.say(carl, mention);
    town.wishes.set(bob, { notifications: false });
    await pass(hour);
    expect(await told(bob)).toEqual([
      ["notification", [0, 1], [0, 2]],
      ["digest", [1, 2], [0, 1], [2, 3]],
    ]);
    expect((await mails.of(bob))[1]!.data.url).toBe("https://chat.example/");
  });
});

describe("a digest", () => {
  test("comes an hour after the first message untold, and then no more often than every hour", async () => {
    const chatId = town.chat(ann, bob);
    for (let quarter = 0; quarter < 12; quarter++) {
      town.say(ann, chatId);
      await pass(15 * minute, { step: 30 * second });
    }
    expect(await told(bob)).toEqual([
      ["digest", [0, 4]],
      ["digest", [4, 8]],
      ["digest", [8, 12]],
    ]);
  });

  test("comes by its interval, in the quiet hours at their end, in one's language and time zone, or never", async () => {
    const [now, daily, quiet, never] = [uuid(), uuid(), uuid(), uuid()];
    const chatId = town.chat(ann, now, daily, quiet, never);
    town.wishes.set(now, { digest: "now", language: "de" });
    town.wishes.set(daily, { digest: "daily" });
    town.wishes.set(quiet, { digest: "now", quietHours: { from: "13:00", to: "15:00" }, timeZone: "Europe/Berlin" });
    town.wishes.set(never, { digest: "never" });
    town.say(ann, chatId);
    const counts = async () => Promise.all([now, daily, quiet, never].map(async (id) => (await mails.of(id)).length));
    await pass(5 * minute);
    expect(await counts()).toEqual([1, 0, 0, 0]);
    expect((await mails.of(now))[0]).toMatchObject({ language: "de" });
    await pass(114 * minute, { step: minute });
    expect(await counts()).toEqual([1, 0, 0, 0]);
    await pass(2 * minute);
    expect(await counts()).toEqual([1, 0, 1, 0]);
    expect((await mails.of(quiet))[0]!.data.timeZone).toBe("Europe/Berlin");
    await pass(23 * hour, { step: 10 * minute });
    expect(await counts()).toEqual([1, 1, 1, 0]);
    expect(await isPending(never)).toBe(false);
  });

  test("is not sent where all of it was read meanwhile, or to whom nothing may be mailed; what comes after is told whole", async () => {
    const chatId = town.chat(ann, bob, carl);
    town.gone.add(carl);
    town.say(ann, chatId);
    await pass(30 * minute, { step: minute });
    town.readUpTo(bob, chatId, 1);
    await pass(2 * hour, { step: minute });
    expect([await told(bob), await told(carl)]).toEqual([[], []]);
    expect([await isPending(bob), await isPending(carl)]).toEqual([false, false]);
    town.gone.clear();
    town.say(ann, chatId);
    await pass(2 * hour, { step: minute });
    expect([await told(bob), await told(carl)]).toEqual([[["digest", [1, 2]]], [["digest", [0, 2]]]]);
  });
});

describe("the scan", () => {
  test("begins at the first start, and goes on where it was", async () => {
    const chatId = town.direct(ann, bob);
    town.now -= hour;
    town.say(ann, chatId);
    town.now += hour;
    await pass(5 * minute);
    expect(await told(bob)).toEqual([]);
    // A day without anybody who looks.
    town.say(ann, chatId);
    town.now += 24 * hour;
    const other = new MailNode(town, mails);
    await other.scanner.begin();
    await pass(minute, { by: other });
    expect(await told(bob)).toEqual([["digest", [0, 2]]]);
  });

  test("sees what is stored up to two minutes after its id was made, and notes nobody twice for that", async () => {
    const [chatId, busy] = [town.direct(ann, bob), town.chat(ann, carl)];
    for (let at = 0; at < 8; at++) {
      town.say(ann, busy);
      await pass(15 * second);
    }
    const dora = uuid();
    town.say(ann, town.direct(ann, dora), { late: 5 * second });
    await pass(15 * second);
    expect(await isPending(dora)).toBe(true);
    town.say(ann, chatId, { late: 2 * minute });
    await pass(4 * minute);
    expect(await told(bob)).toEqual([["notification", [0, 1]]]);
    expect(town.scanned.flat().filter((id) => id === carl)).toHaveLength(8);
  });

  test("with a clock that is ahead among them, the messages of the others are seen all the same", async () => {
    const [wrong, chatId] = [town.chat(ann, carl), town.direct(ann, bob)];
    town.say(ann, wrong, { late: -hour });
    await pass(5 * minute);
    town.say(ann, chatId);
    await pass(5 * minute);
    expect(await told(bob)).toEqual([["notification", [0, 1]]]);
  });

  test("moves on only once all before it is noted, whoever dies at whichever step", async () => {
    for (let step = 0, isOver = false; !isOver; step++) {
      [town, mails] = [new Town(), await Mails.open()];
      const dying = new MailNode(town, mails, (at) => at === step);
      await dying.scanner.begin().catch(() => {});
      await new MailNode(town, mails).scanner.begin();
      town.pageSize = 2;
      const readers = Array.from({ length: 6 }, () => uuid());
      for (const reader of readers) {
        town.now += second;
        town.say(ann, town.direct(ann, reader));
        town.now += 10 * minute;
      }
      isOver = await dying.scanner.look().catch(() => false);
      town.now += minute;
      await new MailNode(town, mails).scanner.look();
      for (const reader of readers) if (!(await isPending(reader))) throw new Error(`passed over, dead at step ${step}`);
    }
  });

  test("notes what somebody who is looked at just now may not have been found to have", async () => {
    const chatId = town.direct(ann, bob);
    town.say(ann, chatId);
    await pass(minute);
    town.readUpTo(bob, chatId, 1);
    const unread = town.unread.bind(town);
    jest.spyOn(town, "unread").mockImplementationOnce(async (params) => {
      const before = await unread(params);
      town.say(ann, chatId);
      await node.scanner.look();
      return before;
    });
    await pass(90 * second, { step: 90 * second });
    expect(town.unread).toHaveBeenCalled();
    await pass(5 * minute);
    expect(await told(bob)).toEqual([["notification", [1, 2]]]);
  });

  test("is one node's at a time; another goes on when that one is dead, or leaves", async () => {
    const other = new MailNode(town, mails);
    expect(await node.scanner.look()).toBe(true);
    expect(await other.scanner.look()).toBe(false);
    town.now += 30 * second;
    expect(await node.scanner.look()).toBe(true);
    expect(await other.scanner.look()).toBe(false);
    town.now += 34 * second;
    expect(await other.scanner.look()).toBe(true);
    expect(await node.scanner.look()).toBe(false);
    await other.scanner.leave();
    expect(await node.scanner.look()).toBe(true);
  });
});

test("while chat does not answer nobody is mailed, and nothing is passed over", async () => {
  const chatId = town.direct(ann, bob);
  town.say(ann, chatId);
  for (let at = 0; at < 20; at++) town.say(ann, town.direct(ann, uuid()));
  await pass(30 * second);
  town.isAway = true;
  await expect(node.scanner.look()).rejects.toThrow();
  town.now += 5 * minute;
  // Whether it answers again is asked about a few, not about all who are due.
  const before = town.asked.length;
  await expect(node.teller.look()).rejects.toThrow();
  expect(town.asked.length - before).toBeLessThanOrEqual(4);
  town.say(ann, chatId);
  town.now += hour;
  town.isAway = false;
  await pass(minute);
  expect(await told(bob)).toEqual([["digest", [0, 2]]]);
});

test("of somebody erased while their mail was accepted nothing is left", async () => {
  const chatId = town.direct(ann, bob);
  town.say(ann, chatId);
  const dying = new MailNode(town, mails);
  // Erased between the acceptance and the note of it.
  jest.spyOn(mails.digests, "carriedOut").mockImplementationOnce(async () => {
    await mails.digests.eraseUser(bob);
    return false;
  });
  town.gone.add(bob);
  jest.spyOn(town, "recipient").mockResolvedValueOnce({ userId: bob, email: `${bob}@example.org`, name: "" });
  town.now += 16 * second;
  await node.scanner.leave();
  await pass(5 * minute, { by: dying });
  expect(mails.digests.carriedOut).toHaveBeenCalledTimes(1);
  expect(await mails.of(bob)).toEqual([]);
  expect([await isPending(bob), await mails.digests.toldOf(bob)]).toEqual([false, null]);
});

describe("G5: whoever dies between two steps leaves no hole and tells nothing twice", () => {
  /** Some talk, told as it goes on. */
  async function live(by: MailNode, chats: { direct: string; group: string }): Promise<void> {
    const alive = async () => {
      try {
        await pass(minute, { by, step: minute });
      } catch (err) {
        if (!(err instanceof Died)) throw err;
      }
    };
    for (let at = 0; at < 3; at++) {
      town.say(ann, chats.direct);
      town.say(carl, chats.group, { mentions: at === 1 ? [bob] : [] });
      await alive();
      await alive();
      await alive();
    }
  }

  async function check(chats: { direct: string; group: string }): Promise<void> {
    for (const [userId, chatId] of [
      [bob, chats.direct],
      [bob, chats.group],
      [ann, chats.group],
    ] as const) {
      const ranges = rangesOf(await mails.of(userId)).get(chatId);
      const last = town.chats.get(chatId)!.said.length;
      if (!isWhole(ranges, last)) throw new Error(`not whole up to ${last}: ${JSON.stringify(ranges)}`);
    }
  }

  const setUp = () => {
    town.wishes.set(bob, { digest: "quarter-hourly" });
    return { direct: town.direct(ann, bob), group: town.chat(ann, bob, carl) };
  };

  test("at any step", async () => {
    const chats = setUp();
    const steps = new MailNode(town, mails);
    await live(steps, chats);
    expect(steps.steps).toBeGreaterThan(100);
    for (let step = 0; step < steps.steps; step++) {
      [town, mails] = [new Town(), await Mails.open()];
      const again = setUp();
      await new MailNode(town, mails).scanner.begin();
      town.now += second;
      const dying = new MailNode(town, mails, (at) => at === step);
      await live(dying, again);
      town.now += minute;
      await pass(2 * hour, { by: new MailNode(town, mails), step: 5 * minute });
      await check(again).catch((err: unknown) => {
        throw new Error(`dead at step ${step}: ${(err as Error).message}`);
      });
    }
  });

  test("several nodes at once, again and again", async () => {
    const seed = Number(process.env["TEST_SEED"] ?? Date.now() % 1_000_000_007);
    console.log(`TEST_SEED=${seed}`);
    let state = Math.max(1, seed % 2_147_483_647);
    const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
    const chats = setUp();
    const open = () => new MailNode(town, mails, () => random() < 0.01);
    const nodes = [open(), open(), open()];
    let deaths = 0;
    for (let turn = 0; turn < 200; turn++) {
      if (random() < 0.5) town.say(ann, chats.direct, { late: random() * minute });
      if (random() < 0.5) town.say(carl, chats.group, { mentions: random() < 0.2 ? [bob] : [], late: random() * minute });
      town.now += 30 * second * random();
      await Promise.all(
        nodes.map(async (one, at) => {
          await Promise.all([one.scanner.look(), one.teller.look()]).catch((err: unknown) => {
            if (!(err instanceof Died)) throw err;
          });
          if (!one.isDead) return;
          deaths++;
          nodes[at] = open();
        }),
      );
    }
    expect(deaths).toBeGreaterThan(5);
    town.now += minute;
    await pass(2 * hour, { by: new MailNode(town, mails), step: 5 * minute });
    await check(chats);
  });
});
