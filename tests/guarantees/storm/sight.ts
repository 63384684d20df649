import type { Entry, Message } from "@confab/contracts";

interface Words {
  text: string;
}
const wordless = { text: "", mentions: [], data: {} };

/**
 * What anybody in a storm has been shown, through whatever door. What it was told once it must be told for ever, but
 * for the words of deleted messages; and whatever anybody has seen, everybody who asks after that must be shown (G2).
 */
export class Sight {
  readonly faults: string[] = [];
  readonly counts = { entries: 0, messages: 0, redacted: 0 };
  readonly #ends = new Map<string, number>();
  readonly #seqs = new Map<string, number>();
  readonly #entries = new Map<string, { bare: string; words: string | undefined }>();
  readonly #messages = new Map<string, { bare: string; revs: { rev: number; at: number }[] }>();
  /** When each message was first known to be deleted. */
  readonly #gone = new Map<string, number>();

  blame(what: string): void {
    if (this.faults.length < 20) this.faults.push(what);
  }

  /** How far anybody has seen a chat. */
  end(chatId: string): number {
    return this.#ends.get(chatId) ?? 0;
  }
  lastSeq(chatId: string): number {
    return this.#seqs.get(chatId) ?? 0;
  }

  seeEnd(chatId: string, rev: number, seq = 0): void {
    this.#ends.set(chatId, Math.max(rev, this.end(chatId)));
    this.#seqs.set(chatId, Math.max(seq, this.lastSeq(chatId)));
  }

  /** An entry of the log; `asked` is when it was asked for, and undefined where it came by itself. */
  seeEntry(entry: Entry, asked?: number): void {
    this.counts.entries++;
    const { chatId, rev } = entry;
    const place = `${chatId.slice(-6)}:${rev}`;
    this.seeEnd(chatId, rev, entry.type === "message.sent" ? entry.data.message.seq : 0);
    const words = wordsOf(entry);
    const seen = {
      bare: JSON.stringify(withoutWords(entry)),
      words: words && words.text !== "" ? JSON.stringify(words) : undefined,
    };
    const known = this.#entries.get(place);
    if (!known) this.#entries.set(place, seen);
    else {
      if (known.bare !== seen.bare) this.blame(`G1: ${place} was ${known.bare} and is ${seen.bare}`);
      if (known.words !== undefined && seen.words !== undefined && known.words !== seen.words)
        this.blame(`G2: the words at ${place} were ${known.words} and are ${seen.words}`);
      known.words ??= seen.words;
    }
    const messageId =
      entry.type === "message.sent" ? entry.data.message.id : "messageId" in entry.data ? entry.data.messageId : "";
    if (entry.type === "message.deleted") this.#seeGone(messageId);
    if (words) this.#expectRedacted(messageId, words.text, place, asked);
  }

  /** A message as it was then. */
  seeMessage(message: Message, asked: number): void {
    this.counts.messages++;
    const { id, chatId, seq, senderId, clientMessageId, createdAt, replyTo, rev } = message;
    const bare = JSON.stringify({ chatId, seq, senderId, clientMessageId, createdAt, replyTo });
    const known = this.#messages.get(id) ?? { bare, revs: [] };
    this.#messages.set(id, known);
    if (known.bare !== bare) this.blame(`G1: message ${id} was ${known.bare} and is ${bare}`);
    const before = Math.max(0, ...known.revs.filter(({ at }) => at < asked).map((one) => one.rev));
    if (rev < before) this.blame(`G2: message ${id} was seen at rev ${before}, and later as of ${rev}`);
    if (rev > (known.revs.at(-1)?.rev ?? 0)) known.revs.push({ rev, at: performance.now() });
    this.seeEnd(chatId, rev, seq);
    if (message.deletedAt) {
      this.#seeGone(id);
      if (message.text !== "" || message.mentions.length > 0 || Object.keys(message.data).length > 0)
        this.blame(`G2: message ${id} is deleted and has words`);
    } else this.#expectRedacted(id, message.text, `message ${id}`, asked);
  }

  #seeGone(messageId: string): void {
    if (!this.#gone.has(messageId)) this.#gone.set(messageId, performance.now());
  }

  /** Whoever asks after a deletion was known gets no words any more, from no old entry either. */
  #expectRedacted(messageId: string, text: string, where: string, asked: number | undefined): void {
    const gone = this.#gone.get(messageId);
    if (asked === undefined || gone === undefined || gone > asked) return;
    if (text === "") this.counts.redacted++;
    else this.blame(`G2: the words of ${messageId} are there after its deletion, at ${where}`);
  }
}

function wordsOf(entry: Entry): Words | undefined {
  if (entry.type === "message.sent") {
    const { text, mentions, data } = entry.data.message;
    return { text, mentions, data } as Words;
  }
  if (entry.type !== "message.edited") return undefined;
  const { text, mentions, data } = entry.data;
  return { text, mentions, data } as Words;
}

function withoutWords(entry: Entry): unknown {
  if (entry.type === "message.sent") return { ...entry, data: { message: { ...entry.data.message, ...wordless } } };
  if (entry.type === "message.edited") return { ...entry, data: { ...entry.data, ...wordless } };
  return entry;
}
