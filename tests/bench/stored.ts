// What a process costs that has much in its store: start-up time, memory, disk, and reads, for stores of several sizes.

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { inParallel } from "./client.ts";
import { Asker } from "./loads.ts";
import { show } from "./measure.ts";
import { say, size, wants } from "./options.ts";
import { chatsOf, signIn } from "./people.ts";
import { Report, type Row } from "./report.ts";
import { runScript, scriptLimitMs, startConfab, type BenchServer, type Ground } from "./servers.ts";

/** Starts of which the median counts. */
const starts = 5;
/** Requests that a figure is the mean of. */
const asked = 200;
const mb = 1_000_000;

const figures = {
  start: "start to ready, ms (median)",
  memoryAtStart: "MB of memory after the start",
  memoryAfterReads: "MB of memory after reads in all chats",
  disk: "bytes on disk per message",
  newest: "newest page, ms of CPU",
  old: "old page, ms of CPU",
  search: "first page of a search, ms of CPU",
};
type Figures = Partial<Record<keyof typeof figures, string>>;

/** A table of its own: a column for each size. `root`: another checkout. Embedded alone, since on MongoDB it is another process that keeps all. */
export async function benchStored(title: string, ground: Ground, root?: string): Promise<Report | undefined> {
  if (!wants("stored") || ground.mongoUrl) return undefined;
  const sizes = [0, ...size.stored];
  const named = sizes.map((messages) => (messages === 0 ? "empty" : messages.toLocaleString("en")));
  const report = new Report(`${title}, messages in ${size.storedChats.toLocaleString("en")} chats`, named);
  const columns: Figures[] = [];
  for (const [at, messages] of sizes.entries()) {
    const column: Figures = {};
    columns.push(column);
    const name = `${root === undefined ? "" : "other-"}stored-${messages}`;
    const limitMs = scriptLimitMs + 10 * 60_000;
    await report.measure(`with ${named[at]} messages`, () => measureStored(ground, name, messages, column, root), limitMs);
  }
  report.add(
    ...Object.entries(figures).map(([key, what]): Row => {
      return { what, cells: columns.map((column) => column[key as keyof typeof figures] ?? "") };
    }),
  );
  return report;
}

async function measureStored(ground: Ground, name: string, messages: number, column: Figures, root: string | undefined) {
  say(`a store of ${messages} messages`);
  const folder = join(ground.folder, name);
  const first = await startConfab(ground, name, { root });
  const { user, accessToken: token } = await signIn(first);
  await first.stop();
  const before = bytesIn(folder);
  if (messages > 0) {
    const args = ["--user", user.id, "--count", String(messages), "--chats", String(size.storedChats)];
    await runScript(ground, "seed.ts", name, args, root);
    column.disk = show((bytesIn(folder) - before) / messages);
  }
  say("starts");
  const times: number[] = [];
  for (let at = 0; ; at++) {
    const began = performance.now();
    const server = await startConfab(ground, name, { root });
    times.push(performance.now() - began);
    try {
      if (at + 1 < starts) continue;
      column.start = show(times.sort((a, b) => a - b)[Math.floor(starts / 2)]!);
      column.memoryAtStart = show((await server.memory()) / mb);
      if (messages > 0) await measureReads(server, token, messages, column);
      return;
    } finally {
      await server.stop();
    }
  }
}

async function measureReads(server: BenchServer, token: string, messages: number, column: Figures): Promise<void> {
  say("reads");
  const chatIds = await chatsOf(server, token);
  if (chatIds.length !== size.storedChats) throw new Error(`${chatIds.length} chats are listed of ${size.storedChats}`);
  const each = messages / size.storedChats;
  const asker = new Asker(server, token);
  const some = () => chatIds[Math.floor(Math.random() * chatIds.length)]!;
  const newest = (chatId: string) => ({ path: `/chats/${chatId}/messages`, atLeast: 1000 });
  const old = (chatId: string) => ({
    path: `${newest(chatId).path}?before=${Math.ceil(each * (0.1 + 0.4 * Math.random()))}`,
    atLeast: 100,
  });
  const number = () => Math.floor(each * (0.1 + 0.9 * Math.random()));
  const search = () => ({ path: `/search?q=${encodeURIComponent(`message ${number()}`)}`, atLeast: 400, byCursor: true });
  const cost = async (next: () => Parameters<Asker["ask"]>[0]) => {
    for (let at = 0; at < asked / 10; at++) await asker.ask(next());
    const before = server.cpu();
    for (let at = 0; at < asked; at++) await asker.ask(next());
    return show(((server.cpu() - before) * 1000) / asked, 2);
  };
  try {
    await inParallel(chatIds.length, 8, async (at) => {
      await asker.ask(newest(chatIds[at]!));
      await asker.ask(old(chatIds[at]!));
    });
    column.newest = await cost(() => newest(some()));
    column.old = await cost(() => old(some()));
    column.search = await cost(search);
    column.memoryAfterReads = show((await server.memory()) / mb);
  } finally {
    asker.close();
  }
}

function bytesIn(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  return files.reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0);
}
