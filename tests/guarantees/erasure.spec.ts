// Erasing an account: every store is searched for every word of a person whose account was erased.

import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import amqp from "amqplib";
import { Redis } from "ioredis";
import mongoose from "mongoose";
import { archiveMs, erasedMs } from "../support/limits.ts";
import { Refused } from "../support/refusal.ts";
import { describeCluster, mongoUrl, rabbitUrl, redisUrl } from "../support/parts.ts";
import type { TestUser } from "../support/user.ts";
import { eventually } from "../support/wait.ts";
import { clusterWorld, embeddedWorld, type World } from "../support/world.ts";

/** A word that nobody else says. */
const word = () => `zq${randomUUID().replaceAll("-", "").slice(0, 16)}`;
/** Messages that take some seconds to erase. */
const many = 4000;
/** A pixel. */
const picture = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** Somebody who leaves words everywhere. */
class Life {
  readonly words = {
    name: word(),
    address: word(),
    data: word(),
    text: word(),
    edited: word(),
    report: word(),
    draft: word(),
    invite: "",
  };
  readonly email = `${this.words.address}@example.test`;
  readonly world: World;
  readonly friend: TestUser;
  me!: TestUser;
  chatId!: string;

  constructor(world: World, friend: TestUser) {
    this.world = world;
    this.friend = friend;
  }

  /** Says `messages` words, and does what else people do. */
  async live(messages = 5): Promise<void> {
    const { words, friend } = this;
    this.me = await this.world.signIn(this.email, words.name);
    const { me } = this;
    await me.call("user.me.change", { data: { note: words.data } });
    await me.call("user.avatar.put", { image: picture });
    await me.call("user.password.change", { password: `correct ${words.draft}` });
    const direct = await me.chatWith(friend);
    const group = await me.call("chat.chat.create", { type: "group", memberIds: [friend.id] });
    this.chatId = direct.id;
    for (const chat of [direct, group]) {
      for (let at = 0; at < messages; at++) await me.send(chat, `${words.text} ${at}`);
      const sent = await me.send(chat, words.text);
      await me.edit(chat, sent, words.edited);
      const theirs = await friend.send(chat, "of the friend");
      await me.react(chat, theirs, "\u{1F44D}");
      await me.read(chat, 1);
    }
    this.words.invite = (await me.invite(group)).code;
    const theirs = (await friend.history(direct)).find(({ senderId }) => senderId === friend.id)!;
    await me.call("user.report.create", { chatId: direct.id, messageId: theirs.id, reason: "other", text: words.report });
    const mine = (await friend.history(direct)).find(({ senderId }) => senderId === me.id)!;
    await friend.call("user.report.create", { chatId: direct.id, messageId: mine.id, reason: "abuse" });
    await me.call("user.export.begin", {});
    await eventually("the archive is ready", async () => (await me.call("user.export.get", {})).state === "ready", {
      limit: archiveMs,
    });
    // Its mail is under way.
    await this.world.mailTo(this.email, /archive/);
  }

  erase(): Promise<{ eraseAt: string }> {
    return this.me.call("user.me.erase", {});
  }

  async isErased(): Promise<boolean> {
    const { name } = await this.friend.call("user.profile.get", { userId: this.me.id });
    return name === "";
  }
}

/** Everything that a store holds, as text, by where it is. */
type Contents = () => Promise<Map<string, string>>;

/** Which of the words are where. */
async function findWords(contents: Contents, words: Record<string, string>): Promise<string[]> {
  const found: string[] = [];
  for (const [place, text] of await contents())
    for (const [what, one] of Object.entries(words)) if (text.includes(one)) found.push(`${what} in ${place}`);
  return found;
}

const filesOf = (folder: string): string[] =>
  readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesOf(path) : [path];
  });

const without = (words: Life["words"], ...those: (keyof Life["words"])[]) =>
  Object.fromEntries(Object.entries(words).filter(([what]) => !those.includes(what as keyof Life["words"])));

function erases(open: (env: Record<string, string>) => Promise<{ world: World; contents: Contents }>): void {
  describe.each([
    ["with its messages", "on"],
    ["whose messages stay", "off"],
  ])("an account, %s", (_, messages) => {
    let world: World;
    let contents: Contents;
    let life: Life;

    beforeAll(async () => {
      ({ world, contents } = await open({ ERASE_DAYS: "0", ERASE_MESSAGES: messages }));
      life = new Life(world, await world.user("friend"));
      await life.live();
    });
    afterAll(() => world?.stop());

    test("leaves no word of it in any store", async () => {
      // They are there before, so that the search would find them.
      const before = await findWords(contents, without(life.words, "draft"));
      for (const what of Object.keys(without(life.words, "draft")))
        expect([what, before.some((one) => one.startsWith(`${what} in `))]).toEqual([what, true]);
      await life.erase();
      await eventually("the account is erased", () => life.isErased(), { limit: erasedMs });
      const gone = messages === "on" ? life.words : without(life.words, "text", "edited");
      await eventually(
        "no word is left",
        async () => {
          const found = await findWords(contents, gone);
          if (found.length > 0) throw new Error(found.join("\n"));
          return true;
        },
        { limit: erasedMs, every: 500 },
      );
      expect(await life.friend.call("user.profile.get", { userId: life.me.id })).toEqual({
        ...{ id: life.me.id, name: "", avatar: null, data: {} },
      });
    });

    test("and its friend reads on in the chat of the two, and is told by the log", async () => {
      const history = await life.friend.history({ id: life.chatId });
      const own = history.filter(({ senderId }) => senderId === life.me.id);
      expect(own).toHaveLength(6);
      for (const { text, deletedAt } of own) {
        expect(text === "").toBe(messages === "on");
        expect(deletedAt === null).toBe(messages === "off");
      }
      expect(history.find(({ senderId }) => senderId === life.friend.id)!.text).toBe("of the friend");
      const groups = (await life.friend.chats()).filter(({ type }) => type === "group");
      expect(groups).toMatchObject([{ memberCount: 1, me: { role: "owner" } }]);
    });

    test("and its address is free: whoever signs up with it is somebody else", async () => {
      await expect(life.me.call("user.me.get", {})).rejects.toThrow(Refused);
      const again = await world.signIn(life.email, "Somebody");
      expect(again.id).not.toBe(life.me.id);
      expect(await again.chats()).toEqual([]);
    });
  });
}

describe("erasure, embedded", () => {
  const open = async (env: Record<string, string>) => {
    const world = await embeddedWorld({ env });
    const folder = join(dirname(world.node("user").log), "data");
    const contents = async () => new Map(filesOf(folder).map((file) => [file, readFileSync(file, "latin1")]));
    return { world, contents };
  };
  erases(open);

  test("goes on to its end, whenever the process is killed", async () => {
    const { world, contents } = await open({ ERASE_DAYS: "0", ERASE_MESSAGES: "on" });
    try {
      const life = new Life(world, await world.user("friend"));
      await life.live();
      const chat = { id: life.chatId };
      for (let sent = 0; sent < many; sent += 100)
        await Promise.all(Array.from({ length: 100 }, () => life.me.send(chat, life.words.text)));
      // Each deletion takes a place of its own.
      const rev = async () => (await life.friend.call("chat.chat.get", { chatId: life.chatId })).rev;
      const begun = await rev();
      await life.erase();
      for (let kills = 0, known = begun; kills < 2; kills++) {
        known = await eventually("more is erased", async () => [await rev()].find((now) => now > known), { every: 5 });
        expect(known - begun).toBeLessThan(many);
        await world.kill("user");
        await world.revive("user");
      }
      await eventually("the account is erased", () => life.isErased(), { limit: erasedMs });
      await eventually("no word is left", async () => (await findWords(contents, life.words)).length === 0, {
        limit: erasedMs,
      });
      // Each was deleted once, however often it was begun.
      const deleted = (await life.friend.entries(chat, begun)).filter(({ type }) => type === "message.deleted");
      expect(deleted).toHaveLength(many + 6);
    } finally {
      await world.stop();
    }
  });

  test("is called off by signing in while the grace lasts, and by nothing else", async () => {
    const { world } = await open({ ERASE_DAYS: "1", ERASE_MESSAGES: "on" });
    try {
      const life = new Life(world, await world.user("friend"));
      await life.live();
      const { eraseAt } = await life.erase();
      expect(Date.parse(eraseAt) - Date.now()).toBeGreaterThan(86_000_000);
      await world.mailTo(life.email, /erased/);
      // Every session is over.
      await expect(life.me.call("user.me.get", {})).rejects.toThrow(Refused);
      await world.restart();
      const back = await world.signIn(life.email, "Somebody");
      expect(back.id).toBe(life.me.id);
      expect(await back.call("user.me.get", {})).toMatchObject({ name: life.words.name, eraseAt: null });
      expect((await back.history({ id: life.chatId }))[0]!.text).toContain(life.words.text);
    } finally {
      await world.stop();
    }
  });
});

describeCluster("erasure, in a cluster with two nodes of each", () => {
  erases(async (env) => {
    const name = `erasure-${randomUUID().slice(0, 8)}`;
    const own = { MONGO_URL: mongoUrl(name), NAMESPACE: name };
    const world = await clusterWorld({ env: { ...env, ...own }, size: { user: 2, mail: 2, chat: 2, io: 2, api: 2 } });
    return { world, contents: () => contentsOfParts(own.MONGO_URL, name) };
  });
});

/** What lies in MongoDB, Redis and RabbitMQ. */
async function contentsOfParts(url: string, namespace: string): Promise<Map<string, string>> {
  const all = new Map<string, string>();
  const mongo = await mongoose.createConnection(url).asPromise();
  try {
    for (const { name } of await mongo.db!.listCollections().toArray())
      all.set(`MongoDB ${name}`, JSON.stringify(await mongo.db!.collection(name).find().toArray()));
  } finally {
    await mongo.close();
  }
  const redis = new Redis(redisUrl());
  try {
    for (const key of await redis.keys(`*${namespace}*`))
      all.set(`Redis ${key}`, `${key} ${(await redis.dumpBuffer(key))?.toString("latin1")}`);
  } finally {
    redis.disconnect();
  }
  const rabbit = await amqp.connect(rabbitUrl());
  try {
    for (const queue of ["jobs", "dead", "delay.5000", "delay.15000", "delay.30000"].map((one) => `${namespace}.mail.${one}`)) {
      const channel = await rabbit.createChannel();
      channel.on("error", () => {});
      try {
        const kept: amqp.GetMessage[] = [];
        for (let message = await channel.get(queue); message; message = await channel.get(queue)) {
          all.set(`RabbitMQ ${queue} ${kept.length}`, message.content.toString());
          kept.push(message);
        }
        for (const message of kept) channel.nack(message);
        await channel.close();
      } catch {
        // There is no such queue.
      }
    }
  } finally {
    await rabbit.close();
  }
  return all;
}
