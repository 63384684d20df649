/* The file of the index: what is left of removed words, and what a kill, a power cut or damage does to it. */
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { v7 as uuid } from "uuid";
import { Engine } from "./engine.ts";
import { fileName, FtsSearch } from "./fts.search.ts";
import type { LoggedMessage, MessageLog } from "./filling.ts";
import { filesOf } from "./schema.ts";

const chats = Array.from({ length: 5 }, () => uuid());
/** A word that nothing else contains. */
const word = (kind: string, at: number) => `${kind}q${at.toString(36).padStart(5, "0")}zx`;

/** What the log of a store answers. */
class TestLog implements MessageLog {
  readonly messages = new Map<string, LoggedMessage>();
  reads = 0;

  say(at: number, text: string): LoggedMessage {
    const chatId = chats[at % chats.length]!;
    const seq = Math.floor(at / chats.length) + 1;
    const message = { chatId, seq, rev: seq + 1, by: "ann", at: 1000 + at, text, messageId: uuid(), isRemoved: false };
    this.messages.set(message.messageId, message);
    return message;
  }
  change(message: LoggedMessage, change: Partial<LoggedMessage>): LoggedMessage {
    return Object.assign(message, { rev: message.rev + 1000 }, change);
  }
  messagesBefore(messageId: string, limit: number): Promise<LoggedMessage[]> {
    this.reads++;
    const all = [...this.messages.values()].sort((a, b) => (a.messageId < b.messageId ? 1 : -1));
    return Promise.resolve(all.filter((message) => message.messageId < messageId).slice(0, limit));
  }
  hasMessage(chatId: string, seq: number): Promise<boolean> {
    return Promise.resolve([...this.messages.values()].some((message) => message.chatId === chatId && message.seq === seq));
  }
}

let log: TestLog;
let folder: string;
let warnings: string[];
let opened: { close(): Promise<void> | void }[];
const newFolder = () => mkdtempSync(join(folder, "case-"));
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "confab-search-"));
  [log, warnings, opened] = [new TestLog(), [], []];
});
afterEach(async () => {
  for (const one of opened) await one.close();
  rmSync(folder, { recursive: true });
});

async function open(inFolder: string, epoch = "one"): Promise<FtsSearch> {
  const logger = { info() {}, warn: (text: string) => void warnings.push(text) };
  const search = FtsSearch.open({ folder: inFolder, epoch, log, logger });
  opened.push(search);
  return search;
}

const searched = chats.map((chatId) => ({ chatId, seqs: [{ from: 1, to: 100_000 }], latest: 1e12 }));
async function count(search: FtsSearch, wanted: string): Promise<number> {
  return (await search.find({ chats: searched, words: [wanted], beginnings: [], limit: 100 })).hits.length;
}

/** What a process leaves that is killed now, in another folder. */
function copyFiles(from: string): string {
  const to = newFolder();
  for (const file of readdirSync(from)) copyFileSync(join(from, file), join(to, file));
  return to;
}

/** What the disk of a machine holds that stops now, if nothing after the copy reached it: it starts again with another boot id. */
function afterPowerCut(inFolder: string): void {
  const db = new DatabaseSync(join(inFolder, fileName));
  // While this connection is open its WAL stays.
  opened.push(db);
  db.exec("update meta set value = 'another boot' where name = 'boot'");
}

describe("removed words", () => {
  test("are in none of the files after scrub, and the others are found", async () => {
    const seed = Math.floor(Math.random() * 2 ** 31) || 1;
    let state = seed;
    const random = (below: number) => (state = (state * 48_271) % 2_147_483_647) % below;
    const search = await open(newFolder());
    const path = join(folder, readdirSync(folder)[0]!, fileName);
    const messages = Array.from({ length: 2500 }, (_, at) => log.say(at, `${word("first", at)} ${word("other", at)} hello`));
    for (let at = 0; at < messages.length; at += 100) await search.put(messages.slice(at, at + 100));
    const gone: string[] = [];
    const kept = new Map<number, string>();
    for (let round = 0; round < 40; round++) {
      const some = Array.from({ length: 30 }, () => random(messages.length)).filter((at) => messages[at]!.text !== "");
      for (const at of new Set(some)) {
        const message = messages[at]!;
        gone.push(...message.text.split(" ").slice(0, 2));
        kept.delete(at);
        const text = random(2) ? `${word(`edit${round}`, at)} ${"longer ".repeat(random(40))}${word(`more${round}`, at)}` : "";
        const [changed] = [log.change(message, { text })];
        if (text) kept.set(at, word(`edit${round}`, at));
        if (text) gone.push(word(`more${round}`, at));
        if (text) await search.put([{ ...changed, text: text.split(" ").slice(0, -1).join(" "), rev: changed.rev + 1 }]);
        else await search.remove([changed]);
        if (text) gone.pop();
      }
    }
    await search.removeChat(chats[0]!);
    for (const message of messages) if (message.chatId === chats[0]) gone.push(...message.text.split(" ").slice(0, 2));
    await search.scrub();
    const bytes = filesOf(path)
      .filter((file) => existsSync(file))
      .map((file) => readFileSync(file, "latin1"))
      .join("");
    const stay = new Set(messages.filter(({ chatId }) => chatId !== chats[0]).flatMap(({ text }) => text.split(" ")));
    const found = gone.filter((one) => one.length > 6 && !stay.has(one) && bytes.includes(one));
    expect([seed, found.length, found.slice(0, 5)]).toEqual([seed, 0, []]);
    for (const [at, edited] of kept)
      expect([edited, await count(search, edited)]).toEqual([edited, messages[at]!.chatId === chats[0] ? 0 : 1]);
  }, 120_000);

  test("leave the files by themselves soon after", async () => {
    const inFolder = newFolder();
    const search = await open(inFolder);
    const message = log.say(1, "zqremovedword stays");
    await search.put([message]);
    const holds = () =>
      filesOf(join(inFolder, fileName)).some((file) => existsSync(file) && readFileSync(file).includes("zqremovedword"));
    expect(holds()).toBe(true);
    await search.put([{ ...message, rev: 99, text: "stays" }]);
    const until = Date.now() + 10_000;
    while (holds() && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(holds()).toBe(false);
    expect(await count(search, "stays")).toBe(1);
  });

  test("of a chat whose removal was interrupted go when the file is opened", async () => {
    const inFolder = newFolder();
    const path = join(inFolder, fileName);
    const engine = new Engine({ path, epoch: "one" });
    engine.endFilling();
    const messages = Array.from({ length: 500 }, (_, at) => log.say(at * chats.length, "zqremovedword"));
    engine.write({ put: messages, removed: [], removedChats: [] });
    engine.write({ put: [], removed: [], removedChats: [chats[0]!] });
    engine.removeSome();
    engine.close();
    log.messages.clear();
    log.say(0, "");
    const search = await open(inFolder);
    await search.removeChat(chats[0]!);
    await search.scrub();
    expect(filesOf(path).some((file) => existsSync(file) && readFileSync(file).includes("zqremovedword"))).toBe(false);
  });
});

test("the files are readable by their owner only", async () => {
  const inFolder = newFolder();
  const search = await open(inFolder);
  await search.put([log.say(1, "word")]);
  const modes = filesOf(join(inFolder, fileName)).map((file) => statSync(file).mode & 0o777);
  expect(modes).toEqual([0o600, 0o600, 0o600]);
});

describe("an index that was opened before", () => {
  const texts = 700;
  let first: FtsSearch;
  let source: string;
  let messages: LoggedMessage[];

  beforeEach(async () => {
    source = newFolder();
    first = await open(source);
    await first.filled();
    messages = Array.from({ length: texts }, (_, at) => log.say(at, `${word("word", at)} common`));
    for (let at = 0; at < texts; at += 50) await first.put(messages.slice(at, at + 50));
    log.reads = 0;
  });

  const isComplete = async (search: FtsSearch) => {
    for (const at of [0, 1, 350, texts - 1])
      expect([at, await count(search, word("word", at))]).toEqual([
        at,
        messages[at]!.isRemoved || messages[at]!.text === "new" ? 0 : 1,
      ]);
  };

  test("has everything after it was closed, and reads nothing from the log", async () => {
    await first.close();
    const search = await open(source);
    await isComplete(search);
    expect([log.reads, warnings]).toEqual([0, []]);
  });

  test("has everything that was confirmed after the process was killed, and compares only the newest messages with the log", async () => {
    const search = await open(copyFiles(source));
    await isComplete(search);
    await search.filled();
    expect([log.reads, warnings]).toEqual([2, []]);
  });

  test("gets from the log what was not confirmed when the process was killed", async () => {
    const copy = copyFiles(source);
    for (let at = texts; at < texts + 150; at++) log.say(at, "unconfirmed");
    const search = await open(copy);
    await search.filled();
    expect(await count(search, "unconfirmed")).toBe(100);
    expect(log.reads).toBe(4);
    await isComplete(search);
  });

  test("gets from the log what a power cut took, and is searched in the meantime", async () => {
    const copy = copyFiles(source);
    const [edited, removed] = [messages[10]!, messages[20]!];
    await first.put([log.change(edited, { text: "new" })]);
    await first.remove([log.change(removed, { isRemoved: true, text: "" })]);
    const later = log.say(texts, "later");
    await first.put([later]);
    afterPowerCut(copy);
    const search = await open(copy);
    expect(await count(search, word("word", 0))).toBe(1);
    await search.filled();
    await isComplete(search);
    expect(await count(search, "new")).toBe(1);
    expect(await count(search, "later")).toBe(1);
    for (const one of [10, 20]) expect(await count(search, word("word", one))).toBe(0);
    // The next start has nothing to do.
    await search.close();
    log.reads = 0;
    await open(copy);
    expect(log.reads).toBe(0);
  });

  test("goes on with filling where the process was killed", async () => {
    await first.close();
    const path = join(source, fileName);
    const engine = new Engine({ path, epoch: "one" });
    const half = [...log.messages.values()].map(({ messageId }) => messageId).sort()[texts / 2]!;
    engine.write({ put: [], removed: [], removedChats: [], fromLog: true, filledTo: half });
    engine.close();
    const search = await open(source);
    await search.filled();
    expect(log.reads).toBe(Math.ceil(texts / 2 / 100) + 1);
  });

  test.each<[string, (path: string) => void]>([
    ["is missing", (path) => rmSync(path)],
    ["is empty", (path) => truncateSync(path, 0)],
    ["is cut short", (path) => truncateSync(path, Math.floor(statSync(path).size / 2 / 4096) * 4096)],
    ["has another beginning", (path) => overwrite(path, 0, 4096)],
    ["has garbage within", (path) => overwrite(path, 4096 * 3, statSync(path).size)],
    ["is of another version", (path) => change(path, "pragma user_version = 99")],
    ["lacks a table", (path) => change(path, "drop table meta")],
    ["lacks a table that is written only", (path) => change(path, "drop table blocks")],
  ])("is filled again from the log if its file %s", async (_what, damage) => {
    await first.close();
    damage(join(source, fileName));
    const search = await open(source);
    await search.find({ chats: searched, words: ["common"], beginnings: [], limit: 5 });
    await search.filled();
    await isComplete(search);
    await search.put([log.say(texts, "after")]);
    expect(await count(search, "after")).toBe(1);
  });

  test("is filled again if it is of another epoch", async () => {
    await first.close();
    const search = await open(source, "two");
    await search.filled();
    await isComplete(search);
    expect(log.reads).toBeGreaterThan(0);
  });

  test("is filled again if its WAL was deleted after the process was killed", async () => {
    const copy = copyFiles(source);
    rmSync(join(copy, `${fileName}-wal`));
    const search = await open(copy);
    await search.filled();
    await isComplete(search);
    expect(log.reads).toBeGreaterThan(0);
  });

  test("is filled again if it has messages that the log does not have", async () => {
    await first.put([{ ...log.say(texts, "lost"), seq: 99_999 }]);
    await first.close();
    const search = await open(source);
    await search.filled();
    await isComplete(search);
    expect(warnings).toHaveLength(1);
    expect(await count(search, "lost")).toBe(1);
  });

  test("finds the latest first although it was filled from the end", async () => {
    await first.close();
    rmSync(join(source, fileName));
    const search = await open(source);
    const late = Array.from({ length: 30 }, (_, at) => log.say(texts + at, "common"));
    await search.put(late);
    await search.filled();
    const found = [];
    let since;
    do {
      const { hits, next } = await search.find({ chats: searched, words: ["common"], beginnings: [], limit: 100, since });
      found.push(...hits.map(({ at }) => at - 1000));
      since = next;
    } while (since);
    expect(found).toEqual(Array.from({ length: texts + 30 }, (_, at) => texts + 29 - at));
  });
});

function overwrite(path: string, from: number, to: number): void {
  const bytes = readFileSync(path);
  bytes.fill(0xa5, from, to);
  writeFileSync(path, bytes);
}

function change(path: string, sql: string): void {
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
}
