import { readFileSync } from "node:fs";
import type { InboxMail } from "@confab/contracts";
import { newName } from "../support/user.ts";
import { describeWorlds, type World } from "../support/world.ts";

/** The codes that were mailed to an address. */
async function mailedCodes(world: World, email: string): Promise<string[]> {
  const url = `${world.doors[0]!.api}/dev/inbox?to=${encodeURIComponent(email)}`;
  const { items } = (await (await fetch(url, { headers: { Accept: "application/json" } })).json()) as { items: InboxMail[] };
  return items.map(({ text }) => /\b\d{6}\b/.exec(text)![0]);
}

describeWorlds("logs, at their most talkative", { env: { LOG_LEVEL: "trace" } }, (open) => {
  let world: World;
  beforeAll(async () => (world = await open()));
  afterAll(() => world?.stop());

  test("hold no code, token, address or message text", async () => {
    const [ann, bob] = [await world.user("ann"), await world.user("bob")];
    const bobsSocket = await bob.socket();
    const chat = await ann.chatWith(bob);
    await ann.send(chat, "a secret by REST");
    await bobsSocket.call("chat.message.send", { chatId: chat.id, clientMessageId: newName(), text: "a secret by socket" });
    await ann.history(chat);
    await ann.sync({});
    await ann.client.ask("user.code.verify", { flowId: chat.id, code: "135790" });
    await ann.client.ask("user.session.refresh", { refreshToken: ann.refreshToken });

    const codes = [...(await mailedCodes(world, ann.email)), ...(await mailedCodes(world, bob.email))];
    expect(codes).toHaveLength(2);

    const logs = world.nodes.map((node) => readFileSync(node.log, "utf8")).join("\n");
    expect(logs.length).toBeGreaterThan(1000);
    for (const secret of ["a secret by", "135790", ann.client.token!, ann.refreshToken, ann.email, bob.email]) {
      expect({ secret, found: logs.includes(secret) }).toEqual({ secret, found: false });
    }
    for (const code of codes) {
      // Six digits also stand in ids and fractions of seconds, by chance.
      const found = new RegExp(`.{0,80}(?<![0-9a-f.])${code}(?![0-9a-f]).{0,80}`).exec(logs)?.[0];
      expect({ code, found }).toEqual({ code, found: undefined });
    }
  });
});
