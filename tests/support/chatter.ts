import type { ApiProblem, Client } from "@confab/sdk";

/* Runs in Node and, bundled with the SDK, in a browser: so it imports nothing but types. */

export interface Chatter {
  /** Messages that were written, numbered from `first` in their `data.n`; `note` hears of each before. */
  sent: number;
  /** What was refused, by its word. */
  refused: string[];
}

const emojis = ["👍", "🎉", "👀"];

/** Somebody who, for so many milliseconds, writes, edits, reacts, deletes, reads and looks around in a chat without waiting for anything. */
export async function chatter(
  client: Client,
  chatId: string,
  { ms, seed, first = 1, note = () => {} }: { ms: number; seed: number; first?: number; note?: (n: number) => void },
): Promise<Chatter> {
  let state = seed;
  // Park and Miller's.
  const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  const pick = <T>(from: readonly T[]): T | undefined => from[Math.floor(random() * from.length)];
  const me = client.get().user!.id;
  const refused: string[] = [];
  const going: Promise<unknown>[] = [];
  const go = (what: Promise<unknown>) => going.push(what.catch((err: ApiProblem) => refused.push(err.code ?? String(err))));
  let n = first;
  for (const end = Date.now() + ms; Date.now() < end;) {
    const messages = client.get().chats.get(chatId)?.messages ?? [];
    const lately = messages.slice(-12).filter(({ deletedAt }) => deletedAt === null);
    const any = pick(lately);
    const own = pick(lately.filter(({ senderId }) => senderId === me));
    const chance = random();
    if (chance < 0.4) {
      const mentions = random() < 0.2 ? "all" : [];
      note(n);
      go(
        client.send(chatId, `number ${n}`, { data: { n: n++ }, mentions, ...(any && random() < 0.3 ? { replyTo: any.id } : {}) }),
      );
    } else if (chance < 0.5 && own) go(client.edit(chatId, own.id, { text: `edited ${chance}` }));
    else if (chance < 0.7 && any) go(client.react(chatId, any.id, pick(emojis)!, random() < 0.7));
    else if (chance < 0.73 && own) go(client.remove(chatId, own.id));
    else if (chance < 0.85) client.markRead(chatId);
    else if (chance < 0.9) client.setTyping(chatId, random() < 0.7);
    else if (chance < 0.93 && messages.length > 0) go(client.jump(chatId, Math.ceil(random() * messages.at(-1)!.seq)));
    else if (chance < 0.95) go(client.loadOlder(chatId));
    else if (chance < 0.97) client.leaveWindow(chatId);
    else if (any && client.get().chats.get(chatId)?.chat.me.role === "owner")
      go(client.call("chat.pin.add", { chatId, messageId: any.id }));
    await new Promise((resolve) => setTimeout(resolve, random() * 100));
  }
  await Promise.all(going);
  return { sent: n - first, refused: [...new Set(refused)].sort() };
}
