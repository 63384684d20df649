import { execFile, execFileSync, type ExecFileException } from "node:child_process";
import { createHmac, randomUUID } from "node:crypto";
import { cpSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Params } from "@confab/contracts";
import { chromium } from "playwright-core";
import { chromiumOptions, describeWithBrowser } from "../support/browser.ts";
import { freePort } from "../../tools/parts/ports.ts";
import { launch } from "../../tools/parts/processes.ts";
import { TestClient } from "../support/client.ts";
import { Ground } from "../support/node.ts";
import { describeCluster } from "../support/parts.ts";
import { eventually } from "../support/wait.ts";
import { clusterWorld, embeddedWorld, type World } from "../support/world.ts";

/* A host with accounts of its own, from its first server key on. */

const root = join(__dirname, "../..");
const example = join(__dirname, "host");
const boss = `boss.${randomUUID()}@example.test`;
const secret = randomUUID();
/** A token as the host signs it: HS256. */
function signed(claims: object, key: string): string {
  const parts = [{ alg: "HS256" }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
  return [...parts, createHmac("sha256", key).update(parts.join(".")).digest("base64url")].join(".");
}
/** How long anything that ended may still be good for (G6). */
const soon = { limit: 2000, every: 50 };

type Made = { code: number; stdout: string; stderr: string };

/** `npm run key` on some settings. */
function makeKey(env: Record<string, string>, ...args: string[]): Promise<Made> {
  const unset = { TRANSPORTER: "", MONGO_URL: "", REDIS_URL: "", NAMESPACE: "", SERVICES: "", NODE_ENV: "test" };
  const options = { env: { ...unset, ...env }, timeout: 60_000 };
  return new Promise((resolve) =>
    execFile(process.execPath, [join(root, "tools/key.ts"), ...args], options, (err: ExecFileException | null, stdout, stderr) =>
      resolve({ code: err ? Number(err.code) : 0, stdout: stdout.trim(), stderr }),
    ),
  );
}

const all = "users,tokens,sessions,chats,messages";
const dataOf = (world: World) => ({ DATA_DIR: join(dirname(world.node("user").log), "data") });
const at = (world: World, token: string, door = 0) => new TestClient(world.doors[door % world.doors.length]!, token);
const times = <T>(count: number, act: (at: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => act(index)));

/** Somebody whom the host vouches for, at a door. */
async function vouchedFor(world: World, host: TestClient, externalId: string, profile: { name?: string } = {}) {
  const { user, accessToken, refreshToken } = await host.call("user.host.vouch", { externalId, ...profile });
  return { user, refreshToken, client: at(world, accessToken) };
}

describe("a host beside Confab in one process", () => {
  let world: World;
  let origin: string;
  let host: TestClient;
  beforeAll(async () => {
    origin = `http://127.0.0.1:${await freePort()}`;
    world = await embeddedWorld({
      env: { AUTH: "both", ADMINS: boss, CORS_ORIGINS: origin, ACCESS_MINUTES: "5", HOST_JWT_SECRET: secret },
    });
  });
  afterAll(() => world?.stop());

  test("the first key is made by the command line, while nothing else has the data", async () => {
    const args = ["--name", "backend", "--scopes", all];
    const refused = await makeKey(dataOf(world), ...args);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain("is in use by another process");
    expect(refused.stderr).toContain("/api/v1/admin/keys");
    const wrong = await makeKey(dataOf(world), "--scopes", "users,all", "--expires", "soon");
    expect(wrong).toMatchObject({ code: 1, stdout: "" });
    for (const name of ["--name", "--scopes", "--expires"]) expect(wrong.stderr).toContain(name);

    // The lock of a killed process keeps nobody out.
    await world.kill("user");
    const made = await makeKey(dataOf(world), ...args);
    expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^ck_[\w-]+$/) as string });
    await world.revive("user");
    host = at(world, made.stdout);
    await host.call("user.host.put", { externalId: "first", name: "First" });
  });

  test("who is vouched for hears live what the host says, and is cut within two seconds when the host ends it", async () => {
    await host.call("user.host.put", { externalId: "ann", name: "Ann" });
    await host.call("user.host.put", { externalId: "bob", name: "Bob" });
    const ann = await vouchedFor(world, host, "ann");
    const socket = await ann.client.socket();
    const chat = await host.call("chat.host.put", { key: "order 7/8", owner: "ann", members: ["bob"], title: "Order" });
    const said = { chatId: chat.id, sender: "bob", clientMessageId: "shipped", text: "Your order is on its way" };
    const { message } = await host.call("chat.host.send", said);
    expect((await host.call("chat.host.send", said)).message).toEqual(message);
    const isIt = ({ event, payload }: (typeof socket.heard)[number]) =>
      event === "chat:entry" && payload.type === "message.sent" && payload.data.message.id === message.id;
    await eventually("the message arrives", () => socket.heard.some(isIt));
    expect(socket.heard.filter(isIt)).toHaveLength(1);

    const other = await vouchedFor(world, host, "bob");
    await host.call("user.host.endSessions", { externalId: "ann" });
    await eventually("the socket is cut", () => socket.disconnected, soon);
    expect(socket.heard.map(({ event }) => event)).toContain("session:revoked");
    await eventually(
      "the token is good for nothing",
      async () => {
        const { problem } = await ann.client.ask("user.me.get", {});
        return problem?.code === "unauthenticated";
      },
      soon,
    );
    const { problem } = await ann.client.ask("user.session.refresh", { refreshToken: ann.refreshToken });
    expect(problem?.code).toBe("user.bad_refresh_token");
    expect((await other.client.call("user.me.get", {})).externalId).toBe("bob");
    socket.close();
    socket.check();
  });

  test("an admin makes a second key, and the first is good for nothing two seconds after its removal", async () => {
    const admin = await world.signIn(boss, "Boss");
    const made = await admin.call("user.serverkey.create", { name: "next", scopes: ["users"] });
    const next = at(world, made.key);
    const put: Params<"user.host.put"> = { externalId: "ann" };
    await next.call("user.host.put", put);
    await host.call("user.host.put", put);
    expect((await next.ask("user.host.vouch", { externalId: "ann" })).problem?.code).toBe("user.missing_scope");

    await admin.call("user.serverkey.remove", { keyId: made.id });
    await eventually(
      "the removed key is refused",
      async () => {
        return (await next.ask("user.host.put", put)).problem?.code === "unauthenticated";
      },
      soon,
    );
    await host.call("user.host.put", put);
    const { items } = await admin.call("user.serverkey.list", {});
    expect(items).toMatchObject([{ name: "backend", lastUsedAt: expect.any(String) as string }]);
  });

  test("a token that the host signed leads to the same user, and none but the host's does", async () => {
    const known = await host.call("user.host.put", { externalId: "ann" });
    const exp = Math.floor(Date.now() / 1000) + 60;
    const anyone = new TestClient(world.doors[0]!);
    const { user, accessToken } = await anyone.call("user.session.exchange", {
      token: signed({ sub: "ann", aud: "confab", exp, name: "Anna" }, secret),
    });
    expect(user).toMatchObject({ id: known.id, name: "Anna" });
    const socket = await at(world, accessToken).socket();
    socket.close();
    socket.check();
    const token = signed({ sub: "ann", aud: "confab", exp }, `not ${secret}`);
    expect((await anyone.ask("user.session.exchange", { token })).problem?.code).toBe("user.bad_host_token");
    expect((await anyone.ask("user.session.exchange", { token: "x".repeat(8193) })).problem?.code).toBe("bad_input");
  });

  test("the example in the documents is what runs here", () => {
    const doc = readFileSync(join(root, "docs/host-accounts.md"), "utf8");
    for (const [file, language] of [
      ["backend.mjs", "js"],
      ["page.mjs", "js"],
      ["page.html", "html"],
    ] as const)
      expect(doc).toContain(`\`\`\`${language}\n${readFileSync(join(example, file), "utf8")}\`\`\``);
  });

  describeWithBrowser("the example of the documents", () => {
    test("two people of the host's talk on its own page", async () => {
      const ground = new Ground();
      const { folder } = ground;
      cpSync(example, folder, { recursive: true });
      const bundle = ["--bundle", "--format=esm", `--outfile=${join(folder, "dist/page.js")}`, "--log-level=warning"];
      execFileSync(join(root, "node_modules/.bin/esbuild"), [join(example, "page.mjs"), ...bundle]);
      const env = { PORT: new URL(origin).port, CONFAB_URL: world.doors[0]!.api, CONFAB_KEY: host.token! };
      const [args, log] = [[join(folder, "backend.mjs")], join(folder, "host.log")];
      const backend = launch({ command: process.execPath, args, env, cwd: folder, log }, ground.watchdog);
      const browser = await chromium.launch(chromiumOptions);
      try {
        await eventually("the host serves", async () => (await fetch(origin)).ok);
        expect((await fetch(`${origin}/chat-token`, { method: "POST" })).status).toBe(401);
        const [ann, bob] = await Promise.all(
          ["1", "2"].map(async (person) => {
            const context = await browser.newContext();
            await context.addCookies([{ name: "person", value: person, url: origin }]);
            const page = await context.newPage();
            page.setDefaultTimeout(30_000);
            await page.goto(origin);
            await page.getByText("Your order is on its way.").waitFor();
            return page;
          }),
        );
        await ann!.fill("[name=text]", "Thank you!");
        await ann!.press("[name=text]", "Enter");
        await bob!.getByText("Thank you!").waitFor();
        await bob!.reload();
        await bob!.getByText("Thank you!").waitFor();
        expect(await bob!.locator("li").allTextContents()).toEqual(["Your order is on its way.", "Thank you!"]);

        // The host vouches anew for whoever is still signed in with it.
        await host.call("user.host.endSessions", { externalId: "2" });
        await bob!.fill("[name=text]", "Still here");
        await bob!.press("[name=text]", "Enter");
        await ann!.getByText("Still here").waitFor();
      } finally {
        await browser.close();
        backend.signal("SIGKILL");
        await ground.clear();
      }
    });
  });
});

describeCluster("a host beside Confab in a cluster", () => {
  let world: World;
  let key: string;
  beforeAll(async () => {
    world = await clusterWorld({ env: { AUTH: "both" }, size: { user: 2, chat: 2, api: 2 } });
    const made = await makeKey(world.env, "--name", "backend", "--scopes", all);
    expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^ck_/) as string });
    key = made.stdout;
  });
  afterAll(() => world?.stop());

  test("fifty puts, vouches, guests and chats at once are one of each", async () => {
    const profile = { externalId: "ann", name: "Ann", email: `ann.${randomUUID()}@example.test` };
    const users = await times(50, async (index) => {
      const host = at(world, key, index);
      return index % 2 ? (await host.call("user.host.vouch", profile)).user : host.call("user.host.put", profile);
    });
    expect(new Set(users.map(({ id }) => id)).size).toBe(1);
    expect(users.every(({ email }) => email === profile.email)).toBe(true);

    const guests = await times(50, async (index) => {
      const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json", "Idempotency-Key": "visit-7" };
      const url = `${world.doors[index % world.doors.length]!.api}/api/v1/server/users`;
      const response = await fetch(url, { method: "POST", headers, body: JSON.stringify({ name: "Guest" }) });
      return (await response.json()) as { externalId: string };
    });
    expect(new Set(guests.map(({ externalId }) => externalId)).size).toBe(1);
    expect(guests[0]!.externalId).toMatch(/^guest-/);

    await at(world, key).call("user.host.put", { externalId: "bob", name: "Bob" });
    const given = { key: "order-7", owner: "ann", members: ["bob"], title: "Order" };
    const chats = await times(50, (index) => at(world, key, index).ask("chat.host.put", given));
    expect(new Set(chats.map(({ data }) => data!.id)).size).toBe(1);
    expect(chats.filter(({ status }) => status === 201)).toHaveLength(1);
    const ann = await vouchedFor(world, at(world, key), "ann");
    const { items } = await ann.client.call("chat.entry.list", { chatId: chats[0]!.data!.id, after: 0 });
    expect(items.map(({ type }) => type)).toEqual(["chat.created"]);

    const said = { chatId: chats[0]!.data!.id, sender: "bob", clientMessageId: "once", text: "Your order is on its way" };
    const messages = await times(50, (index) => at(world, key, index).call("chat.host.send", said));
    expect(new Set(messages.map(({ message }) => message.id)).size).toBe(1);
  });
});
