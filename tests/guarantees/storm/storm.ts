import { join } from "node:path";
import type { Parts } from "../../../tools/parts/parts.ts";
import { fork, type Random } from "../../support/random.ts";
import type { TestSocket } from "../../support/socket.ts";
import { newName, type TestUser } from "../../support/user.ts";
import { eventually, pause } from "../../support/wait.ts";
import type { World } from "../../support/world.ts";
import { Acts } from "./acts.ts";
import { Asker, nothingAsked } from "./asker.ts";
import { Device } from "./device.ts";
import { Faults } from "./faults.ts";
import { Reader } from "./reader.ts";
import { Sight } from "./sight.ts";
import { isIn, stays, type Talk } from "./talk.ts";
import { changes, Writer, type Tally } from "./writer.ts";

/** What the nodes of a storm run with. */
export const stormEnv = (random: Random) => ({
  NODE_OPTIONS: `--import=${join(__dirname, "unruly.ts")}`,
  UNRULY_SEED: String(Math.floor(random() * 1_000_000)),
  // Shorter than what stands still does, so that calls run out while what they asked for is under way.
  REQUEST_TIMEOUT: "2500",
});

/** Milliseconds. */
const strokeEvery = 2500;

/**
 * Six people in three chats do all that can be done in them, read, and follow by sockets and devices, while processes
 * are killed, events go astray and the database stands still. What came of it is for the tests to judge.
 */
export class Storm {
  readonly sight = new Sight();
  readonly acts = new Acts();
  readonly asked = nothingAsked();
  readonly tally: Tally = new Map();
  readonly faults: Faults;
  readonly talks: Talk[] = [];
  readonly readers: Reader[] = [];
  /** Devices that were kept up in different ways. */
  readonly devices: { how: string; device: Device; asker: Asker }[] = [];
  readonly sockets: { user: TestUser; socket: TestSocket }[] = [];
  people: TestUser[] = [];
  milliseconds = 0;
  readonly #world: World;
  readonly #random: Random;
  #blows = true;

  constructor(world: World, parts: Parts | undefined, random: Random) {
    this.#world = world;
    this.#random = random;
    this.faults = new Faults(world, parts, random, () => this.asked.times.length);
  }

  async rage(rounds: number): Promise<void> {
    await this.#gather();
    const blows = () => this.#blows;
    const began = Date.now();
    const writers = this.people.map((user) => new Writer(this.#asker(user), this.talks, this.acts, this.sight, this.tally));
    for (const user of this.people.slice(1)) this.readers.push(new Reader(this.#asker(user), this.talks, this.sight));
    await this.#addDevices();
    const [wandering, comer, live] = this.devices;
    const gong = () => Math.floor((Date.now() - began) / strokeEvery);
    const work = [
      ...writers.map((writer) => writer.work(blows, gong)),
      ...this.readers.map((reader) => reader.work(blows)),
      wandering!.device.wander(blows),
      comer!.device.wander(blows),
      live!.device.listen(blows),
      this.#watchSockets(blows),
    ];
    const strikes = this.faults
      .strike(rounds)
      .then(() => eventually("each kind of change was done", () => this.countDone() >= changes.length))
      .finally(() => (this.#blows = false));
    try {
      // Whoever fails ends the storm, and what was killed or stopped is brought back all the same.
      await Promise.all([strikes, ...work]);
    } finally {
      this.#blows = false;
      await Promise.allSettled([strikes, ...work]);
    }
    this.milliseconds = Date.now() - began;
    await this.#calm();
  }

  /** Two groups with people who come and go, one of which keeps newcomers from what was said before, and a direct chat. */
  async #gather(): Promise<void> {
    const names = ["owner", "admin", "stays-1", "stays-2", "comes", "brought"];
    this.people = await Promise.all(names.map((name) => this.#world.user(name)));
    const [owner, admin, third, fourth, ...comers] = this.people as [TestUser, TestUser, TestUser, TestUser, TestUser, TestUser];
    for (const historyFrom of ["all", "join"] as const) {
      const chat = await owner.group([admin, third, fourth, ...comers], { historyFrom, title: "Before the storm" });
      await owner.call("chat.member.change", { chatId: chat.id, userId: admin.id, role: "admin" });
      const { code } = await owner.invite(chat);
      this.talks.push({ id: chat.id, isGroup: true, members: [owner, admin, third, fourth], comers, code, said: [] });
    }
    const direct = await third.chatWith(fourth);
    this.talks.push({ id: direct.id, isGroup: false, members: [third, fourth], comers: [], said: [] });
    for (const [at, user] of this.people.entries())
      for (const door of at % 2 === 0 ? [0] : [0, 1])
        this.sockets.push({ user, socket: await user.at(door + Math.floor(at / 2)).socket() });
  }

  #asker(user: TestUser): Asker {
    const sockets = this.sockets.filter((one) => one.user === user).map(({ socket }) => socket);
    const blame = (what: string) => this.sight.blame(what);
    return new Asker(user, sockets, fork(this.#random), { doors: this.#world.doors.length, asked: this.asked, blame });
  }

  async #addDevices(): Promise<void> {
    const [, , third, fourth, comes, brought] = this.people as [TestUser, TestUser, TestUser, TestUser, TestUser, TestUser];
    const add = (how: string, user: TestUser, socket?: TestSocket) => {
      const asker = this.#asker(user);
      this.devices.push({ how, asker, device: new Device(asker, this.sight, socket) });
    };
    add("syncs now and then", third);
    add("comes and goes, and syncs now and then", comes);
    add("follows a socket", fourth, this.sockets.find(({ user }) => user === fourth)!.socket);
    add("sleeps all the while", fourth);
    add("is brought and removed, and sleeps", brought);
    // Those who sleep know the chats as they were.
    for (const { device } of this.devices) await device.catchUp();
  }

  async #watchSockets(goesOn: () => boolean): Promise<void> {
    const heard = this.sockets.map(() => 0);
    while (goesOn()) {
      this.sockets.forEach(({ socket }, at) => {
        while (heard[at]! < socket.heard.length) {
          const one = socket.heard[heard[at]!++]!;
          if (one.event === "chat:entry") this.sight.seeEntry(one.payload);
        }
        socket.check();
      });
      await pause(15);
    }
  }

  /** Waits until everything runs and every socket has caught up: events still go astray, so something is said until they have. */
  async #calm(): Promise<void> {
    await this.#world.serving();
    for (const talk of this.talks) {
      const last = await eventually(
        () => `the sockets of ${talk.id} reach the end`,
        async () => {
          const [owner] = talk.members as [TestUser];
          const name = newName();
          const message = await owner.send(talk, `calm ${name}`, name);
          this.acts.note({ chatId: talk.id, type: "message.sent", by: owner.id, what: name, done: true, interrupted: 0 });
          await pause(400);
          const isThere = this.sockets
            .filter(({ user }) => stays(talk, user.id))
            .every(({ socket }) => (socket.entries(talk.id).at(-1)?.rev ?? 0) >= message.rev);
          return isThere && message.rev;
        },
        { limit: 60_000, every: 100 },
      );
      this.sight.seeEnd(talk.id, last);
    }
    for (const { device } of this.devices) await device.catchUp();
  }

  socketsIn(talk: Talk): { user: TestUser; socket: TestSocket }[] {
    return this.sockets.filter(({ user }) => isIn(talk, user.id));
  }

  /** How many kinds of change were done. */
  countDone(): number {
    return changes.filter((kind) => (this.tally.get(kind) ?? 0) > 0).length;
  }

  /** In how many of the times when nothing could be stored nothing was acknowledged either. */
  countStills(): number {
    const grace = 500;
    return this.faults.stills.filter(({ from, to }) => !this.asked.times.some((at) => at > from + grace && at < to)).length;
  }

  summary(): string {
    const { answered, interrupted, bySocket, longest } = this.asked;
    const list = (counts: ReadonlyMap<string, number> | object) =>
      [...(counts instanceof Map ? (counts as Map<string, number>) : new Map(Object.entries(counts)))]
        .map(([name, count]) => `${name} ${count}`)
        .join(", ");
    return [
      `${this.#world.kind}: ${(this.milliseconds / 1000).toFixed(0)} s of storm: ${list(this.faults.struck)}; events ${list(this.faults.countUnruly())}`,
      `  ${answered} answers, ${bySocket} of them by sockets, ${interrupted} times none, the longest wait ${longest} ms`,
      `  ${list(this.tally)}`,
      `  ${this.readers.reduce((sum, { looks }) => sum + looks, 0)} looks: ${list(this.sight.counts)}`,
      ...this.devices.map(({ how, device }) => `  a device that ${how}: ${list(device.replica.counts)}`),
    ].join("\n");
  }
}
