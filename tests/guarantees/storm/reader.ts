import type { Chat, ProblemCode, Result } from "@confab/contracts";
import { between, pick } from "../../support/random.ts";
import { maySee, type Folded } from "../../support/replica.ts";
import { pause } from "../../support/wait.ts";
import type { Asker } from "./asker.ts";
import type { Sight } from "./sight.ts";
import { isIn, stays, type Talk } from "./talk.ts";

/** What somebody who comes and goes was shown of a log or of its messages, to be judged when all of it is known. */
interface Glance {
  chatId: string;
  userId: string;
  of: "entries" | "entries by sync" | "messages";
  after: number;
  /** Up to here others had been shown it before. */
  known: number;
  numbers: number[];
}

/** Somebody who sees how far a chat is, through one door, and then asks for all up to there, through another (G2). */
export class Reader {
  readonly glances: Glance[] = [];
  looks = 0;
  readonly #asker: Asker;
  readonly #talks: readonly Talk[];
  readonly #sight: Sight;

  constructor(asker: Asker, talks: readonly Talk[], sight: Sight) {
    this.#asker = asker;
    this.#talks = talks.filter((talk) => isIn(talk, asker.id));
    this.#sight = sight;
  }

  async work(goesOn: () => boolean): Promise<void> {
    const { random } = this.#asker;
    while (goesOn()) {
      const talk = pick(random, this.#talks);
      await pick(random, [() => this.#newest(talk), () => this.#chat(talk), () => this.#chats(), () => this.#pins(talk)])();
      const long = random() < 0.1;
      const back = (end: number) => (long ? 0 : Math.max(0, end - Math.floor(random() * 80)));
      const ways = [() => this.#entries(talk, back), () => this.#sync(talk, back), () => this.#messages(talk, back)];
      await pick(random, ways)();
      this.looks++;
      await pause(between(random, 5, 40));
    }
  }

  async #newest(talk: Talk): Promise<void> {
    const asked = performance.now();
    const { result, refused } = await this.#asker.ask("chat.message.list", { chatId: talk.id, limit: 5 });
    if (refused) return this.#refused(talk, refused);
    for (const message of result!.items) this.#sight.seeMessage(message, asked);
  }

  async #chat(talk: Talk): Promise<void> {
    const [known, seq, asked] = [this.#sight.end(talk.id), this.#sight.lastSeq(talk.id), performance.now()];
    const { result, refused } = await this.#asker.ask("chat.chat.get", { chatId: talk.id });
    if (refused) return this.#refused(talk, refused);
    this.#seeChat(result!, known, seq, asked);
  }

  async #chats(): Promise<void> {
    const known = this.#talks.map(({ id }) => [id, this.#sight.end(id), this.#sight.lastSeq(id)] as const);
    const asked = performance.now();
    const { result } = await this.#asker.ask("chat.chat.list", {});
    for (const [id, end, seq] of known) {
      const chat = result?.items.find((one) => one.id === id);
      if (chat) this.#seeChat(chat, end, seq, asked);
      else if (
        stays(
          this.#talks.find((talk) => talk.id === id)!,
          this.#asker.id,
        )
      )
        this.#sight.blame("G2: a chat is not in the list");
    }
  }

  #seeChat(chat: Chat, known: number, seq: number, asked: number): void {
    if (chat.rev < known || chat.lastSeq < seq)
      this.#sight.blame(`G2: a chat is told to be at ${chat.rev}, ${chat.lastSeq}, where ${known}, ${seq} was seen`);
    this.#sight.seeEnd(chat.id, chat.rev, chat.lastSeq);
    if (chat.lastMessage) this.#sight.seeMessage(chat.lastMessage, asked);
  }

  async #pins(talk: Talk): Promise<void> {
    const asked = performance.now();
    const { result, refused } = await this.#asker.ask("chat.pin.list", { chatId: talk.id });
    if (refused) return this.#refused(talk, refused);
    for (const message of result!.items) {
      this.#sight.seeMessage(message, asked);
      if (message.deletedAt) this.#sight.blame("G2: a deleted message is among the pins");
    }
  }

  async #entries(talk: Talk, back: (end: number) => number): Promise<void> {
    const known = this.#sight.end(talk.id);
    const after = back(known);
    const revs: number[] = [];
    for (;;) {
      const asked = performance.now();
      const params = { chatId: talk.id, after: revs.at(-1) ?? after, limit: pick(this.#asker.random, [7, 50, 100]) };
      const { result, refused } = await this.#asker.ask("chat.entry.list", params);
      if (refused) return this.#refused(talk, refused);
      for (const entry of result!.items) this.#sight.seeEntry(entry, asked);
      revs.push(...result!.items.map(({ rev }) => rev));
      if (result!.items.length === 0 || revs.at(-1)! >= result!.rev) break;
    }
    this.#expectAll(talk, "entries", after, known, revs);
  }

  async #messages(talk: Talk, back: (end: number) => number): Promise<void> {
    const known = this.#sight.lastSeq(talk.id);
    const first = back(known);
    const seqs: number[] = [];
    for (let after: number | null = first; after !== null;) {
      const asked = performance.now();
      const params = { chatId: talk.id, after, limit: pick(this.#asker.random, [7, 50, 100]) };
      const outcome: { result?: Result<"chat.message.list">; refused?: ProblemCode } = await this.#asker.ask(
        "chat.message.list",
        params,
      );
      if (outcome.refused) return this.#refused(talk, outcome.refused);
      for (const message of outcome.result!.items) this.#sight.seeMessage(message, asked);
      seqs.push(...outcome.result!.items.map(({ seq }) => seq));
      after = outcome.result!.after;
    }
    this.#expectAll(talk, "messages", first, known, seqs);
  }

  async #sync(talk: Talk, back: (end: number) => number): Promise<void> {
    const known = this.#sight.end(talk.id);
    const after = back(known);
    const chats: Record<string, number> = Object.fromEntries(this.#talks.map(({ id }) => [id, this.#sight.end(id)]));
    chats[talk.id] = after;
    const before = { ...chats };
    const revs: number[] = [];
    let isReset = false;
    for (let more = true; more;) {
      const asked = performance.now();
      const limit = pick(this.#asker.random, [10, 100, 1000]);
      const { result } = await this.#asker.ask("chat.sync.pull", { chats: { ...chats }, userRev: 1_000_000, limit });
      if (!result) return;
      for (const part of result.chats) {
        chats[part.chatId] = part.rev;
        if (part.reset) {
          const isFar = part.rev - before[part.chatId]! > 1000;
          const ofTalk = this.#talks.find(({ id }) => id === part.chatId)!;
          if (!isFar && stays(ofTalk, this.#asker.id))
            this.#sight.blame(`G4: a reset without need, from ${before[part.chatId]} to ${part.rev}`);
          for (const entry of part.entries) if (entry.type === "message.sent") this.#sight.seeMessage(entry.data.message, asked);
          isReset ||= part.chatId === talk.id;
        } else {
          for (const entry of part.entries) this.#sight.seeEntry(entry, asked);
          if (part.chatId === talk.id) revs.push(...part.entries.map(({ rev }) => rev));
        }
      }
      more = result.more;
    }
    // Who is out of the chat, or was meanwhile, is told to forget it; and of one that is over, nothing more.
    if (!isReset && (stays(talk, this.#asker.id) || revs.length > 0))
      this.#expectAll(talk, "entries by sync", after, known, revs);
  }

  /** Whoever stays sees every number; of those who come and go it is told at the end which they were to see. */
  #expectAll(talk: Talk, of: Glance["of"], after: number, known: number, numbers: number[]): void {
    if (!stays(talk, this.#asker.id)) {
      this.glances.push({ chatId: talk.id, userId: this.#asker.id, of, after, known, numbers });
      return;
    }
    const hole = numbers.findIndex((number, at) => number !== after + 1 + at);
    const end = numbers.at(-1) ?? after;
    if (hole >= 0 || end < known)
      this.#sight.blame(
        `G2: ${of} after ${after}, of which ${known} had been seen: ${hole >= 0 ? `${numbers[hole]} where ${after + 1 + hole} should be` : `they end with ${end}`}`,
      );
  }

  #refused(talk: Talk, code: ProblemCode): void {
    if (stays(talk, this.#asker.id) || code !== "chat.not_found") this.#sight.blame(`G2: a reader was refused: ${code}`);
  }

  /** What comers were shown that was not for them, or were not shown that was. */
  judge(chatId: string, folded: Folded): string[] {
    return this.glances
      .filter((glance) => glance.chatId === chatId)
      .flatMap(({ userId, of, after, known, numbers }) => {
        const revOf = (number: number) => (of === "messages" ? folded.revs[number - 1]! : number);
        const last = Math.max(known, numbers.at(-1) ?? 0);
        const wanted = Array.from({ length: Math.max(0, last - after) }, (_, at) => after + 1 + at).filter((number) =>
          maySee(folded, userId, revOf(number)),
        );
        return JSON.stringify(wanted) === JSON.stringify(numbers)
          ? []
          : [`of ${of} after ${after} up to ${known} a comer saw ${summary(numbers)} instead of ${summary(wanted)}`];
      });
  }
}

/** Numbers as ranges. */
export function summary(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last && number === last[1] + 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([from, to]) => (from === to ? from : `${from}-${to}`)).join(" ") || "none";
}
