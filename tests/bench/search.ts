// What it costs to make messages findable, and to find them among a million. See services/chat/search/README.md.
//
//   node tests/bench/search.ts                      a million messages, in the embedded store and in MongoDB
//   --messages <n>    so many on MongoDB;   --embedded <n>  so many in the embedded store; 0 leaves one out

import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import mongoose from "mongoose";
import { v7 as uuid } from "uuid";
import { FtsSearch } from "../../services/chat/search/fts/fts.search.ts";
import type { Said, Searched, SearchIndex } from "../../services/chat/search/index.ts";
import { StoreSearch } from "../../services/chat/search/store.search.ts";
import { readWanted, wordsOf } from "../../services/chat/search/words.ts";
import { startParts } from "../../tools/parts/parts.ts";
import { openDatabase } from "./baseline.store.ts";

const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "1000000" },
    embedded: { type: "string", default: "1000000" },
  },
});
const began = performance.now();
const pageSize = 20;
const putAtOnce = 100;
const putters = 4;
const seconds = 1000;

/** The same chance each time. Park and Miller's. */
let state = 42;
const chance = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
const below = (count: number): number => Math.floor(chance() * count);

/** Words as often as in what people write: the n-th a n-th as often as the first. */
const syllables = "ka to mi re sul an der ing ple cor sta ver lo qu ent ish bro fen ti gra mo pul sk ea war".split(" ");
const vocabulary = makeVocabulary(40_000);
const upTo = cumulate(vocabulary.length);

interface Chat extends Searched {
  kind: keyof typeof kinds;
  size: number;
}
const begins = Date.UTC(2026, 0, 1);
const span = 300 * 86_400_000;
/** A fifth of all messages in each kind: so many chats of so many, of a million. */
const kinds = {
  huge: { size: 200_000, chats: 1 },
  large: { size: 20_000, chats: 10 },
  middling: { size: 2_000, chats: 100 },
  small: { size: 200, chats: 1_000 },
  tiny: { size: 4, chats: 50_000 },
};
/** A word that one message in so many has. */
const rareEvery = 20_000;

async function bench(title: string, search: SearchIndex, count: number, disk: () => Promise<string>): Promise<void> {
  const chats = Object.entries(kinds).flatMap(([kind, { size, chats }]) => {
    // Of fewer messages the chats are smaller, and of the smallest there are fewer.
    const scale = count / 1_000_000;
    const [messages, many] = kind === "tiny" ? [size, Math.round(chats * scale)] : [Math.round(size * scale), chats];
    return Array.from({ length: many }, () => makeChat(kind as Chat["kind"], messages));
  });
  const wait = await fill(search, chats);
  console.log(`\n${title}: ${sum(chats.map(({ size }) => size)).toLocaleString("en")} messages in ${chats.length} chats`);
  console.log(`put: ${wait.cpu.toFixed(0)} us of this process's CPU a message, ${wait.rate.toFixed(0)}/s; ${await disk()}`);

  const some = (kind: Chat["kind"], many: number) => chats.filter((chat) => chat.kind === kind).slice(0, many);
  const people: Record<string, Chat[]> = {
    "2 chats": [...some("small", 1), ...some("middling", 1)],
    "500 chats": [...some("large", 2), ...some("middling", 20), ...some("small", 78), ...some("tiny", 400)],
    "1 huge chat": some("huge", 1),
  };
  const [common, second, third] = [vocabulary[2]!, vocabulary[30]!, vocabulary[300]!];
  const queries: Record<string, string> = {
    "common word": `${common} ${common}`,
    "rare word": "zarquon zarquon",
    "no such word": "qqqqqqqqq qqqqqqqqq",
    "two common words": `${common} ${second} ${second}`,
    "common and rare": `${common} zarquon zarquon`,
    "middling word": `${third} ${third}`,
    "beginning, 5 letters": vocabulary[2000]!.slice(0, 5),
    "beginning, 3 letters": vocabulary[300]!.slice(0, 3),
    "beginning, 1 letter": "k",
    "beginning, rare": "zarq",
    "beginning, none": "kazzz",
    "beginning, none, 2 letters": "zz",
  };
  for (const [who, mine] of Object.entries(people)) {
    const messages = sum(mine.map(({ size }) => size)).toLocaleString("en");
    console.log(`\n${`${who}, ${messages} messages`.padEnd(29)}  p50 ms  p99 ms  CPU ms   hits  more`);
    for (const [what, q] of Object.entries(queries)) {
      const waits: number[] = [];
      let found = await search.find({ chats: mine, ...readWanted(q), limit: pageSize });
      const cpu = process.cpuUsage();
      for (let at = 0, until = performance.now() + 2 * seconds; at < 100 && performance.now() < until; at++) {
        const from = performance.now();
        found = await search.find({ chats: mine, ...readWanted(q), limit: pageSize });
        waits.push(performance.now() - from);
      }
      const perSearch = since(cpu) / 1000 / waits.length;
      waits.sort((a, b) => a - b);
      const at = (part: number) => waits[Math.min(waits.length - 1, Math.floor(waits.length * part))]!.toFixed(1).padStart(8);
      console.log(
        `${what.padEnd(29)}${at(0.5)}${at(0.99)}${perSearch.toFixed(1).padStart(8)}${String(found.hits.length).padStart(7)}  ${found.next ? "yes" : "no"}`,
      );
    }
  }
}

function makeChat(kind: Chat["kind"], size: number): Chat {
  return { kind, size, chatId: uuid(), seqs: [{ from: 1, to: size }], latest: begins + Math.floor(span * chance()) };
}

/** Says everything in all chats in the order of time, as the projections of a node would. */
async function fill(search: SearchIndex, chats: readonly Chat[]): Promise<{ cpu: number; rate: number }> {
  const count = sum(chats.map(({ size }) => size));
  const [chatOf, seqOf, atOf] = [new Uint32Array(count), new Uint32Array(count), new Float64Array(count)];
  let last = 0;
  for (const [index, { size, latest }] of chats.entries())
    for (let seq = 1; seq <= size; seq++) {
      [chatOf[last], seqOf[last]] = [index, seq];
      atOf[last++] = begins + Math.floor(((latest - begins) * seq) / size);
    }
  const order = new Uint32Array(count).map((_, at) => at).sort((a, b) => atOf[a]! - atOf[b]!);
  let next = 0;
  let texts = 0;
  const cpu = process.cpuUsage();
  const from = performance.now();
  const work = async () => {
    while (next < count) {
      const some = order.subarray(next, (next += putAtOnce));
      const cpu = process.cpuUsage();
      const messages = [...some].map((at): Said => {
        const seq = seqOf[at]!;
        const { chatId } = chats[chatOf[at]!]!;
        return { chatId, seq, rev: seq + 1, by: `user-${below(5)}`, at: atOf[at]!, text: makeText() };
      });
      texts += since(cpu);
      await search.put(messages);
      if (Math.floor(next / 100_000) > Math.floor((next - putAtOnce) / 100_000)) say(`${next} messages`);
    }
  };
  await Promise.all(Array.from({ length: putters }, work));
  return { cpu: (since(cpu) - texts) / count, rate: (count * seconds) / (performance.now() - from) };
}

function makeText(): string {
  const words = Array.from({ length: 3 + below(18) }, () => vocabulary[pick()]!);
  if (below(rareEvery) === 0) words.push("zarquon");
  return `${words.join(" ")}.`;
}

function pick(): number {
  const wanted = chance() * upTo.at(-1)!;
  let [low, high] = [0, upTo.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (upTo[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

function makeVocabulary(count: number): string[] {
  const words = new Set<string>();
  while (words.size < count) words.add(Array.from({ length: 1 + below(4) }, () => syllables[below(syllables.length)]!).join(""));
  return [...words];
}

function cumulate(count: number): Float64Array {
  const sums = new Float64Array(count);
  for (let at = 0, total = 0; at < count; at++) sums[at] = total += 1 / (at + 1);
  return sums;
}

const sum = (numbers: number[]): number => numbers.reduce((a, b) => a + b, 0);
const since = (cpu: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(cpu);
  return user + system;
};
const perMessage = (bytes: number, messages: number): string => `${Math.round(bytes / messages)} bytes`;
const say = (what: string): void =>
  console.error(`  ${((performance.now() - began) / seconds).toFixed(0).padStart(4)} s  ${what}`);

const texts = Array.from({ length: 2000 }, makeText);
for (let round = 0; round < 5; round++) for (const text of texts) wordsOf(text);
const cpu = process.cpuUsage();
for (let round = 0; round < 5; round++) for (const text of texts) wordsOf(text);
console.log(
  `words of a text of ${Math.round(sum(texts.map(({ length }) => length)) / texts.length)} letters: ${(since(cpu) / 10_000).toFixed(1)} us`,
);

const count = { embedded: Number(values.embedded), mongo: Number(values.messages) };
if (count.embedded > 0) {
  const folder = mkdtempSync(join(tmpdir(), "confab-search-"));
  const search = FtsSearch.open({
    folder,
    epoch: "bench",
    log: { messagesBefore: async () => [], hasMessage: async () => true },
    logger: console,
  });
  const memory = () => process.memoryUsage.rss();
  const before = memory();
  await bench("embedded", search, count.embedded, async () => {
    const bytes = sum(readdirSync(folder).map((name) => statSync(join(folder, name)).size));
    return `${perMessage(bytes, count.embedded)} of file a message; memory grew by ${Math.round((memory() - before) / 1e6)} MB`;
  });
  console.log(`memory after the searches: ${Math.round((memory() - before) / 1e6)} MB more than before`);
  await search.close();
  rmSync(folder, { recursive: true });
}
if (count.mongo > 0) {
  const parts = await startParts();
  try {
    const database = await openDatabase({ mongo: parts.mongoUrl.replace(/\/(?=\?|$)/, "/search"), data: "" });
    await bench("MongoDB", await StoreSearch.open(database), count.mongo, async () => {
      const stats = await mongoose.connection.db!.command({ collStats: "chat.messageWords" });
      const bytes = [stats["storageSize"], stats["totalIndexSize"]].map(Number);
      return `${perMessage(bytes[0]!, count.mongo)} of documents and ${perMessage(bytes[1]!, count.mongo)} of indexes a message`;
    });
    await database.close();
  } finally {
    await parts.stop();
  }
}
