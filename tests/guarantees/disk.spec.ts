// The disk of the embedded store is full, read-only, damaged, slow, or somebody else's.

import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
  openSync,
  closeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { EDQUOT, EIO, ENOSPC, FaultyDisk, type Faults } from "../support/disk/disk.ts";
import { Disk } from "../support/disk/journal.ts";
import { Ledger } from "../support/ledger.ts";
import { Ground, TestNode, type Launcher, type NodeEnv } from "../support/node.ts";
import { type Refused } from "../support/refusal.ts";
import { newName, type TestUser } from "../support/user.ts";
import { eventually } from "../support/wait.ts";
import { embeddedWorld, World } from "../support/world.ts";
import { inContainer, insideOf, onReadOnlyDisk, onSmallDisk } from "./disk/namespaces.ts";

jest.setTimeout(120_000);

/** Milliseconds in which a start is refused: five seconds, and more where this machine is so busy that a start takes long. */
let patience = 5000;

let folder: string;
let ground: Ground;
/** Data folders of a process that was stopped, and of one that was killed. */
let stopped: string;
let killed: string;
let ann: TestUser;
let chat: { id: string };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "confab-disk-faults-"));
  ground = new Ground();
  const data = join(folder, "data");
  const began = Date.now();
  const world = await embeddedWorld({ env: { DATA_DIR: data } });
  patience += 2 * (Date.now() - began);
  ann = await world.user("ann");
  chat = await ann.chatWith(await world.user("bob"));
  for (let at = 0; at < 5; at++) await ann.send(chat, `message ${at}`);
  await world.kill("chat", "SIGKILL");
  cpSync(data, (killed = join(folder, "killed")), { recursive: true });
  await world.revive("chat");
  await world.kill("chat", "SIGTERM");
  cpSync(data, (stopped = join(folder, "stopped")), { recursive: true });
  await world.stop();
});
afterAll(async () => {
  await ground.clear();
  rmSync(folder, { recursive: true });
});

let copies = 0;
/** A data folder of its own, changed by what went wrong. */
function dataFrom(source: string, damage: (data: string) => void = () => {}): string {
  const data = join(folder, `data-${++copies}`);
  cpSync(source, data, { recursive: true });
  damage(data);
  return data;
}

let starts = 0;
const nodeOn = (data: string, launcher?: Launcher, env: NodeEnv = {}): Promise<TestNode> =>
  TestNode.create(ground, `node-${++starts}`, { DATA_DIR: data, ...env }, launcher);

/** What a start said that has to be refused. */
async function refusal(data: string, launcher?: Launcher, env: NodeEnv = {}): Promise<string> {
  // One service is enough to be refused, and starts sooner.
  const node = await nodeOn(data, launcher, { SERVICES: "chat", ...env });
  node.launch();
  const ended = await node.ended(patience);
  await node.kill("SIGKILL");
  const said = readFileSync(node.log, "utf8");
  expect({ ended, said }).toEqual({ ended: "with code 1", said });
  // One message for the operator, without the way that led to it.
  expect(said).not.toMatch(/^ {4}at /m);
  return said;
}

/** Starts, answers how many messages the chat has, and stops. */
async function countMessages(data: string): Promise<number> {
  const node = await nodeOn(data);
  node.launch();
  try {
    await node.ready();
    const { client } = ann;
    client.at.api = client.at.io = node.url;
    return (await ann.history(chat)).length;
  } finally {
    await node.kill("SIGTERM");
  }
}

const worldOf = (node: TestNode): World =>
  new World("embedded", ground, {}, { user: [node], mail: [node], chat: [node], io: [node], api: [node] });

function damagePage(file: string, page: number): void {
  const fd = openSync(file, "r+");
  writeSync(fd, Buffer.alloc(4096, 0xff), 0, 4096, (page - 1) * 4096);
  closeSync(fd);
}

/** Fills the disk with a file, to the last block. */
function fill(file: string): void {
  const fd = openSync(file, "w");
  for (const size of [1 << 20, 1 << 12]) {
    try {
      while (writeSync(fd, Buffer.alloc(size, 1)) === size);
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe("ENOSPC");
    }
  }
  closeSync(fd);
}

describe("a start is refused within five seconds, by a message that names the file and the cure", () => {
  test.each([
    ["in /proc, where nothing can be created", "/proc/confab/data"],
    ["below a file", "/etc/hostname/data"],
  ])("a folder %s", async (_, data) => {
    expect(await refusal(data)).toMatch(new RegExp(`folder ${data} cannot be created.*DATA_DIR`));
  });

  test("a read-only folder, empty or with data", async () => {
    const empty = join(folder, "empty");
    mkdirSync(empty);
    for (const data of [empty, dataFrom(stopped), dataFrom(killed)])
      expect(await refusal(data, onReadOnlyDisk(data))).toMatch(new RegExp(`${data}.* writable`));
  });

  test("a full disk", async () => {
    const data = join(folder, "small");
    mkdirSync(data);
    const disk = new FaultyDisk(data);
    disk.set({ room: 1000 });
    expect(await refusal(data, [], { ...disk.env, SERVICES: "" })).toMatch(new RegExp(`${data}/.* disk is full.*[Ff]ree`));
    // The cure helps: nothing half made is in the way.
    disk.set({ room: -1 });
    const node = await nodeOn(data);
    node.launch();
    await node.ready();
    await node.kill("SIGTERM");
    disk.remove();
  });

  test.each([
    ["is overwritten", (file: string) => writeFileSync(file, "x".repeat(8192))],
    ["is empty", (file: string) => truncateSync(file, 0)],
    ["is cut off", (file: string) => truncateSync(file, 8192)],
    ["has a damaged page", (file: string) => damagePage(file, 2)],
  ])("a file that %s", async (_, damage) => {
    const data = dataFrom(stopped, (copy) => damage(join(copy, "chat.db")));
    expect(await refusal(data)).toMatch(new RegExp(`${data}/chat.db .*(backup|Restore)`));
  });

  test.each(["chat", "user", "mail"])("the missing file of %s", async (name) => {
    const data = dataFrom(stopped, (copy) => rmSync(join(copy, `${name}.db`)));
    expect(await refusal(data, [], { SERVICES: name })).toMatch(new RegExp(`${data}/${name}.db is missing.* (backup|Restore)`));
    // A refused start has not made a new one in its place.
    expect(existsSync(join(data, `${name}.db`))).toBe(false);
  });

  test("a deleted write-ahead log, and with it every message is there", async () => {
    const data = dataFrom(killed, (copy) => rmSync(join(copy, "chat.db-wal")));
    expect(await refusal(data)).toMatch(new RegExp(`${data}/chat.db-wal is missing.* (backup|Restore)`));
    cpSync(join(killed, "chat.db-wal"), join(data, "chat.db-wal"));
    expect(await countMessages(data)).toBe(5);
  });

  test("a file of a newer version", async () => {
    const data = dataFrom(stopped, (copy) => {
      const database = new DatabaseSync(join(copy, "user.db"));
      database.exec("pragma user_version = 1000000");
      database.close();
    });
    expect(await refusal(data, [], { SERVICES: "user" })).toMatch(
      new RegExp(`${data}/user.db .*newer version.* Start that version`),
    );
  });
});

describe("one process owns the folder", () => {
  let data: string;
  let owner: TestNode;
  beforeAll(async () => {
    data = dataFrom(stopped);
    owner = await nodeOn(data);
    owner.launch();
    await owner.ready();
  });
  afterAll(() => owner.kill("SIGKILL"));

  const inUse = () => new RegExp(`${data}.* in use by another process.*stop`);

  test("a second process is refused, also in another container, and the first goes on", async () => {
    expect(await refusal(data)).toMatch(inUse());
    const mountedAt = join(folder, "mounted");
    mkdirSync(mountedAt);
    expect(await refusal(mountedAt, inContainer(data, mountedAt))).toMatch(/mounted.* in use by another process.*stop/);
    const { client } = ann;
    client.at.api = client.at.io = owner.url;
    await ann.send(chat, "still there");
  });

  test("after SIGKILL the folder is free, for a container too", async () => {
    await owner.kill("SIGKILL");
    const mountedAt = join(folder, "mounted-later");
    mkdirSync(mountedAt);
    const contained = await nodeOn(mountedAt, inContainer(data, mountedAt));
    contained.launch();
    await contained.ready();
    expect(await refusal(data)).toMatch(inUse());
    await contained.kill("SIGKILL");
  });
});

describe("while it runs", () => {
  /** Sends until it is refused; answers what was not acknowledged. */
  async function sendUntilRefused(
    user: TestUser,
    where: { id: string },
    ledger: Ledger,
  ): Promise<{ name: string; text: string }> {
    for (let at = 0; at < 100_000; at++) {
      const name = newName();
      const text = `words of ${name} `.repeat(100);
      const began = Date.now();
      try {
        ledger.note(await user.send(where, text, name));
      } catch (error) {
        expect((error as Refused).code).toBe("unavailable");
        expect(Date.now() - began).toBeLessThan(patience);
        return { name, text };
      }
    }
    throw new Error("nothing was refused");
  }

  /** Sends what was refused until it is taken. */
  const sendAgain = (user: TestUser, where: { id: string }, { name, text }: { name: string; text: string }, ledger: Ledger) =>
    eventually(
      "it takes messages again",
      async () => {
        ledger.note(await user.send(where, text, name));
        return true;
      },
      { limit: 15_000 },
    );

  test("a full disk refuses what is to be stored, answers what is to be read, and takes more once there is room", async () => {
    const data = join(folder, "tmpfs");
    mkdirSync(data);
    const node = await nodeOn(data, onSmallDisk(data, 32));
    node.launch();
    await node.ready();
    const world = worldOf(node);
    const user = await world.user("ann");
    const group = await user.group([]);
    const ledger = new Ledger();
    for (let at = 0; at < 10; at++) ledger.note(await user.send(group, `before ${at}`));
    const inside = insideOf(node.pid, data);
    for (let round = 0; round < 2; round++) {
      const filling = join(inside, "filling");
      fill(filling);
      const refused = await sendUntilRefused(user, group, ledger);
      await ledger.compareWith(group, user);
      await expect(user.send(group, "no room", newName())).rejects.toThrow("unavailable");
      expect(readFileSync(node.log, "utf8")).toMatch(new RegExp(`ERROR CHAT: ${data}/chat.db .*disk is full. Free some space`));
      rmSync(filling);
      await sendAgain(user, group, refused, ledger);
      ledger.note(await user.send(group, `after ${round}`));
      await ledger.compareWith(group, user);
    }
    expect(readFileSync(node.log, "utf8").match(/INFO {2}CHAT: Changes are stored again/g)).toHaveLength(2);
    expect(await node.ended(0)).toBeUndefined();
    await node.kill("SIGTERM");
  });

  describe("on a disk that fails", () => {
    let disk: FaultyDisk;
    let world: World;
    let user: TestUser;
    let group: { id: string };
    const ledger = new Ledger();

    beforeAll(async () => {
      const data = join(folder, "faulty");
      mkdirSync(data);
      disk = new FaultyDisk(data);
      world = await embeddedWorld({ env: { ...disk.env, DATA_DIR: disk.root } });
      user = await world.user("ann");
      group = await user.group([]);
    });
    afterAll(async () => {
      await world.stop();
      disk.remove();
    });

    const recovered = { room: -1, roomError: ENOSPC, writeError: 0, syncError: 0 };
    test.each<[string, Faults]>([
      ["that is full", { room: 200_000 }],
      ["whose quota is used up", { room: 0, roomError: EDQUOT }],
      ["that cannot be written", { writeError: EIO }],
      ["whose fsync fails", { syncError: EIO }],
    ])("one %s refuses messages, and takes them again afterwards", async (_, faults) => {
      ledger.note(await user.send(group, "before"));
      disk.set(faults);
      const refused = await sendUntilRefused(user, group, ledger);
      await ledger.compareWith(group, user);
      disk.set(recovered);
      await sendAgain(user, group, refused, ledger);
      ledger.note(await user.send(group, "after"));
      await ledger.compareWith(group, user);
    });

    test("one that stands still answers reads, and what was sent is stored once when it goes on", async () => {
      disk.set({ frozen: 1 });
      const names = Array.from({ length: 5 }, newName);
      const sent = names.map((name) => user.send(group, `words of ${name}`, name).catch((error: unknown) => error as Error));
      await ledger.compareWith(group, user);
      disk.set({ frozen: 0 });
      await Promise.all(sent);
      for (const name of names) ledger.note(await user.send(group, `words of ${name}`, name));
      await ledger.compareWith(group, user);
    });

    test("a power cut after all that loses nothing", async () => {
      await world.kill("chat");
      const after = join(folder, "after-faults");
      const model = new Disk(disk.journal);
      model.advance(disk.position());
      model.write(after, { unsynced: "none" });
      const node = await nodeOn(after);
      node.launch();
      await node.ready();
      user.client.at.api = user.client.at.io = node.url;
      await ledger.compareWith(group, user);
      await node.kill("SIGTERM");
    });
  });
});
