// What a process that starts on the disk after a power cut must answer.

import type { Chat, Entry, Message } from "@confab/contracts";
import { TestClient } from "../../support/client.ts";
import { pick, shuffle, type Random } from "../../support/random.ts";
import { foldLog, Replica } from "../../support/replica.ts";
import type { TestUser } from "../../support/user.ts";
import { eventually } from "../../support/wait.ts";
import { codeMailedTo, moveTo } from "./people.ts";
import { keyOf, type Growing, type LoadRecord, type Send, type Told } from "./record.ts";

/** How many of each kind are asked again after a cut; the others are read. */
const sample = 4;

export class Survivor {
  /** Everything that is not as it was told. */
  readonly faults: string[] = [];
  readonly #url: string;
  readonly #record: LoadRecord;
  readonly #position: number;
  readonly #random: Random;
  readonly #logs = new Map<string, Entry[]>();

  constructor(url: string, record: LoadRecord, position: number, random: Random) {
    this.#url = url;
    this.#record = record;
    this.#position = position;
    this.#random = random;
  }

  /** How many messages were acknowledged before the cut. */
  get acknowledged(): number {
    return this.#record.sends.filter((send) => this.#isTold(send.told)).length;
  }

  async examine(): Promise<void> {
    await this.#require("a mailed code", () => this.#examineCodes());
    const people = this.#before(this.#record.people).map(({ user }) => moveTo(user, this.#url));
    const isMember = new Set(this.#record.chats.flatMap(({ members }) => members.map(({ id }) => id)));
    for (const user of shuffle(
      this.#random,
      people.filter(({ id }) => !isMember.has(id)),
    ).slice(0, sample))
      await this.#require(`the session of ${user.email}`, () => user.call("user.me.get", {}));
    const chats = this.#before(this.#record.chats);
    for (const chat of chats) await this.#require(`chat ${chat.id}`, () => this.#examineLog(chat));
    for (const chat of chats) await this.#require(`retries in ${chat.id}`, () => this.#retry(chat));
    for (const chat of chats) await this.#require(`chat ${chat.id} after retries`, () => this.#examineLog(chat));
    for (const user of people.filter(({ id }) => isMember.has(id)))
      await this.#require(`what is ${user.name}'s own`, () => this.#examineOwn(user));
    for (const device of this.#devices()) await this.#require("a device", () => this.#catchUp(device));
  }

  #isTold(told: { position: number } | undefined): boolean {
    return told !== undefined && told.position <= this.#position;
  }
  #before<T extends { position: number }>(all: readonly T[]): T[] {
    return all.filter((one) => this.#isTold(one));
  }

  /** An error is a fault like any other: the rest is examined all the same. */
  async #require(what: string, look: () => Promise<unknown>): Promise<void> {
    try {
      await look();
    } catch (error) {
      this.faults.push(`${what}: ${(error as Error).message}`);
    }
  }

  #expect(holds: boolean, fault: string): void {
    if (!holds) this.faults.push(fault);
  }

  /** G1: the log is dense, holds what was told where it was told, once, and nothing that was not asked for. */
  async #examineLog(chat: LoadRecord["chats"][number]): Promise<void> {
    const reader = moveTo(pick(this.#random, chat.members), this.#url);
    const log = await reader.entries(chat);
    this.#logs.set(chat.id, log);
    const messages = log.flatMap((entry) => (entry.type === "message.sent" ? entry.data.message : []));
    this.#expect(
      log.every(({ rev }, at) => rev === at + 1),
      `the revs of ${chat.id} are not dense`,
    );
    this.#expect(
      messages.every(({ seq }, at) => seq === at + 1),
      `the seqs of ${chat.id} are not dense`,
    );
    const sends = new Map(this.#record.sends.map((send) => [send.name, send]));
    const found = new Map<string, Message>();
    for (const message of messages) {
      const name = message.clientMessageId;
      this.#expect(!found.has(name), `${name} is there twice`);
      this.#expect(sends.get(name)?.text === message.text, `${name} says "${message.text}"`);
      found.set(name, message);
    }
    for (const { name, told } of this.#told(chat.id))
      this.#expect(
        isSame(found.get(name), told!.message),
        `${name}, acknowledged as ${place(told!.message)}, is ${place(found.get(name))}`,
      );
    const keys = new Set(log.map(keyOf));
    for (const { chatId, key } of this.#before(this.#record.changes))
      this.#expect(chatId !== chat.id || keys.has(key), `"${key}" was acknowledged and is not there`);
    for (const { entry } of this.#before(this.#record.seen))
      if (entry.chatId === chat.id)
        this.#expect(isSame(log[entry.rev - 1], entry), `entry ${entry.rev} of ${chat.id} was seen and is another`);
  }

  #told(chatId: string): Send[] {
    return this.#record.sends.filter((send) => send.chatId === chatId && this.#isTold(send.told));
  }

  /** G3: what was acknowledged is the same message when it is sent again; what was not is there once. */
  async #retry(chat: LoadRecord["chats"][number]): Promise<void> {
    const told = this.#told(chat.id);
    const last = told.toSorted((a, b) => a.told!.position - b.told!.position).slice(-sample);
    const others = this.#record.sends.filter((send) => send.chatId === chat.id && !told.includes(send));
    const again = [...last, ...shuffle(this.#random, told).slice(0, sample), ...shuffle(this.#random, others).slice(0, sample)];
    await Promise.all(
      again.map(async (send) => {
        const message = await moveTo(send.by, this.#url).send(chat, send.text, send.name);
        const known = this.#isTold(send.told) ? send.told!.message : undefined;
        this.#expect(message.text === send.text || message.editedAt !== null, `${send.name}, sent again, says "${message.text}"`);
        this.#expect(
          !known || (message.id === known.id && message.seq === known.seq),
          `${send.name}, sent again, is ${place(message)} and was ${place(known)}`,
        );
      }),
    );
  }

  /** What a person has noted is as it was acknowledged, or later; lists and a new device agree with the log. */
  async #examineOwn(user: TestUser): Promise<void> {
    const chats = new Map((await user.chats()).map((chat) => [chat.id, chat]));
    const me = await user.call("user.me.get", {});
    for (const one of this.#before(this.#record.growing)) {
      if (one.of.id !== user.id) continue;
      const now = one.what === "data" ? Number(me.data["value"]) : valueIn(chats.get(one.chatId), one.what);
      this.#expect(now >= one.value, `${one.what} of ${user.name} was ${one.value} and is ${now}`);
    }
    const replica = await this.#syncWhole(user, new Replica(user.id));
    for (const chat of this.#before(this.#record.chats)) {
      if (!chat.members.some(({ id }) => id === user.id)) continue;
      const log = this.#logs.get(chat.id)!;
      const listed = chats.get(chat.id);
      const held = replica.chats.get(chat.id);
      const { messages } = foldLog(log, user.id);
      this.#expect(
        listed?.rev === log.length && listed.lastSeq === messages.length,
        `the list of ${user.name} is not at the end of ${chat.id}`,
      );
      this.#expect(held?.rev === log.length, `a sync of ${user.name} does not reach the end of ${chat.id}`);
      const shown = held?.messages ?? [];
      this.#expect(
        JSON.stringify(shown) === JSON.stringify(messages.slice(messages.length - shown.length)),
        `a sync of ${user.name} shows other messages in ${chat.id} than its log`,
      );
    }
  }

  /** The newest knowledge of each device before the cut, and one by chance. */
  #devices(): LoadRecord["devices"] {
    const known = this.#before(this.#record.devices);
    return known.length > 0 ? [known.at(-1)!, pick(this.#random, known)] : [];
  }

  /** G4: a device goes on from what it knew, without starting over. */
  async #catchUp({ of, known }: Told<{ of: TestUser; known: LoadRecord["devices"][number]["known"] }>): Promise<void> {
    const user = moveTo(of, this.#url);
    const page = await user.sync(known);
    this.#expect(page.epoch === known.epoch, "the epoch became another one");
    this.#expect(page.userRev >= known.userRev!, `userRev went back from ${known.userRev} to ${page.userRev}`);
    const revs = new Map(page.chats.map((chat) => [chat.chatId, chat]));
    for (const [chatId, rev] of Object.entries(known.chats!)) {
      const log = this.#logs.get(chatId)!;
      const part = revs.get(chatId);
      this.#expect(rev <= log.length, `a device had seen rev ${rev} of ${chatId}, which ends at ${log.length}`);
      const entries = part && !part.reset ? part.entries : [];
      this.#expect(
        rev >= log.length ||
          entries.map((entry) => entry.rev).join() ===
            log
              .slice(rev)
              .map((entry) => entry.rev)
              .join(),
        `a device that knew ${rev} of ${chatId} was not brought to its end`,
      );
    }
  }

  async #syncWhole(user: TestUser, replica: Replica): Promise<Replica> {
    for (let more = true; more;) {
      const page = await user.call("chat.sync.pull", replica.known());
      replica.merge(page);
      ({ more } = page);
    }
    return replica;
  }

  /** G5: a code that was promised is mailed, and is good. */
  async #examineCodes(): Promise<void> {
    const client = new TestClient({ api: this.#url, io: this.#url });
    const flows = this.#before(this.#record.flows);
    const some = [...flows.slice(-1), ...shuffle(this.#random, flows.slice(0, -1)).slice(0, 1)];
    for (const { email, flowId } of some) {
      const code = await eventually(`a code is mailed to ${email}`, () => codeMailedTo(email, this.#url), { limit: 10_000 });
      const { user } = await client.call("user.code.verify", { flowId, code, name: "coder" });
      this.#expect(user.email === email, `the code of ${email} signs in ${user.email}`);
    }
  }
}

const valueIn = (chat: Chat | undefined, what: Growing["what"]): number =>
  what === "readSeq" ? (chat?.me.readSeq ?? -1) : Date.parse(chat?.me.mutedUntil ?? "");

/** What a message was when it was sent: its entry keeps that. */
const isSame = (found: unknown, told: unknown): boolean => JSON.stringify(found) === JSON.stringify(told);

const place = (message: Message | undefined) => message && `${message.id} at ${message.rev}, ${message.seq}`;
