import { randomUUID } from "node:crypto";
import type { FaultyDisk } from "../../support/disk/disk.ts";
import { between, fork, pick, type Random } from "../../support/random.ts";
import { TestClient } from "../../support/client.ts";
import { NoAnswer, Refused } from "../../support/refusal.ts";
import { Replica } from "../../support/replica.ts";
import type { TestSocket } from "../../support/socket.ts";
import { newName, TestUser } from "../../support/user.ts";
import { eventually, pause } from "../../support/wait.ts";
import type { World } from "../../support/world.ts";
import { codeMailedTo, moveTo } from "./people.ts";
import type { LoadRecord, Told } from "./record.ts";

const emojis = ["👍", "❤️", "😂", "😮", "🎉", "🐙", "🍀", "🌊", "⚡", "🚲"];
/** Things that one person does at once. */
const lanes = 3;

/** People who write, edit, react, read, sign in and sync in several chats over REST and sockets, until the process is killed. */
export class Load {
  readonly #world: World;
  readonly #disk: FaultyDisk;
  readonly #record: LoadRecord;
  readonly #random: Random;
  #ends = false;
  #count = 0;

  constructor(world: World, disk: FaultyDisk, record: LoadRecord, random: Random) {
    this.#world = world;
    this.#disk = disk;
    this.#record = record;
    this.#random = random;
  }

  /** Signs people in and opens chats. */
  async gather(): Promise<void> {
    const people: TestUser[] = [];
    for (const name of ["ann", "bob", "cy", "dee"]) people.push(await this.#signIn(`${name}.${randomUUID()}@example.test`, name));
    const [ann, bob, cy, dee] = people as [TestUser, TestUser, TestUser, TestUser];
    const open = async (...members: [TestUser, ...TestUser[]]) => {
      const { id } = await members[0].chatWith(...members.slice(1));
      this.#record.chats.push(this.#told({ id, members }));
    };
    await open(ann, bob, cy, dee);
    await open(bob, cy);
    await open(dee, ann, cy);
  }

  /** Loads the process until it has acknowledged so many changes, and kills it then, in the midst of others. */
  async run(changes: number): Promise<void> {
    const members = new Set(this.#record.chats.flatMap(({ members }) => members.map(({ id }) => id)));
    const people = this.#record.people.filter(({ user }) => members.has(user.id)).map(({ user }) => moveTo(user, this.#url));
    const sockets = await Promise.all(people.map((user) => user.socket()));
    const work = people.flatMap((user, at) => [
      ...Array.from({ length: lanes }, (_, lane) =>
        this.#repeat((random) => this.#change(user, sockets[at]!, random, lane % 2 === 0)),
      ),
      this.#repeat(() => this.#watch(sockets[at]!)),
    ]);
    work.push(this.#syncAgain(pick(this.#random, people)), this.#signInAgain());
    const killed = (async () => {
      try {
        while (this.#count < changes && !this.#ends) await pause(5);
      } finally {
        this.#ends = true;
        await this.#world.kill("chat");
      }
    })();
    await Promise.all([killed, ...work]);
    for (const user of people) user.leave();
  }

  get #url(): string {
    return this.#world.doors[0]!.api;
  }

  #told<T>(what: T): Told<T> {
    return { ...what, position: this.#disk.position() };
  }

  async #repeat(act: (random: Random) => Promise<void>): Promise<void> {
    const random = fork(this.#random);
    while (!this.#ends) {
      try {
        await act(random);
      } catch (error) {
        // What is under way when the process is killed gets no answer.
        if (this.#ends && (error instanceof NoAnswer || error instanceof Refused)) return;
        this.#ends = true;
        throw error;
      }
    }
  }

  async #change(user: TestUser, socket: TestSocket, random: Random, byRest: boolean): Promise<void> {
    const chat = pick(
      random,
      this.#record.chats.filter(({ members }) => members.some(({ id }) => id === user.id)),
    );
    const sent = this.#record.sends.filter(({ chatId, told }) => told && chatId === chat.id);
    const chance = random();
    if (chance < 0.7 || sent.length === 0) await this.#send(user, chat.id, byRest ? undefined : socket);
    else if (chance < 0.78) await this.#edit(user, chat.id, random);
    else if (chance < 0.86) await this.#react(user, chat.id, random);
    else if (chance < 0.92) await this.#read(user, chat.id);
    else if (chance < 0.97) await this.#mute(user, chat.id);
    else await this.#changeProfile(user);
    this.#count++;
    await pause(between(random, 0, 10));
  }

  async #send(by: TestUser, chatId: string, socket: TestSocket | undefined): Promise<void> {
    const name = newName();
    const send: LoadRecord["sends"][number] = { by, chatId, name, text: `words of ${name}` };
    this.#record.sends.push(send);
    const params = { chatId, clientMessageId: name, text: send.text };
    const { message } = await (socket ? socket.call("chat.message.send", params) : by.call("chat.message.send", params));
    send.told = this.#told({ message });
  }

  async #edit(user: TestUser, chatId: string, random: Random): Promise<void> {
    const own = this.#record.sends.filter((send) => send.told && send.chatId === chatId && send.by.id === user.id);
    if (own.length === 0) return;
    const { id } = pick(random, own).told!.message;
    const text = `edited ${newName()}`;
    await user.edit({ id: chatId }, { id }, text);
    this.#record.changes.push(this.#told({ chatId, key: `edited ${id} ${text}` }));
  }

  async #react(user: TestUser, chatId: string, random: Random): Promise<void> {
    const { id } = pick(
      random,
      this.#record.sends.filter((send) => send.told && send.chatId === chatId),
    ).told!.message;
    const emoji = pick(random, emojis);
    await user.react({ id: chatId }, { id }, emoji);
    this.#record.changes.push(this.#told({ chatId, key: `reaction ${id} ${emoji} by ${user.id}` }));
  }

  async #read(user: TestUser, chatId: string): Promise<void> {
    const value = Math.max(0, ...this.#record.sends.flatMap((send) => (send.chatId === chatId && send.told?.message.seq) || 0));
    const { chats } = await user.call("chat.receipt.move", { read: { [chatId]: value } });
    const { readSeq } = chats[chatId]!;
    this.#record.growing.push(this.#told({ of: user, what: "readSeq", chatId, value: readSeq }));
  }

  readonly #steps = new Map<string, number>();

  /** Each value is greater than the one before, and asked for when that one was acknowledged. */
  async #grow(key: string, ask: (value: number) => Promise<unknown>): Promise<number> {
    if (this.#steps.has(key)) return 0;
    const value = Date.now();
    this.#steps.set(key, value);
    await ask(value);
    await pause(1);
    this.#steps.delete(key);
    return value;
  }

  async #mute(user: TestUser, chatId: string): Promise<void> {
    const year = 365 * 86_400_000;
    const value = await this.#grow(`${user.id} ${chatId}`, (value) =>
      user.call("chat.me.change", { chatId, mutedUntil: new Date(value + year).toISOString() }),
    );
    if (value) this.#record.growing.push(this.#told({ of: user, what: "mutedUntil", chatId, value: value + year }));
  }

  async #changeProfile(user: TestUser): Promise<void> {
    const value = await this.#grow(user.id, (value) => user.call("user.me.change", { data: { value } }));
    if (value) this.#record.growing.push(this.#told({ of: user, what: "data", chatId: "", value }));
  }

  /** Notes what a socket heard: it must be as durable as what is acknowledged (G2). */
  async #watch(socket: TestSocket): Promise<void> {
    const heard = socket.all("chat:entry");
    const known = this.#heard.get(socket) ?? 0;
    this.#heard.set(socket, heard.length);
    const { position } = this.#told({});
    for (const entry of heard.slice(known)) this.#record.seen.push({ entry, position });
    await pause(10);
  }
  readonly #heard = new Map<TestSocket, number>();

  async #syncAgain(user: TestUser): Promise<void> {
    const replica = new Replica(user.id);
    await this.#repeat(async () => {
      const page = await user.call("chat.sync.pull", replica.known());
      replica.merge(page);
      this.#record.devices.push(this.#told({ of: user, known: replica.known() }));
      await pause(50);
    });
  }

  async #signIn(email: string, name: string): Promise<TestUser> {
    const client = new TestClient({ api: this.#url, io: this.#url });
    const { flowId } = await client.call("user.code.request", { email });
    const code = await eventually(
      `a code is mailed to ${email}`,
      () => {
        if (this.#ends) throw new NoAnswer("user.code.verify", "the process is killed");
        return codeMailedTo(email, this.#url).catch(() => undefined);
      },
      { throwAtOnce: true },
    );
    const { user, accessToken, refreshToken } = await client.call("user.code.verify", { flowId, code, name });
    const signedIn = new TestUser({ id: user.id, name, email, refreshToken }, accessToken, [client.at]);
    this.#record.people.push(this.#told({ user: signedIn }));
    return signedIn;
  }

  /** New people sign in, and others ask for a code that they do not use yet. */
  async #signInAgain(): Promise<void> {
    const client = new TestClient({ api: this.#url, io: this.#url });
    await this.#repeat(async (random) => {
      if (random() < 0.5) {
        await this.#signIn(`late.${randomUUID()}@example.test`, "late");
      } else {
        const email = `code.${randomUUID()}@example.test`;
        const { flowId } = await client.call("user.code.request", { email });
        this.#record.flows.push(this.#told({ email, flowId }));
      }
      await pause(100);
    });
  }
}
