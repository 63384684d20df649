// npm run bench: Confab beside bare servers of our own that do the same to the same store, in one run, as ratios.
//
//   --quick           each load for a second: does it run at all
//   --only <measure>  send, deliver, change, memory, pages, search or sync; may be given several times
//   --mongo           on MongoDB alone;   --embedded  on the embedded store alone.   Else both, as far as MongoDB can be had.
//   --profile         also prints what costs most of Confab's CPU, in sends and in pages; that run's figures say less

import { randomUUID } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { PartsUnavailable } from "../../tools/parts/part.ts";
import { startParts } from "../../tools/parts/parts.ts";
import { startWatchdog } from "../../tools/parts/watchdog.ts";
import { editInPairs, reactInGroup, receiptsInGroup } from "./changes.ts";
import { inParallel } from "./client.ts";
import { askAgain, closeSockets, memoryOfIdle, openSockets, sendInPairs, sendToGroup } from "./loads.ts";
import { inTurn, printTable, row, rowsAlone, rowsOf, type Row, type Tally } from "./measure.ts";
import { gatherInBaseline, gatherInConfab, openGroup, sendTo, signIn, syncFrom, type Crowd } from "./people.ts";
import { printProfile } from "./profile.ts";
import { runScript, startBaseline, startConfab, type BenchServer, type Ground } from "./servers.ts";

const measures = ["send", "deliver", "change", "memory", "pages", "search", "sync"] as const;
type Measure = (typeof measures)[number];

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", multiple: true, default: [] },
    mongo: { type: "boolean", default: false },
    embedded: { type: "boolean", default: false },
    profile: { type: "boolean", default: false },
  },
});
const unknown = options.only.find((name) => !(measures as readonly string[]).includes(name));
if (unknown) throw new Error(`--only ${unknown}: there are ${measures.join(", ")}`);
const wants = (measure: Measure) => options.only.length === 0 || options.only.includes(measure);

const size = options.quick
  ? { seconds: 1, rounds: 1, pairs: 10, groups: [100], idle: 200, messages: 2000, chats: 50 }
  : { seconds: 4, rounds: 2, pairs: 50, groups: [100, 1000], idle: 2000, messages: 100_000, chats: 500 };

const folder = mkdtempSync(join(tmpdir(), "confab-bench-"));
const watchdog = startWatchdog(folder, 0);
const embedded: Ground = { folder: join(folder, "embedded"), watchdog, mongoPids: () => [] };
const began = Date.now();
try {
  console.log(
    `${cpus().length} CPUs (${cpus()[0]?.model.trim()}), Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`,
  );
  console.log(
    `Load of the machine before: ${loadavg()[0]!.toFixed(1)}. Where others work on it too, only the ratios say something.`,
  );
  if (!options.mongo) await bench("embedded (NeDB)", embedded);
  if (!options.embedded) await benchOnMongo();
  console.log(`\nLoad of the machine after: ${loadavg()[0]!.toFixed(1)}. ${Math.round((Date.now() - began) / 1000)} s in all.`);
} finally {
  await watchdog.dismiss();
  rmSync(folder, { recursive: true, force: true });
}

async function benchOnMongo(): Promise<void> {
  const parts = await startParts().catch((error: unknown) => {
    if (!(error instanceof PartsUnavailable) || options.mongo) throw error;
    console.log(`\nMongoDB is left out: ${error.message.split("\n")[0]}`);
  });
  if (!parts) return;
  try {
    // One process needs nothing but the database.
    for (const part of [parts.rabbitmq, parts.redis]) if (part.pids().length > 0) await part.stop();
    const run = randomUUID().slice(0, 8);
    const mongoUrl = (database: string) => parts.mongoUrl.replace(/^([^:]+:\/\/[^/]+)\/?[^?]*/, `$1/bench-${run}-${database}`);
    const title = parts.mongodb.pids().length > 0 ? "MongoDB (its CPU counted too)" : "MongoDB (its CPU not counted)";
    await bench(title, { ...embedded, folder: join(folder, "mongo"), mongoUrl, mongoPids: () => parts.mongodb.pids() });
  } finally {
    await parts.stop();
  }
}

async function bench(title: string, ground: Ground): Promise<void> {
  mkdirSync(ground.folder, { recursive: true });
  const rows: Row[] = [];
  // A socket weighs the same whatever the database.
  const memory = wants("memory") && !ground.mongoUrl;
  if (wants("send") || wants("deliver") || wants("change") || memory) rows.push(...(await benchSockets(ground, memory)));
  if (wants("pages") || wants("search")) rows.push(...(await benchPages(ground)));
  if (wants("sync")) rows.push(...(await benchSync(ground)));
  printTable(title, rows);
}

async function benchSockets(ground: Ground, memory: boolean): Promise<Row[]> {
  const rows: Row[] = [];
  let spans: Tally["spans"] = [];
  const profiles = profileFolder(ground, "sockets");
  const baseline = await startBaseline(ground, "baseline.socket.ts", "bare-socket");
  const confab = await startConfab(ground, "confab", profiles);
  try {
    const groups = wants("deliver") || wants("change") ? size.groups : [];
    const people = Math.max(size.pairs * 2, ...groups, memory ? size.idle / 2 : 0);
    const crowdSize = { people, pairs: size.pairs, groups };
    say(`${people} people sign in`);
    const crowds = [await gatherInConfab(confab, crowdSize), gatherInBaseline(baseline, crowdSize)];

    if (memory) {
      say(`${size.idle} idle sockets`);
      const [ours, theirs] = [await memoryOfIdle(crowds[0]!, size.idle), await memoryOfIdle(crowds[1]!, size.idle)];
      rows.push(row("kB of memory per idle socket", ours / 1000, theirs / 1000, 1));
    }
    if (wants("send")) {
      say(`${size.pairs} pairs talk`);
      const [ours, theirs] = await compare(crowds, size.pairs * 2, sendInPairs);
      rows.push(...rowsOf("stored 1:1 sends", ours, theirs));
      spans = ours.spans;
    }
    for (const members of wants("deliver") ? groups : []) {
      say(`a group of ${members}`);
      rows.push(...rowsOf(`deliveries to a group of ${members}`, ...(await compare(crowds, members, sendToGroup))));
    }
    if (wants("change")) {
      const [small, large] = [groups[0]!, groups.at(-1)!];
      say("edits, reactions, receipts");
      rows.push(...rowsOf("edits", ...(await compare(crowds, size.pairs * 2, editInPairs))));
      rows.push(...rowsOf(`reactions in a group of ${large}`, ...(await compare(crowds, large, reactInGroup))));
      rows.push(...rowsOf(`receipts of ${small} in a group`, ...(await compare(crowds, small, receiptsInGroup))));
    }
  } finally {
    await Promise.all([confab.stop(), baseline.stop()]);
  }
  if (profiles) printProfile(profiles, spans);
  return rows;
}

/** The same load on both, with a short one first for which nothing is noted. */
async function compare(crowds: Crowd[], count: number, load: typeof sendInPairs): Promise<[confab: Tally, baseline: Tally]> {
  const sockets = [await openSockets(crowds[0]!, count), await openSockets(crowds[1]!, count)];
  const loads = crowds.map((crowd, at) => (seconds: number) => load(crowd, sockets[at]!, seconds));
  for (const run of loads) await run(Math.min(1, size.seconds));
  const [confab, baseline] = await inTurn(
    size.rounds,
    loads.map((run) => () => run(size.seconds)),
  );
  sockets.forEach(closeSockets);
  return [confab!, baseline!];
}

async function benchPages(ground: Ground): Promise<Row[]> {
  say(`a chat of ${size.messages} messages`);
  const chatId = randomUUID();
  const first = await startConfab(ground, "pages");
  const reader = await signIn(first);
  await first.stop();
  const args = ["--chat", chatId, "--user", reader.user.id, "--count", String(size.messages)];
  // In a process of its own before any server starts: an embedded store has one process, so the bare server reads a copy.
  const fill = (name: string) => runScript(ground, "seed.ts", name, args);
  await fill("pages");
  if (ground.mongoUrl) await fill("bare-http");
  else cpSync(join(ground.folder, "pages", "chat"), join(ground.folder, "bare-http", "chat"), { recursive: true });

  const baseline = await startBaseline(ground, "baseline.http.ts", "bare-http", ["--count", String(size.messages)]);
  const profiles = profileFolder(ground, "pages");
  const confab = await startConfab(ground, "pages", profiles);
  const rows: Row[] = [];
  const spans: Tally["spans"] = [];
  try {
    const token = reader.accessToken;
    const path = `/chats/${chatId}/messages`;
    const depths = () => `${path}?before=${100 + Math.floor(Math.random() * (size.messages / 2))}`;
    for (const [what, next] of [
      ["newest pages", () => path],
      ["pages from the depths", depths],
    ] as const) {
      if (!wants("pages")) break;
      say(what);
      const request = () => ({ path: next(), atLeast: 10_000 });
      const [ours, theirs] = await compareRequests([confab, baseline], [{ token, next: request }, { next: request }]);
      rows.push(...rowsOf(`${what} of ${size.messages.toLocaleString("en")} messages`, ours, theirs));
      spans.push(...ours.spans);
    }
    if (wants("search")) {
      say("search");
      // Every message has these words, so it is the newest that are found; the number is in one message.
      for (const [what, q] of [
        ["searches for common words", () => "quick brown f"],
        ["searches for one message", () => `message ${1 + Math.floor(Math.random() * size.messages)}`],
      ] as const) {
        const next = () => ({ path: `/search?q=${encodeURIComponent(q())}`, atLeast: 400 });
        await askAgain(confab, { token, next }, Math.min(1, size.seconds));
        rows.push(
          ...rowsAlone(`${what} in ${size.messages.toLocaleString("en")}`, await askAgain(confab, { token, next }, size.seconds)),
        );
      }
    }
  } finally {
    await Promise.all([confab.stop(), baseline.stop()]);
  }
  if (profiles) printProfile(profiles, spans);
  return rows;
}

/** Somebody in so many chats comes back, and one of them has gone on by one message. */
async function benchSync(ground: Ground): Promise<Row[]> {
  say(`${size.chats} chats, one of them changed`);
  const [confab, baseline] = [
    await startConfab(ground, "sync"),
    await startBaseline(ground, "baseline.http.ts", "bare-sync", ["--chats", String(size.chats)]),
  ];
  try {
    const reader = await signIn(confab);
    const token = reader.accessToken;
    const chatIds = await inParallel(size.chats, 8, () => openGroup(confab, token));
    await sendTo(confab, token, chatIds[0]!);
    const known = (ids: string[]) => ({ chats: Object.fromEntries(ids.map((id) => [id, 1])) });
    // Each chat is noted in one's own log, soon after it was made.
    let userRev = 0;
    while (userRev < size.chats) ({ userRev } = await syncFrom(confab, token, { userRev }));
    const ours = { path: "/sync", body: { ...known(chatIds), userRev }, atLeast: 300, atMost: 10_000 };
    const theirs = { path: "/sync", body: known(Array.from({ length: size.chats }, (_, at) => `chat-${at}`)), atLeast: 300 };
    const tallies = await compareRequests([confab, baseline], [{ token, next: () => ours }, { next: () => theirs }]);
    return rowsOf(`syncs of ${size.chats} chats with one changed`, ...tallies);
  } finally {
    await Promise.all([confab.stop(), baseline.stop()]);
  }
}

/** The same requests to both, with a few first for which nothing is noted. */
async function compareRequests(
  servers: BenchServer[],
  asks: Parameters<typeof askAgain>[1][],
): Promise<[confab: Tally, baseline: Tally]> {
  const loads = servers.map((server, at) => (seconds: number) => askAgain(server, asks[at]!, seconds));
  for (const run of loads) await run(Math.min(1, size.seconds));
  const [confab, baseline] = await inTurn(
    size.rounds,
    loads.map((run) => () => run(size.seconds)),
  );
  return [confab!, baseline!];
}

function profileFolder(ground: Ground, name: string): string | undefined {
  return options.profile ? join(ground.folder, `profile-${name}`) : undefined;
}

function say(what: string): void {
  console.error(`  ${((Date.now() - began) / 1000).toFixed(0).padStart(3)} s  ${what}`);
}
