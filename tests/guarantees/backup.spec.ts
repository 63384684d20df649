// A store that goes back to a backup while clients are connected: they start over under its new epoch (section 6).

import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { createClient, memoryStorage, type Client } from "@confab/sdk";
import { expectDense } from "../support/ledger.ts";
import { newName, type TestUser } from "../support/user.ts";
import { eventually } from "../support/wait.ts";
import { embeddedWorld, type World } from "../support/world.ts";

const scripts = join(__dirname, "..", "..", "tools", "backup");
let world: World;
const clients: Client[] = [];

beforeAll(async () => (world = await embeddedWorld()));
afterAll(async () => {
  for (const client of clients) client.close();
  rmSync(backup(), { recursive: true, force: true });
  await world?.stop();
});

const dataDir = () => join(dirname(world.node("chat").log), "data");
const backup = () => `${dirname(world.node("chat").log)}-backup`;

async function run(command: "backup" | "restore", ...args: string[]): Promise<void> {
  const child = spawn(process.execPath, [join(scripts, `${command}.ts`), ...args], {
    env: { ...process.env, DATA_DIR: dataDir(), MONGO_URL: "", TRANSPORTER: "", NODE_ENV: "test" },
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += String(text)));
  const [code] = (await once(child, "close")) as [number | null];
  expect({ code, said }).toEqual({ code: 0, said: expect.any(String) });
}

/** The client library, signed in as this person. */
async function clientOf(user: TestUser): Promise<Client> {
  const client = createClient({ url: world.doors[0]!.api, storage: memoryStorage(), getToken: async () => user.client.token! });
  clients.push(client);
  client.connect();
  await eventually(`the client of ${user.name} has caught up`, () => client.get().synced);
  return client;
}

test("connected clients converge on the restored store: what came after the backup is gone, what was unsent arrives once", async () => {
  const [ann, bob, cy] = [await world.user("ann"), await world.user("bob"), await world.user("cy")];
  const chat = await ann.group([bob, cy], { title: "before" });
  const [anns, bobs] = [await clientOf(ann), await clientOf(bob)];
  const socket = await cy.socket();
  const earlier = await cy.sync();
  const kept = await ann.send(chat, "kept");
  await eventually("both hold it", () => [anns, bobs].every((one) => one.get().chats.get(chat.id)?.rev === kept.rev));

  // Writes go on while it is copied.
  let isLoading = true;
  let [sent, longest] = [0, 0];
  const load = [ann, bob, cy].map(async (person) => {
    while (isLoading) {
      const began = performance.now();
      await person.send(chat, `load ${++sent}`);
      longest = Math.max(longest, performance.now() - began);
    }
  });
  await run("backup", backup());
  isLoading = false;
  await Promise.all(load);

  const late = await world.user("late");
  const lost = await bob.group([ann, cy], { title: "lost" });
  const name = newName();
  for (let at = 0; at < 50; at++) await bob.send(chat, `lost ${at}`, at === 0 ? name : newName());
  const end = (await ann.entries(chat)).at(-1)!.rev;
  const holds = (client: Client, chatId: string) => client.get().chats.get(chatId)?.rev;
  await eventually("both hold what will be lost", () =>
    [anns, bobs].every((one) => holds(one, chat.id) === end && holds(one, lost.id) !== undefined),
  );
  anns.markRead(chat.id);

  await world.kill("chat", "SIGKILL");
  const unsent = [1, 2, 3].map((at) => anns.send(chat.id, `unsent ${at}`));
  const toLostChat = anns.send(lost.id, "to a chat that is lost").catch((err: { code?: string }) => err.code);
  await run("restore", backup(), "--replace");
  await world.revive("chat");

  // Unsent messages take their places in the restored log, each once.
  const arrived = await Promise.all(unsent);
  expect(await toLostChat).toBe("chat.not_found");
  const fresh = await bob.send(chat, "fresh");
  const again = await bob.send(chat, "lost 0", name);
  const log = await ann.entries(chat);
  expectDense(log);
  expect(log.at(-1)).toMatchObject({ rev: again.rev });
  const history = await ann.history(chat);
  const texts = history.map(({ text }) => text);
  expect(history.map(({ id }) => id)).toEqual(expect.arrayContaining([kept.id, fresh.id, ...arrived.map(({ id }) => id)]));
  expect(texts.filter((text) => text.startsWith("unsent"))).toEqual(["unsent 1", "unsent 2", "unsent 3"]);
  // A retry of what was lost is a message like any other.
  expect(texts.filter((text) => text.startsWith("lost"))).toEqual(["lost 0"]);

  // The clients of before hold what one holds that starts now.
  for (const [person, client] of [
    [ann, anns],
    [bob, bobs],
  ] as const) {
    const state = () => client.get().chats.get(chat.id);
    await eventually(`the client of ${person.name} converges`, () => state()?.rev === again.rev);
    const held = state()!.messages;
    expect(held.map(({ id, text }) => [id, text])).toEqual(history.slice(-held.length).map(({ id, text }) => [id, text]));
    expect(state()!.outgoing).toEqual([]);
    expect(client.get().chats.has(lost.id)).toBe(false);
    expect(state()!.chat.me.readSeq).toBeLessThanOrEqual(state()!.chat.lastSeq);
    const started = (await clientOf(person)).get();
    expect([...client.get().chats.keys()].sort()).toEqual([...started.chats.keys()].sort());
    expect(state()!.chat).toEqual(started.chats.get(chat.id)!.chat);
  }

  // A client of the interface itself: its socket, once it is connected again, and its next sync name the new epoch.
  const ready = await socket.waitFor("ready", ({ epoch }) => epoch !== earlier.epoch);
  const known = { epoch: earlier.epoch, userRev: earlier.userRev, chats: { [chat.id]: end } };
  const page = await cy.sync(known);
  expect(page.epoch).not.toBe(earlier.epoch);
  expect(page.chats).toMatchObject([{ chatId: chat.id, rev: again.rev, reset: true }]);
  expect(page.epoch).toBe(ready.epoch);
  await expect(late.call("user.me.get", {})).rejects.toMatchObject({ code: "unauthenticated" });

  // Search, which no backup contains, finds what is there again.
  await eventually("search finds what was restored", async () => {
    const { items } = await cy.call("chat.search.find", { q: "kept" });
    return items.length === 1;
  });
  expect((await cy.call("chat.search.find", { q: "lost" })).items).toHaveLength(1);
  console.log(`${sent} sends while the backup was made, the slowest took ${Math.round(longest)} ms`);
});
