import type { Entry, EntryType } from "@confab/contracts";

/** One change that somebody asked for, and what became of it. */
interface Act {
  chatId: string;
  type: EntryType;
  by: string;
  /** What tells it from every other of its type: a name, a text, a message and an emoji. */
  what: string;
  done: boolean;
  interrupted: number;
}

/** Types that cannot be there twice for the same thing, however often they are asked for. */
const once = new Set<EntryType>(["message.sent", "message.deleted"]);
/** Types that others may ask for too: then one entry is what both have asked for. */
const shared = new Set<EntryType>(["message.deleted", "pin.added", "pin.removed"]);
/** Types of which nothing shows where there was nothing to do. */
const idle = new Set<EntryType>(["pin.removed"]);

/** Everything that was asked for, to be compared with the logs (G1). */
export class Acts {
  readonly #acts: Act[] = [];
  /** Names that were acknowledged, with the message that they are (G3). */
  readonly names: { chatId: string; by: string; name: string; id: string; seq: number; rev: number }[] = [];

  /** How many changes of a chat were done twice. They have no name, and were asked for again while the first asking was under way. */
  readonly twice = new Map<string, number>();

  get done(): number {
    return this.#acts.filter(({ done }) => done).length;
  }

  note(act: Act): void {
    this.#acts.push(act);
  }

  /** What is not as it was acknowledged: lost, doubled, there although it was refused, or moved. */
  compareWith(chatId: string, log: readonly Entry[]): string[] {
    const faults: string[] = [];
    let twice = 0;
    const acts = Map.groupBy(
      this.#acts.filter((act) => act.chatId === chatId),
      keyOf,
    );
    const entries = Map.groupBy(log.map(readEntry), keyOf);
    for (const [key, same] of acts) {
      const { type } = same[0]!;
      const done = same.filter((act) => act.done).length;
      const interrupted = same.reduce((sum, act) => sum + act.interrupted, 0);
      const found = entries.get(key)?.length ?? 0;
      const atLeast = idle.has(type) ? 0 : Math.min(done, once.has(type) || shared.has(type) ? 1 : done);
      const atMost = Math.min(done + interrupted, once.has(type) ? 1 : Infinity);
      if (found > done && found > 1) twice += found - done;
      if (found < atLeast || found > atMost)
        faults.push(`${key}: ${found} entries, where ${done} were acknowledged and ${interrupted} left unanswered`);
    }
    for (const [key, same] of entries)
      if (!acts.has(key) && same.some(({ type }) => type !== "chat.created" && type !== "member.changed"))
        faults.push(`${key}: nobody asked for it`);
    this.twice.set(chatId, twice);
    const sent = new Map(log.flatMap((entry) => (entry.type === "message.sent" ? [[entry.data.message.id, entry]] : [])));
    for (const { chatId: where, name, id, seq, rev } of this.names) {
      if (where !== chatId) continue;
      const entry = sent.get(id);
      const message = entry?.data.message;
      if (message?.seq !== seq || message.clientMessageId !== name || entry?.rev !== rev)
        faults.push(`${name} was acknowledged as ${id} at ${rev}, ${seq}, and is not there`);
    }
    return faults;
  }
}

const keyOf = ({ type, by, what }: Pick<Act, "type" | "by" | "what">) =>
  shared.has(type) ? `${type} ${what}` : `${type} ${what} by ${by}`;

/** An entry as the act that it answers to. Edits are told by their message: their words go with it. */
function readEntry({ type, by, data }: Entry): Pick<Act, "type" | "by" | "what"> {
  const target = "messageId" in data ? data.messageId : "";
  if (type === "message.sent") return { type, by, what: data.message.clientMessageId };
  if (type === "reaction.added" || type === "reaction.removed") return { type, by, what: `${target} ${data.emoji}` };
  if (type === "chat.changed") return { type, by, what: String(data.title) };
  if (type === "member.added") return { type, by, what: data.members.map(({ userId }) => userId).join(" ") };
  if (type === "member.removed") return { type, by, what: data.userId };
  return { type, by, what: target };
}

/** Entries by those who were not in the chat when they took their place: the log is the lock, whoever decides on which node. */
export function strangersIn(log: readonly Entry[]): string[] {
  const members = new Set<string>();
  return log.flatMap(({ rev, type, by, data }) => {
    const joins = type === "chat.created" || type === "member.added" ? data.members.map(({ userId }) => userId) : [];
    const isStranger = !members.has(by) && !joins.includes(by);
    for (const userId of joins) members.add(userId);
    if (type === "member.removed") members.delete(data.userId);
    return isStranger ? `${type} at ${rev}` : [];
  });
}
