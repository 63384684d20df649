// What is read: pages of a long chat, searches in it, and what a client missed.

import { randomUUID } from "node:crypto";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { inParallel } from "./client.ts";
import { askAgain, type Asks } from "./loads.ts";
import { inTurn, rowsOf, type Tally } from "./measure.ts";
import { options, say, size, wants } from "./options.ts";
import { openGroup, sendTo, signIn, syncFrom } from "./people.ts";
import { printProfile, profileFolder } from "./profile.ts";
import type { Report, Row } from "./report.ts";
import { runScript, startBaseline, startConfab, type BenchServer, type Ground } from "./servers.ts";

/** A server, and who reads from it. */
interface Reader {
  server: BenchServer;
  token?: string;
}

export async function benchPages(ground: Ground, report: Report): Promise<void> {
  if (!(wants("pages") || wants("search"))) return;
  await report.measure(
    "pages, searches",
    async () => {
      say(`a chat of ${size.messages} messages`);
      const chatId = randomUUID();
      const token = await fillChat(ground, "pages", chatId);
      const theirToken = options.against ? await fillChat(ground, "other-pages", chatId, options.against) : undefined;
      const profileTo = profileFolder(ground, "pages");
      const baseline = options.against
        ? await startConfab(ground, "other-pages", { root: options.against })
        : await startBarePages(ground, chatId);
      const confab = await startConfab(ground, "pages", { profileTo });
      const readers: [Reader, Reader] = [
        { server: confab, token },
        { server: baseline, ...(theirToken === undefined ? {} : { token: theirToken }) },
      ];
      const spans: Tally["spans"] = [];
      try {
        if (wants("pages")) spans.push(...(await measurePages(readers, chatId, report)));
        if (wants("search")) await measureSearch(options.against ? readers : [readers[0]], report);
      } finally {
        await Promise.all([confab.stop(), baseline.stop()]);
      }
      if (profileTo) printProfile(profileTo, spans);
    },
    30 * 60_000,
  );
}

/** Somebody signs up and gets a chat of many messages. The script has the store to itself, since embedded it is of one process. */
async function fillChat(ground: Ground, name: string, chatId: string, root?: string): Promise<string> {
  const server = await startConfab(ground, name, { root });
  const { user, accessToken } = await signIn(server);
  await server.stop();
  await runScript(ground, "seed.ts", name, ["--chat", chatId, "--user", user.id, "--count", String(size.messages)], root);
  return accessToken;
}

/** The bare server reads a copy of the same store. */
async function startBarePages(ground: Ground, chatId: string): Promise<BenchServer> {
  const count = String(size.messages);
  if (ground.mongoUrl)
    await runScript(ground, "seed.ts", "bare-http", ["--chat", chatId, "--user", randomUUID(), "--count", count]);
  else cpSync(join(ground.folder, "pages"), join(ground.folder, "bare-http"), { recursive: true });
  return startBaseline(ground, "baseline.http.ts", "bare-http", ["--count", count]);
}

async function measurePages(readers: readonly Reader[], chatId: string, report: Report): Promise<Tally["spans"]> {
  const spans: Tally["spans"] = [];
  const path = `/chats/${chatId}/messages`;
  const old = () => `${path}?before=${100 + Math.floor(Math.random() * (size.messages / 2))}`;
  for (const [name, next] of [
    ["newest pages", () => path],
    ["old pages", old],
  ] as const) {
    const what = `${name} of ${size.messages.toLocaleString("en")} messages`;
    await report.measure(what, async () => {
      say(what);
      const [ours, theirs] = await compareReads(readers, () => ({ path: next(), atLeast: 10_000 }));
      spans.push(...ours.spans);
      return rowsOf(what, ours, theirs);
    });
  }
  return spans;
}

async function measureSearch(readers: readonly Reader[], report: Report): Promise<void> {
  // Numbers of full length, so that each is in one message.
  const number = () => Math.floor(size.messages * (0.1 + 0.9 * Math.random()));
  for (const [name, q] of [
    ["searches for words of all messages", () => "quick brown f"],
    ["searches for a number of one message", () => `message ${number()}`],
  ] as const) {
    const what = `${name} of ${size.messages.toLocaleString("en")}`;
    await report.measure(what, async () => {
      say(what);
      // A search may end with a cursor before it found anything; then it goes on there.
      const path = () => `/search?q=${encodeURIComponent(q())}`;
      const [ours, theirs] = await compareReads(readers, () => ({ path: path(), atLeast: 400, byCursor: true }));
      return rowsOf(what, ours, theirs);
    });
  }
}

/** An account of many chats comes back, and one of them has gone on by one message. */
export async function benchSync(ground: Ground, report: Report): Promise<void> {
  if (!wants("sync")) return;
  const what = `syncs of ${size.chats} chats with one changed`;
  await report.measure(
    what,
    async () => {
      say(what);
      const profileTo = profileFolder(ground, "sync");
      const confab = await startConfab(ground, "sync", { profileTo });
      const baseline = options.against
        ? await startConfab(ground, "other-sync", { root: options.against })
        : await startBaseline(ground, "baseline.http.ts", "bare-sync", ["--chats", String(size.chats)]);
      let rows: Row[] = [];
      let spans: Tally["spans"] = [];
      try {
        const bareIds = Array.from({ length: size.chats }, (_, at) => `chat-${at}`);
        const asks = [
          await prepareSync(confab),
          options.against
            ? await prepareSync(baseline)
            : { next: () => ({ path: "/sync", body: { chats: knownOf(bareIds) }, atLeast: 300 }) },
        ];
        const [ours, theirs] = await compareRequests([confab, baseline], asks);
        rows = rowsOf(what, ours, theirs);
        spans = ours.spans;
      } finally {
        await Promise.all([confab.stop(), baseline.stop()]);
      }
      if (profileTo) printProfile(profileTo, spans);
      return rows;
    },
    15 * 60_000,
  );
}

const knownOf = (chatIds: string[]) => Object.fromEntries(chatIds.map((id) => [id, 1]));

async function prepareSync(server: BenchServer): Promise<Asks> {
  const { accessToken: token } = await signIn(server);
  const chatIds = await inParallel(size.chats, 8, () => openGroup(server, token));
  await sendTo(server, token, chatIds[0]!);
  // Each chat is noted in the log of the user, soon after it was made.
  let userRev = 0;
  while (userRev < size.chats) ({ userRev } = await syncFrom(server, token, { userRev }));
  const body = { chats: knownOf(chatIds), userRev };
  return { token, next: () => ({ path: "/sync", body, atLeast: 300, atMost: 10_000 }) };
}

const compareReads = (readers: readonly Reader[], next: Asks["next"]) =>
  compareRequests(
    readers.map(({ server }) => server),
    readers.map(({ token }) => ({ next, ...(token === undefined ? {} : { token }) })),
  );

/** The same requests to all, with a few first that are not counted. */
async function compareRequests(servers: BenchServer[], asks: Asks[]): Promise<[confab: Tally, baseline: Tally | undefined]> {
  const loads = servers.map((server, at) => (seconds: number) => askAgain(server, asks[at]!, seconds));
  for (const run of loads) await run(Math.min(1, size.seconds));
  const [confab, baseline] = await inTurn(
    size.rounds,
    loads.map((run) => () => run(size.seconds)),
  );
  return [confab!, baseline];
}
