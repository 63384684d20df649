import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { strFromU8, unzipSync } from "fflate";
import { archiveMs } from "../support/limits.ts";
import type { TestUser } from "../support/user.ts";
import { eventually } from "../support/wait.ts";
import { describeWorlds, type World } from "../support/world.ts";

const unlimited = { RATE_ADDRESS: "0", RATE_USER: "0", RATE_CHAT: "0", RATE_SIGN_IN: "0" };
const publicUrl = "https://chat.example.test";
const messages = 3000;
const atOnce = 50;

interface Inbox {
  items: { subject: string; text: string }[];
}

describeWorlds("all that is held of somebody", { env: { ...unlimited, PUBLIC_URL: publicUrl } }, (open) => {
  let world: World;
  beforeAll(async () => void (world = await open()));
  afterAll(() => world?.stop());

  /** The address in the mail, on the server as the test reaches it. */
  async function mailedLink(to: string): Promise<string> {
    const { api } = world.doors[0]!;
    return eventually(
      "the link is mailed",
      async () => {
        const response = await fetch(`${api}/dev/inbox?to=${encodeURIComponent(to)}`, {
          headers: { Accept: "application/json" },
        });
        const { items } = (await response.json()) as Inbox;
        const [, path] = items.flatMap(({ text }) => new RegExp(`${publicUrl}(/exports/\\S+)`).exec(text) ?? []);
        return path && `${api}${path}`;
      },
      { limit: archiveMs },
    );
  }

  async function download(link: string): Promise<Buffer> {
    const response = await fetch(link);
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/zip"]);
    return Buffer.from(await response.arrayBuffer());
  }

  async function say(who: TestUser, chat: { id: string }, count: number, words: string): Promise<void> {
    for (let from = 0; from < count; from += atOnce)
      await Promise.all(Array.from({ length: atOnce }, (_, at) => who.send(chat, `${words} ${from + at}`)));
  }

  test("comes by a mailed link, whole, and without anything of anybody else", async () => {
    const [ann, bob] = [await world.user("Ann"), await world.user("Bob")];
    const group = await ann.group([bob], { title: "ours" });
    const direct = await bob.chatWith(ann);
    await Promise.all([
      say(ann, group, messages - 100, "word of ann"),
      say(ann, direct, 100, "word of ann in private"),
      say(bob, group, 200, "secret of bob"),
    ]);
    const [first] = await ann.history(direct, 1);
    await ann.react(direct, first!, "🎉");
    await ann.edit(direct, first!, "changed by ann");

    expect(await ann.call("user.export.begin", {})).toMatchObject({ state: "preparing" });
    const archive = await download(await mailedLink(ann.email));

    const files = Object.fromEntries(Object.entries(unzipSync(archive)).map(([name, bytes]) => [name, strFromU8(bytes)]));
    const records = (name: string) =>
      files[name]!.trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    const own = records("messages.ndjson");
    expect(own).toHaveLength(messages);
    const texts = [...(await ann.history(group)), ...(await ann.history(direct))]
      .filter(({ senderId }) => senderId === ann.id)
      .map(({ text }) => text);
    expect(own.map(({ text }) => text).sort()).toEqual(texts.sort());
    expect(own.find(({ id }) => id === first!.id)).toMatchObject({ text: "changed by ann", versions: [{ text: first!.text }] });
    expect(records("reactions.ndjson")).toMatchObject([{ chatId: direct.id, seq: 1, emoji: "🎉" }]);
    expect(records("chats.ndjson").map(({ chatId }) => chatId)).toEqual([group.id, direct.id].sort());
    expect(JSON.parse(files["account.json"]!)).toMatchObject({ id: ann.id, email: ann.email, name: "Ann" });
    const all = Object.values(files).join("\n");
    for (const foreign of ["secret of bob", bob.email]) expect(all).not.toContain(foreign);
    opensElsewhere(archive, files);
  });

  test("wants the whole link, and no other opens it", async () => {
    const ann = await world.user("Ann");
    await ann.call("user.export.begin", {});
    const link = await mailedLink(ann.email);
    const other = await world.user("Eve");
    await other.call("user.export.begin", {});
    const [, token] = (await mailedLink(other.email)).split("token=");
    for (const wrong of [link.split("?")[0]!, `${link}x`, link.replace(/token=.*/, `token=${token}`)]) {
      const response = await fetch(wrong);
      expect(response.status).toBe(404);
    }
    expect((await ann.call("user.export.get", {})).url).toBe(link.replace(world.doors[0]!.api, ""));
  });
});

/** Another program reads the same out of it. */
function opensElsewhere(archive: Buffer, files: Record<string, string>): void {
  const folder = mkdtempSync(join(tmpdir(), "confab-export-"));
  try {
    writeFileSync(join(folder, "archive.zip"), archive);
    execFileSync("python3", ["-m", "zipfile", "-e", join(folder, "archive.zip"), join(folder, "out")]);
    expect(readdirSync(join(folder, "out")).sort()).toEqual(Object.keys(files).sort());
    for (const [name, text] of Object.entries(files)) expect(readFileSync(join(folder, "out", name), "utf8")).toBe(text);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
