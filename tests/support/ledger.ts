import type { Entry, Message } from "@confab/contracts";
import type { TestUser } from "./user.ts";
import { eventually } from "./wait.ts";

/** What was acknowledged to whom, to be compared with the log (G1). */
export class Ledger {
  readonly #acknowledged = new Map<string, Message>();

  get size(): number {
    return this.#acknowledged.size;
  }

  /** Notes an acknowledgement. One name must never be told two things. */
  note(message: Message): void {
    const known = this.#acknowledged.get(message.clientMessageId);
    if (known) expect(message).toEqual(known);
    this.#acknowledged.set(message.clientMessageId, message);
  }

  /** Nothing acknowledged is missing, doubled or moved; revs and seqs are dense; each reader sees the same. */
  async compareWith(chat: { id: string }, ...readers: TestUser[]): Promise<Entry[]> {
    let log: Entry[] = [];
    for (const reader of readers) {
      // G7: after a kill a read may be refused for a while too; repeating it is safe.
      const entries = await eventually("the log is read", () => reader.entries(chat), { limit: 10_000, every: 200 });
      expectDense(entries);
      const sent = messagesOf(entries);
      const byName = Map.groupBy(sent, ({ clientMessageId, senderId }) => `${senderId} ${clientMessageId}`);
      expect([...byName.values()].filter((same) => same.length > 1)).toEqual([]);
      const stored = new Map(sent.map((message) => [message.clientMessageId, message]));
      const wrong = [...this.#acknowledged].filter(
        ([name, message]) => JSON.stringify(placeOf(stored.get(name))) !== JSON.stringify(placeOf(message)),
      );
      expect(
        wrong.map(([name, message]) => ({ name, acknowledged: placeOf(message), stored: placeOf(stored.get(name)) })),
      ).toEqual([]);
      log = entries;
    }
    return log;
  }
}

const placeOf = (message: Message | undefined) =>
  message && { id: message.id, seq: message.seq, rev: message.rev, text: message.text };

export const messagesOf = (entries: Entry[]): Message[] =>
  entries.flatMap((entry) => (entry.type === "message.sent" ? entry.data.message : []));

/** Revs 1..n, and of the messages seqs 1..m, each message at the rev of its entry. */
export function expectDense(entries: Entry[]): void {
  const holes = entries.filter(({ rev }, at) => rev !== at + 1).slice(0, 3);
  expect(holes).toEqual([]);
  const sent = messagesOf(entries);
  expect(sent.filter(({ seq }, at) => seq !== at + 1).slice(0, 3)).toEqual([]);
  expect(entries.filter((entry) => entry.type === "message.sent" && entry.data.message.rev !== entry.rev)).toEqual([]);
}
