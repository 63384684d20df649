// npm run bench: Confab beside bare servers of our own that do the same to the same store, in one run, as ratios.
//
//   --quick           each load for a second: does it run at all
//   --only <measure>  send, deliver, memory or pages; may be given several times
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
import { closeSockets, memoryOfIdle, openSockets, readPages, sendInPairs, sendToGroup } from "./loads.ts";
import { inTurn, printTable, row, rowsOf, type Row, type Tally } from "./measure.ts";
import { gatherInBaseline, gatherInConfab, signIn, type Crowd } from "./people.ts";
import { printProfile } from "./profile.ts";
import { runScript, startBaseline, startConfab, type Ground } from "./servers.ts";

const measures = ["send", "deliver", "memory", "pages"] as const;
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
  ? { seconds: 1, rounds: 1, pairs: 10, groups: [100], idle: 200, messages: 2000 }
  : { seconds: 4, rounds: 2, pairs: 50, groups: [100, 1000], idle: 2000, messages: 100_000 };

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
  if (wants("send") || wants("deliver") || memory) rows.push(...(await benchSockets(ground, memory)));
  if (wants("pages")) rows.push(...(await benchPages(ground)));
  printTable(title, rows);
}

async function benchSockets(ground: Ground, memory: boolean): Promise<Row[]> {
  const rows: Row[] = [];
  let spans: Tally["spans"] = [];
  const profiles = profileFolder(ground, "sockets");
  const baseline = await startBaseline(ground, "baseline.socket.ts", "bare-socket");
  const confab = await startConfab(ground, "confab", profiles);
  try {
    const groups = wants("deliver") ? size.groups : [];
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
    for (const members of groups) {
      say(`a group of ${members}`);
      rows.push(...rowsOf(`deliveries to a group of ${members}`, ...(await compare(crowds, members, sendToGroup))));
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
    const depths = () => 100 + Math.floor(Math.random() * (size.messages / 2));
    for (const [what, before] of [
      ["newest pages", () => undefined],
      ["pages from the depths", depths],
    ] as const) {
      say(what);
      const loads = [confab, baseline].map(
        (server) => (seconds: number) => readPages(server, { chatId, token, before }, seconds),
      );
      for (const run of loads) await run(Math.min(1, size.seconds));
      const [ours, theirs] = await inTurn(
        size.rounds,
        loads.map((run) => () => run(size.seconds)),
      );
      rows.push(...rowsOf(`${what} of ${size.messages.toLocaleString("en")} messages`, ours!, theirs!));
      spans.push(...ours!.spans);
    }
  } finally {
    await Promise.all([confab.stop(), baseline.stop()]);
  }
  if (profiles) printProfile(profiles, spans);
  return rows;
}

function profileFolder(ground: Ground, name: string): string | undefined {
  return options.profile ? join(ground.folder, `profile-${name}`) : undefined;
}

function say(what: string): void {
  console.error(`  ${((Date.now() - began) / 1000).toFixed(0).padStart(3)} s  ${what}`);
}
