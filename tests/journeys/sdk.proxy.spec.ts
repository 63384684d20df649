import { join } from "node:path";
import { createClient, memoryStorage, type ChatState, type Client } from "@confab/sdk";
import { build } from "esbuild";
import { chromium, type Browser, type Page } from "playwright-core";
import { chromiumOptions, describeWithBrowser } from "../support/browser.ts";
import { chatter, type Chatter } from "../support/chatter.ts";
import { LossyProxy } from "../support/lossy.ts";
import { seededRandom } from "../support/random.ts";
import { eventually } from "../support/wait.ts";
import { describeWorlds, embeddedWorld, type World } from "../support/world.ts";

/*
 * The client on a network that loses a fifth of all socket messages and cuts every connection after two seconds. When it
 * is over, both people's clients hold what the log holds.
 */

const talkFor = 20_000;
/** What may be refused: somebody else was faster, or the chat is full of it. */
const harmless = ["chat.message_deleted", "chat.too_many_pins", "offline"];

/** A code that was mailed to a new address. */
async function mailedCode(url: string, email: string): Promise<string> {
  return eventually(`a code for ${email}`, async () => {
    const response = await fetch(`${url}/dev/inbox?to=${encodeURIComponent(email)}`);
    const { items } = (await response.json()) as { items: { text: string }[] };
    return /\b\d{6}\b/.exec(items[0]?.text ?? "")?.[0];
  });
}

/** What the law speaks of: what was loaded of a chat besides is as one has scrolled. */
const logOf = ({ chat, rev, messages, outgoing, typing }: ChatState) => ({ chat, rev, messages, outgoing, typing });

/** A client of the same person that was never away and starts with nothing. */
async function freshOf(url: string, getToken: () => Promise<string>): Promise<Client> {
  const fresh = createClient({ url, storage: memoryStorage(), getToken });
  fresh.connect();
  await eventually("a fresh client has caught up", () => fresh.get().synced);
  return fresh;
}

/** Every number was sent once, and what one person wrote came in the order of its writing. */
function expectSent(messages: ChatState["messages"], senderId: string, sent: number): void {
  const own = messages.filter((message) => message.senderId === senderId);
  expect(own).toHaveLength(sent);
  const numbers = own.filter(({ deletedAt }) => deletedAt === null).map(({ data }) => data["n"] as number);
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
}

/** Whether the network was as bad as it should be. */
const wasBad = ({ cuts, lost }: LossyProxy) => cuts > 4 && lost.down > 20 && lost.up > 5;

function expectBad({ cuts, lost }: LossyProxy): void {
  expect(cuts).toBeGreaterThan(4);
  expect(lost.down).toBeGreaterThan(20);
  expect(lost.up).toBeGreaterThan(5);
}

/** No log tells who is typing: it ends by itself, a while after it was said. */
const nobodyTypes = (...states: (() => ChatState)[]) =>
  eventually("nobody is typing any more", () => states.every((state) => state().typing.length === 0));

let world: World;
let random: () => number;
const clients: Client[] = [];
const openNetwork = () => LossyProxy.open({ ...world.doors[0]!, loss: 0.2, cutAfter: 2000, random });

beforeAll(() => void (random = seededRandom()));
afterEach(() => clients.splice(0).forEach((client) => client.close()));

describeWorlds("the client on a bad network, in Node", {}, (open) => {
  beforeAll(async () => (world = await open()));
  afterAll(() => world?.stop());

  test("two clients end up with what the log holds", async () => {
    const [door] = world.doors;
    const network = await openNetwork();
    try {
      const [ann, bob] = await Promise.all(
        ["ann", "bob"].map(async (name) => {
          const client = createClient({ url: network.url, storage: memoryStorage() });
          clients.push(client);
          const email = `${name}.${random()}@example.test`;
          const { flowId } = await client.requestCode(email);
          await client.verify({ flowId, code: await mailedCode(door!.api, email), name });
          client.connect();
          return client;
        }),
      );
      const memberIds = [bob!.get().user!.id];
      const chat = await ann!.call("chat.chat.create", { type: "group", memberIds, title: "bad network" });
      for (const client of [ann!, bob!]) await eventually("the chat is there", () => client.get().chats.has(chat.id));

      network.spoil();
      const talks = [ann!, bob!].map(() => ({ sent: 0, refused: [] as string[] }));
      // By chance little may get lost: then they talk on.
      for (let turn = 0; turn === 0 || (turn < 5 && !wasBad(network)); turn++) {
        const spoken = await Promise.all(
          [ann!, bob!].map((client, at) => {
            const first = talks[at]!.sent + 1;
            return chatter(client, chat.id, { ms: turn === 0 ? talkFor : talkFor / 4, seed: 10 * turn + at + 1, first });
          }),
        );
        for (const [at, { sent, refused }] of spoken.entries()) {
          talks[at]!.sent += sent;
          talks[at]!.refused.push(...refused);
        }
      }
      expectBad(network);
      network.heal();

      for (const [at, client] of [ann!, bob!].entries()) {
        expect(talks[at]!.refused.filter((word) => !harmless.includes(word))).toEqual([]);
        client.leaveWindow(chat.id);
        await client.sync();
        client.markRead(chat.id);
      }
      for (const [at, client] of [ann!, bob!].entries()) {
        const held = () => client.get().chats.get(chat.id)!;
        // A connection of before may have lost its `ready`: then it is given up, and tried again after a while.
        await eventually(
          () => `nothing is on its way: ${JSON.stringify({ ...client.get(), chats: { ...held(), messages: [] } })}`,
          async () => {
            const { unreadCount } = await client.call("chat.chat.get", { chatId: chat.id });
            return unreadCount === 0 && held().outgoing.length === 0 && client.get().connection === "online";
          },
          { limit: 60_000 },
        );
        const fresh = await freshOf(network.url, () => client.getToken());
        clients.push(fresh);
        await client.sync();
        for (const one of [client, fresh]) while (await one.loadOlder(chat.id));
        for (const one of [client, fresh]) await one.loadReceipts(chat.id);
        await nobodyTypes(held, () => fresh.get().chats.get(chat.id)!);
        const truth = fresh.get().chats.get(chat.id)!;
        expect(logOf(held())).toEqual(logOf(truth));
        expect(held().receipts).toEqual(truth.receipts);
        expectSent(truth.messages, client.get().user!.id, talks[at]!.sent);
        expect(truth.messages.length).toBeGreaterThan(50);
      }
    } finally {
      await network.close();
    }
  });
});

describeWithBrowser("the client on a bad network, in Chromium", () => {
  beforeAll(async () => {
    world = await embeddedWorld();
  });
  afterAll(() => world?.stop());

  test("two clients end up with what the log holds, also over a reload", async () => {
    const network = await openNetwork();
    let browser: Browser | undefined;
    try {
      const bundle = await bundleClient();
      browser = await chromium.launch(chromiumOptions);
      const [ann, bob] = await Promise.all(["ann", "bob"].map((name) => enter(browser!, bundle, network.url, name)));
      const chatId = await ann!.page.evaluate(
        async (memberId) => (await window.client.call("chat.chat.create", { type: "group", memberIds: [memberId] })).id,
        bob!.id,
      );
      const hasChat = (page: Page) =>
        eventually(
          "the chat is there",
          () =>
            page.evaluate((id) => {
              const { chats, ...rest } = window.client.get();
              if (!chats.has(id)) throw new Error(JSON.stringify(rest));
              return true;
            }, chatId),
          { limit: 90_000 },
        );
      await Promise.all([ann!, bob!].map(({ page }) => hasChat(page)));

      network.spoil();
      const talks = await Promise.all(
        [ann!, bob!].map(async ({ page }, at) => {
          const before = await talk(page, chatId, { ms: talkFor / 2, seed: at + 3, first: 1 }, false);
          // What is on its way now is sent by the page that comes next.
          await eventually("the page is there again", () => page.reload());
          await hasChat(page);
          const after = await talk(page, chatId, { ms: talkFor / 2, seed: at + 5, first: before.sent + 1 }, true);
          return { sent: before.sent + after.sent, refused: [...before.refused, ...after.refused] };
        }),
      );
      expectBad(network);
      network.heal();
      for (const [at, { page, id }] of [ann!, bob!].entries()) {
        expect(talks[at]!.refused.filter((word) => !harmless.includes(word))).toEqual([]);
        await page.evaluate(async (chat) => {
          window.client.leaveWindow(chat);
          await window.client.sync();
          window.client.markRead(chat);
        }, chatId);
        await eventually(
          "nothing is on its way",
          () =>
            page.evaluate(async (chat) => {
              const { unreadCount } = await window.client.call("chat.chat.get", { chatId: chat });
              const { chats, connection } = window.client.get();
              return unreadCount === 0 && chats.get(chat)!.outgoing.length === 0 && connection === "online";
            }, chatId),
          { limit: 60_000 },
        );
        const held = await page.evaluate(async (chat) => {
          await window.client.sync();
          while (await window.client.loadOlder(chat));
          const typing = () => window.client.get().chats.get(chat)!.typing.length;
          for (const end = Date.now() + 20_000; typing() > 0 && Date.now() < end;)
            await new Promise((resolve) => setTimeout(resolve, 100));
          const { chat: now, rev, messages, outgoing, typing: who } = window.client.get().chats.get(chat)!;
          return { chat: now, rev, messages, outgoing, typing: who };
        }, chatId);
        const token = await page.evaluate(() => window.client.getToken());
        const fresh = await freshOf(network.url, () => Promise.resolve(token));
        clients.push(fresh);
        while (await fresh.loadOlder(chatId));
        await nobodyTypes(() => fresh.get().chats.get(chatId)!);
        const truth = fresh.get().chats.get(chatId)!;
        expect(held).toEqual(logOf(truth));
        expectSent(truth.messages, id, talks[at]!.sent);
      }
    } finally {
      await browser?.close();
      await network.close();
    }
  });
});

declare global {
  interface Window {
    client: Client;
    chatter: typeof chatter;
  }
}

/** The client and the chatter as one script, which leaves a client of the page's own address behind. */
async function bundleClient(): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents: `
        import { createClient } from "@confab/sdk";
        import { chatter } from "./chatter.ts";
        window.client = createClient({ url: location.origin });
        window.client.connect();
        window.chatter = chatter;
      `,
      resolveDir: join(__dirname, "../support"),
    },
    bundle: true,
    write: false,
    format: "iife",
    target: "es2023",
    logLevel: "warning",
  });
  return outputFiles[0]!.text;
}

/** Somebody signed in, in a browser of their own, on a page of the server that has nothing of its own. */
async function enter(browser: Browser, bundle: string, url: string, name: string): Promise<{ page: Page; id: string }> {
  const page = await (await browser.newContext()).newPage();
  await page.addInitScript({ content: bundle });
  await page.goto(`${url}/api/v1/meta`);
  const email = `${name}.${Date.now()}.${Math.random()}@example.test`;
  const flowId = await page.evaluate(async (to) => (await window.client.requestCode(to)).flowId, email);
  const given = { flowId, code: await mailedCode(url, email), name };
  const id = await page.evaluate(async (params) => (await window.client.verify(params)).id, given);
  await page.evaluate(() => window.client.connect());
  return { page, id };
}

/** Lets the page talk; without `finish` it comes back while some of that is on its way. */
async function talk(
  page: Page,
  chatId: string,
  options: { ms: number; seed: number; first: number },
  finish: boolean,
): Promise<Chatter> {
  return page.evaluate(
    async ([chat, how, toTheEnd]) => {
      let last = how.first - 1;
      const talking = window.chatter(window.client, chat, { ...how, note: (n) => (last = n) });
      if (toTheEnd) return talking;
      await new Promise((resolve) => setTimeout(resolve, how.ms));
      return { sent: last - how.first + 1, refused: [] };
    },
    [chatId, options, finish] as const,
  );
}
