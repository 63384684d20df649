// G5 of digests: people write while the nodes that tell of it are killed again and again. Whoever reads nothing is told of
// every message once: the ranges that their mails tell of go on from one another, without a hole or an overlap.

import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import mongoose from "mongoose";
import type { StoredJob } from "../../services/mail/store/documents.ts";
import { digestOfKilledMs, mailOfKilledMs } from "../support/limits.ts";
import { describeCluster } from "../support/parts.ts";
import { between, seededRandom, type Random } from "../support/random.ts";
import { newName, type TestUser } from "../support/user.ts";
import { eventually, pause } from "../support/wait.ts";
import { clusterWorld, embeddedWorld, type World } from "../support/world.ts";

const env = { NOTIFY_AFTER_SECONDS: "1", DIGEST_EVERY_SECONDS: "1" };
const toldWithinMs = digestOfKilledMs(Number(env.DIGEST_EVERY_SECONDS) * 1000);
/** It goes on until there were so many mails to one reader of one chat, and so many kills. */
const enough = 3;

type Documents = (collection: string) => Promise<Record<string, unknown>[]>;

/** What lies in a collection of mail. */
async function documentsOf(world: World): Promise<{ all: Documents; close: () => Promise<void> }> {
  if (world.kind === "embedded") {
    const file = join(dirname(world.node("mail").log), "data", "mail.db");
    const all = async (collection: string) => {
      const database = new DatabaseSync(file, { readOnly: true, timeout: 5000 });
      try {
        const rows = database.prepare(`SELECT doc FROM "${collection}"`).all();
        return rows.map(({ doc }) => JSON.parse(doc as string) as Record<string, unknown>);
      } finally {
        database.close();
      }
    };
    return { all, close: async () => {} };
  }
  const connection = await mongoose.createConnection(world.env["MONGO_URL"]!).asPromise();
  return {
    all: (collection) => connection.db!.collection(`mail.${collection}`).find({}).toArray(),
    close: () => connection.close(),
  };
}

/** Says it, however often that takes. */
async function say(user: TestUser, chat: { id: string }, text: string): Promise<number> {
  const name = newName();
  const { seq } = await eventually("it is said", () => user.send(chat, text, name), { every: 100 });
  return seq;
}

/** Kills a process of mail and starts it anew, at random times, until that is over; `killed` hears of each. */
async function killMail(world: World, random: Random, isOver: () => boolean, killed: () => void): Promise<void> {
  while (!isOver()) {
    await pause(between(random, 1000, 4000));
    const at = Math.floor(random() * 2);
    await world.kill("mail", "SIGKILL", at);
    killed();
    await pause(between(random, 0, 500));
    if (world.kind === "embedded") await world.revive("mail");
    else world.node("mail", at).launch();
  }
}

function tells(open: () => Promise<World>): void {
  let world: World;
  let documents: Awaited<ReturnType<typeof documentsOf>>;
  beforeAll(async () => {
    world = await open();
    documents = await documentsOf(world);
  });
  afterAll(async () => {
    await documents?.close();
    await world?.stop();
  });

  /** The ranges that mails told somebody of, by chat. */
  async function rangesFor({ id }: TestUser): Promise<Map<string, { from: number; to: number }[]>> {
    const jobs = (await documents.all("jobs")) as unknown as StoredJob[];
    const told = jobs.filter(({ userId }) => userId === id).flatMap((job) => job.told!);
    const ranges = Map.groupBy(told, ({ chatId }) => chatId);
    return new Map(
      [...ranges].map(([chatId, all]) => [
        chatId,
        all.map(({ fromSeq: from, toSeq: to }) => ({ from, to })).sort((a, b) => a.from - b.from || a.to - b.to),
      ]),
    );
  }

  test("who is written to while mail is killed again and again is told of every message, and of none twice", async () => {
    const random = seededRandom();
    const [ann, bob, carl, dora] = await Promise.all(["ann", "bob", "carl", "dora"].map((name) => world.user(name)));
    const all = [ann!, bob!, carl!, dora!] as const;
    for (const user of all) await user.call("chat.preference.change", { digest: "now" });
    const group = await ann!.chatWith(bob!, carl!, dora!);
    const direct = await bob!.chatWith(carl!);
    const lasts = new Map([group, direct].map(({ id }) => [id, 0]));

    let isOver = false;
    let kills = 0;
    const killing = killMail(
      world,
      random,
      () => isOver,
      () => kills++,
    );
    const talk = async (user: TestUser, chat: { id: string }) => {
      while (!isOver) {
        const seq = await say(user, chat, "something that is said");
        lasts.set(chat.id, Math.max(seq, lasts.get(chat.id)!));
        await pause(between(random, 50, 400));
      }
    };
    const talking = [talk(ann!, group), talk(bob!, group), talk(bob!, direct)];
    const mailsOf = async () => (await rangesFor(dora!)).get(group.id)?.length ?? 0;
    await eventually("enough is told", async () => kills >= enough && (await mailsOf()) >= enough, {
      limit: enough * toldWithinMs,
    }).finally(() => (isOver = true));
    await Promise.all([...talking, killing]);
    await Promise.all([0, 1].map((at) => world.node("mail", at).ready()));

    const told: [reader: TestUser, chat: { id: string }][] = [[carl!, group], [carl!, direct], [dora!, group]]; // prettier-ignore
    const problems: string[] = [];
    for (const [reader, { id: chatId }] of told) {
      const last = lasts.get(chatId)!;
      const ranges = await eventually(
        `${reader.name} is told up to ${last}`,
        async () => {
          const found = (await rangesFor(reader)).get(chatId) ?? [];
          return found.some(({ to }) => to >= last) && found;
        },
        { limit: toldWithinMs },
      );
      let reached = 0;
      for (const { from, to } of ranges) {
        if (from !== reached) problems.push(`${reader.name}: after ${reached} comes (${from}, ${to}]`);
        reached = to;
      }
      expect(reached).toBe(last);
    }
    expect(problems).toEqual([]);

    // Whoever writes reads: of them nothing is told twice either.
    for (const writer of [ann!, bob!])
      for (const ranges of (await rangesFor(writer)).values())
        ranges.forEach(({ from }, at) => expect(from).toBeGreaterThanOrEqual(ranges[at - 1]?.to ?? 0));

    // All of it was mailed.
    const sent = await eventually(
      "all is sent",
      async () => {
        const jobs = ((await documents.all("jobs")) as unknown as StoredJob[]).filter(({ userId }) => userId);
        return jobs.every(({ state }) => state === "sent") && jobs;
      },
      { limit: mailOfKilledMs },
    );
    const received = new Set((await documents.all("inbox")).map(({ _id }) => _id));
    expect(sent.filter(({ _id }) => !received.has(_id))).toEqual([]);
    // Nothing is left to be told, or half decided.
    await eventually("all are told", async () => (await documents.all("pending")).length === 0, { limit: toldWithinMs });
    expect((await documents.all("told")).filter(({ decided }) => decided)).toEqual([]);
  });
}

describe("digests, embedded", () => tells(() => embeddedWorld({ env })));
describeCluster("digests, in a cluster", () => tells(() => clusterWorld({ env, size: { mail: 2 } })));
